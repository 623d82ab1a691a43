//go:build cluster

package cluster

import (
	"fmt"
	"testing"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/test/cluster/node"
)

// TestPeers connects pods with pods, services, the node and the outside, and wants the
// names of both ends in the alerts of both.
func TestPeers(t *testing.T) {
	ns := namespace(t, "peers")
	apply(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: store, namespace: %[1]s}
spec:
  selector: {matchLabels: {app: store}}
  template:
    metadata: {labels: {app: store}}
    spec:
      containers: [{name: db, image: localhost/tools:1, imagePullPolicy: Never, command: [httpd, -f, -p, "7777", -h, /etc]}]
---
apiVersion: v1
kind: Service
metadata: {name: store, namespace: %[1]s}
spec: {selector: {app: store}, ports: [{port: 7777}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: front, namespace: %[1]s}
spec:
  selector: {matchLabels: {app: front}}
  template:
    metadata: {labels: {app: front}}
    spec:
      containers: [{name: web, image: localhost/tools:1, imagePullPolicy: Never}]
`, ns)
	kubectl(t, "-n", ns, "rollout", "status", "deployment/store", "--timeout=60s")
	kubectl(t, "-n", ns, "rollout", "status", "deployment/front", "--timeout=60s")
	name := func(app string) string {
		return kubectl(t, "-n", ns, "get", "pods", "-l", "app="+app, "-o", "jsonpath={.items[0].metadata.name}")
	}
	store, front := name("store"), name("front")
	storeIP := kubectl(t, "-n", ns, "get", "pod", store, "-o", "jsonpath={.status.podIP}")
	serviceIP := kubectl(t, "-n", ns, "get", "service", "store", "-o", "jsonpath={.spec.clusterIP}")

	for _, tt := range []struct{ name, address, want string }{
		{"pod", storeIP, "pod " + ns + "/" + store + " &{Deployment store}"},
		{"service", serviceIP, "service " + ns + "/store <nil>"},
		{"node", kube.Address(), "node /" + node.Name + " <nil>"},
		{"outside", kube.Outside(), "outside / <nil>"},
	} {
		t.Run("to "+tt.name, func(t *testing.T) {
			word := "peer-" + tt.name
			sh(t, ns, front, fmt.Sprintf("wget -q -O- --header 'X: goshawk-test %s' http://%s:7777/passwd; true", word, tt.address))
			a := arrive(t, 1, of("Test connection out", word))[0].Event
			if a.Kubernetes == nil || a.Kubernetes.Pod != front || peerOf(&a) != tt.want {
				t.Errorf("from %s to %s, want to %s", place(&a), peerOf(&a), tt.want)
			}
		})
	}
	t.Run("from pod", func(t *testing.T) {
		got := arrive(t, 1, func(e *envelope) bool {
			return e.Event.Rule == "Test connection in" && e.Event.Kubernetes != nil && e.Event.Kubernetes.Pod == store
		})[0].Event
		if want := "pod " + ns + "/" + front + " &{Deployment front}"; peerOf(&got) != want {
			t.Errorf("from %s, want %s", peerOf(&got), want)
		}
	})
}

// peerOf is what an alert says of the other end, in short.
func peerOf(a *alert.Alert) string {
	if a.Peer == nil {
		return "none"
	}
	return fmt.Sprintf("%s %s/%s %v", a.Peer.Type, a.Peer.Namespace, a.Peer.Name, a.Peer.Owner)
}
