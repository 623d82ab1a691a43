//go:build cluster

package cluster

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestCluster holds the cluster itself to what the other tests rely on.
func TestCluster(t *testing.T) {
	ns := namespace(t, "base")
	apply(t, `
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: %[1]s, labels: {app: web}}
spec:
  containers: [{name: web, image: localhost/tools:1, imagePullPolicy: Never, command: [httpd, -f, -p, "8080", -h, /etc]}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: %[1]s}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
`, ns)
	pod(t, ns, "client")
	ready(t, ns, "pod/web")

	t.Run("node", func(t *testing.T) {
		if got := kubectl(t, "get", "nodes", "-o", `jsonpath={.items[*].metadata.name} {.items[*].status.conditions[?(@.type=="Ready")].status}`); got != "node1 True" {
			t.Errorf("nodes: %s", got)
		}
	})
	t.Run("exec", func(t *testing.T) {
		if got := sh(t, ns, "client", "hostname"); got != "client" {
			t.Errorf("the host's name in a pod is %q", got)
		}
	})
	t.Run("pod to pod", func(t *testing.T) {
		ip := kubectl(t, "-n", ns, "get", "pod", "web", "-o", "jsonpath={.status.podIP}")
		if got := sh(t, ns, "client", "wget -qO- http://"+ip+":8080/passwd"); !strings.HasPrefix(got, "root:") {
			t.Errorf("got %q", got)
		}
	})
	t.Run("service", func(t *testing.T) {
		ip := kubectl(t, "-n", ns, "get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
		waitFor(t, "the service answers", 20*time.Second, func() error {
			got, err := kube.Kubectl(t.Context(), "-n", ns, "exec", "client", "--", "wget", "-qO-", "http://"+ip+"/passwd")
			if err == nil && !strings.HasPrefix(got, "root:") {
				err = fmt.Errorf("got %q", got)
			}
			return err
		})
	})
	t.Run("API server", func(t *testing.T) {
		got := sh(t, ns, "client", "ask /apis")
		if !strings.Contains(got, "APIGroupList") {
			t.Errorf("got %q", got)
		}
	})
}
