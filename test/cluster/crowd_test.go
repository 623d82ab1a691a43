//go:build cluster

package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestShortLived has a thousand containers whose first process is what a rule looks for,
// and which has ended before anybody could ask for its metadata. Each alert must have all.
func TestShortLived(t *testing.T) {
	const pods, each = 50, 20
	ns := namespace(t, "short")
	defer gone(t, ns, "job/short")
	var containers strings.Builder
	for i := range each {
		fmt.Fprintf(&containers, "        - {name: c%d, image: localhost/tools:1, imagePullPolicy: Never, command: [/bin/true, goshawk-test, short, short-%[1]d]}\n", i)
	}
	began := time.Now()
	apply(t, `
apiVersion: batch/v1
kind: Job
metadata: {name: short, namespace: %s}
spec:
  completions: %d
  parallelism: 10
  backoffLimit: 50
  template:
    metadata: {labels: {app: short}}
    spec:
      restartPolicy: Never
      containers:
%s`, ns, pods, containers.String())
	kubectl(t, "-n", ns, "wait", "--for=condition=Complete", "--timeout=10m", "job/short")
	t.Logf("%d containers in %v", pods*each, time.Since(began).Round(time.Second))
	got := arriveIn(t, 30*time.Second, pods*each, of("Test program", "short"))

	names := map[string]bool{}
	for line := range strings.Lines(kubectl(t, "-n", ns, "get", "pods", "-o", `jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}`)) {
		names[strings.TrimSpace(line)] = true
	}
	seen := map[string]bool{} // pod and container
	bad := 0
	for _, e := range got {
		a := e.Event
		if a.Kubernetes == nil || a.Container == nil || a.Enrichment != "" || a.Kubernetes.Namespace != ns || !names[a.Kubernetes.Pod] ||
			a.Container.Image != "localhost/tools:1" || a.Container.ID == "" || a.Kubernetes.Owner == nil || a.Kubernetes.Owner.Name != "short" ||
			!strings.HasSuffix(a.Lineage[0].CmdLine, " short-"+strings.TrimPrefix(a.Container.Name, "c")) {
			if bad++; bad <= 10 {
				t.Errorf("%s: %s: %s, missing %v", a.Lineage[0].CmdLine, place(&a), a.Output, a.EnrichmentMissing)
			}
			continue
		}
		seen[a.Kubernetes.Pod+"/"+a.Container.Name] = true
	}
	// A pod that the node failed to start was replaced by another: more are no mistake.
	if len(seen) < pods*each || len(got) != len(seen) {
		t.Errorf("%d alerts of %d containers, want one of each of %d; %d are not whole", len(got), len(seen), pods*each, bad)
	}
}

// TestCrowd starts a hundred pods at once: runtime, kubelet and API server are then slow,
// and the agent must not be late for it.
func TestCrowd(t *testing.T) {
	const pods = 100
	ns := namespace(t, "crowd")
	defer gone(t, ns, "deployment/crowd")
	began := time.Now()
	apply(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: crowd, namespace: %s}
spec:
  replicas: %d
  selector: {matchLabels: {app: crowd}}
  template:
    metadata: {labels: {app: crowd}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: one, image: localhost/tools:1, imagePullPolicy: Never, command: [/bin/sh, -c, "/bin/true goshawk-test crowd; exec sleep 100000"]}]
`, ns, pods)
	kubectl(t, "-n", ns, "rollout", "status", "deployment/crowd", "--timeout=8m")
	t.Logf("%d pods in %v", pods, time.Since(began).Round(time.Second))
	got := arriveIn(t, 30*time.Second, pods, of("Test program", "crowd"))
	seen := map[string]bool{}
	slow := 0
	for _, e := range got {
		a := e.Event
		// The runtime may take longer to answer than an alert waits: it tells the image's digest.
		if a.Enrichment != "" && slices.Equal(a.EnrichmentMissing, []string{"runtime"}) {
			slow++
		} else if a.Enrichment != "" {
			t.Errorf("%s, missing %v", place(&a), a.EnrichmentMissing)
		}
		if a.Kubernetes == nil || a.Kubernetes.Owner == nil || a.Kubernetes.Owner.Kind != "Deployment" || a.Container.Name != "one" || a.Container.Image != "localhost/tools:1" {
			t.Errorf("%s, missing %v", place(&a), a.EnrichmentMissing)
		} else {
			seen[a.Kubernetes.Pod] = true
		}
	}
	if len(seen) != pods {
		t.Errorf("alerts of %d pods, want %d", len(seen), pods)
	}
	t.Logf("%d alerts went without the answer of the runtime, which came later than they waited", slow)
}

// gone takes a workload away and waits until its pods have ended, which keeps the node
// busy: the next test is not to be slow for it.
func gone(t *testing.T, ns, workload string) {
	t.Helper()
	kubectl(t, "-n", ns, "delete", workload)
	kubectl(t, "-n", ns, "wait", "--for=delete", "pods", "--all", "--timeout=5m")
}
