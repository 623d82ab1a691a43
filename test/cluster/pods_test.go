//go:build cluster

package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/test/cluster/node"
)

// place is where an alert says that it happened, in short.
func place(a *alert.Alert) string {
	var c alert.Container
	var k alert.Kubernetes
	if a.Container != nil {
		c = *a.Container
	}
	if a.Kubernetes != nil {
		k = *a.Kubernetes
	}
	return strings.TrimSpace(fmt.Sprintf("%s/%s %s %s %s", k.Namespace, k.Pod, c.Name, c.Image, a.Enrichment))
}

// TestExec follows one alert, of a shipped rule, from kubectl exec to Splunk with all
// that it is to carry.
func TestExec(t *testing.T) {
	ns := namespace(t, "exec")
	apply(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: %s}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop, team: red}}
    spec:
      containers: [{name: till, image: localhost/tools:1, imagePullPolicy: Never}]
`, ns)
	kubectl(t, "-n", ns, "rollout", "status", "deployment/shop", "--timeout=60s")
	name := kubectl(t, "-n", ns, "get", "pods", "-o", "jsonpath={.items[1].metadata.name}")
	uid := kubectl(t, "-n", ns, "get", "pod", name, "-o", "jsonpath={.metadata.uid}")
	id := kubectl(t, "-n", ns, "get", "pod", name, "-o", "jsonpath={.status.containerStatuses[0].containerID}")

	before := time.Now()
	kubectl(t, "-n", ns, "exec", name, "--", "cat", "/etc/shadow") // as the manual has it
	got := arrive(t, 1, func(e *envelope) bool {
		return len(e.Event.Lineage) > 0 && e.Event.Lineage[0].CmdLine == "cat /etc/shadow" && e.Event.Kubernetes != nil && e.Event.Kubernetes.Namespace == ns
	})[0]
	t.Logf("it took %v from kubectl exec to the collector", got.Arrived.Sub(before).Round(time.Millisecond))

	a := got.Event
	if a.Rule == "" || a.Priority == "" || len(a.Tags) == 0 || a.RuleFile == "" || a.ID == "" || a.Fingerprint == "" || a.Enrichment != "" {
		t.Errorf("not whole: %+v", a)
	}
	k, c := a.Kubernetes, a.Container
	for _, v := range []struct{ what, got, want string }{
		{"index", got.Index, "security"},
		{"source", got.Source, "goshawk"},
		{"source type", got.Sourcetype, "goshawk:alert"},
		{"host", got.Host, node.Name},
		{"cluster", fmt.Sprint(got.Fields["cluster"]), "test"},
		{"hostname", a.Hostname, node.Name},
		{"pod", k.Pod, name},
		{"pod's UID", k.PodUID, uid},
		{"node", k.Node, node.Name},
		{"service account", k.ServiceAccount, "default"},
		{"owner", fmt.Sprint(k.Owner), "&{Deployment shop}"},
		{"label", k.Labels["team"], "red"},
		{"container", c.Name, "till"},
		{"container's id", "containerd://" + c.ID, id},
		{"image", c.Image, "localhost/tools:1"},
		{"runtime", c.Runtime, "containerd"},
		{"k8s.pod.name", fmt.Sprint(a.OutputFields["k8s.pod.name"]), name},
		{"k8s.ns.name", fmt.Sprint(a.OutputFields["k8s.ns.name"]), ns},
	} {
		if v.got != v.want {
			t.Errorf("%s is %q, want %q", v.what, v.got, v.want)
		}
	}
	if !strings.HasPrefix(c.ImageDigest, "sha256:") {
		t.Errorf("the image's digest is %q", c.ImageDigest)
	}
}

// TestLabels hangs rules on what only the API server knows, in the first process of new
// containers: neither may one be missed nor may one be taken for another.
func TestLabels(t *testing.T) {
	ns := namespace(t, "team-labels")
	const job = `
apiVersion: batch/v1
kind: Job
metadata: {name: %[2]s, namespace: %[1]s}
spec:
  completions: 5
  parallelism: 5
  template:
    metadata: {labels: {team: %[2]s}}
    spec:
      restartPolicy: Never
      containers: [{name: c, image: localhost/tools:1, imagePullPolicy: Never, command: [/bin/true, goshawk-test, label-%[2]s]}]
`
	apply(t, job+"---"+job, ns, "red")
	apply(t, job, ns, "blue")
	kubectl(t, "-n", ns, "wait", "--for=condition=Complete", "--timeout=90s", "job/red", "job/blue")
	red := arrive(t, 5, of("Test team", "label-red"))
	blue := arrive(t, 5, of("Test other team", "label-blue"))
	arrive(t, 10, func(e *envelope) bool {
		return of("Test program", "label-red")(e) || of("Test program", "label-blue")(e)
	})
	wrong := append(hec.all(of("Test team", "label-blue")), hec.all(of("Test other team", "label-red"))...)
	if len(red) != 5 || len(blue) != 5 || len(wrong) != 0 {
		t.Errorf("%d of team red, %d of others, %d wrong ones", len(red), len(blue), len(wrong))
	}
	for _, e := range append(red, blue...) {
		k := e.Event.Kubernetes
		if e.Event.Enrichment != "" || k.Owner == nil || k.Owner.Kind != "Job" {
			t.Errorf("%s: owner %v", place(&e.Event), k.Owner)
		}
	}
}

// TestKinds has an alert from every kind of container that a pod can have.
func TestKinds(t *testing.T) {
	ns := namespace(t, "kinds")
	apply(t, `
apiVersion: v1
kind: Pod
metadata: {name: many, namespace: %s}
spec:
  restartPolicy: Never
  initContainers:
    - {name: first, image: localhost/tools:1, imagePullPolicy: Never, command: [/bin/true, goshawk-test, kind-init]}
    - {name: beside, image: localhost/tools:1, imagePullPolicy: Never, restartPolicy: Always, command: [/bin/sh, -c, "/bin/true goshawk-test kind-sidecar; sleep 1000"]}
  containers:
    - {name: main, image: localhost/tools:1, imagePullPolicy: Never, command: [/bin/sh, -c, "/bin/true goshawk-test kind-app; sleep 1000"]}
`, ns)
	ready(t, ns, "pod/many")
	kubectl(t, "-n", ns, "debug", "many", "--image=localhost/tools:1", "--image-pull-policy=Never", "--container=doctor", "--profile=general",
		"--", "/bin/true", "goshawk-test", "kind-ephemeral")
	static(t, ns, "fixed", "kind-static")

	for _, want := range []struct{ word, place string }{
		{"kind-init", ns + "/many first localhost/tools:1"},
		{"kind-sidecar", ns + "/many beside localhost/tools:1"},
		{"kind-app", ns + "/many main localhost/tools:1"},
		{"kind-ephemeral", ns + "/many doctor localhost/tools:1"},
		{"kind-static", ns + "/fixed-" + node.Name + " main localhost/tools:1"},
	} {
		t.Run(want.word, func(t *testing.T) {
			if got := place(&arrive(t, 1, of("Test program", want.word))[0].Event); got != want.place {
				t.Errorf("got %q, want %q", got, want.place)
			}
		})
	}
}

// static makes a pod that the API server did not ask for: its UID there is another than
// the one that the node uses.
func static(t *testing.T, ns, name, word string) {
	t.Helper()
	path := filepath.Join(kube.Dir, "manifests", name+".yaml")
	if err := os.WriteFile(path, fmt.Appendf(nil, `
apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: %s}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - {name: main, image: localhost/tools:1, imagePullPolicy: Never, command: [/bin/sh, -c, "while :; do /bin/true goshawk-test %s; sleep 1; done"]}
`, name, ns, word), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(path) })
}

// TestTwins has two pods of one image, one name and one command, at the same time.
func TestTwins(t *testing.T) {
	spaces := []string{namespace(t, "twin-a"), namespace(t, "twin-b")}
	for _, ns := range spaces {
		pod(t, ns, "twin", "side="+ns)
	}
	for _, ns := range spaces {
		sh(t, ns, "twin", mark("twin"))
	}
	got := arrive(t, 2, of("Test program", "twin"))
	for i, ns := range spaces {
		a := got[i].Event
		if want := ns + "/twin twin localhost/tools:1"; place(&a) != want || a.Kubernetes == nil || a.Kubernetes.Labels["side"] != ns {
			t.Errorf("got %q, %+v; want %q", place(&a), a.Kubernetes, want)
		}
	}
}

// TestNameReused gives a pod's name to another: an alert tells of the pod that it was.
func TestNameReused(t *testing.T) {
	ns := namespace(t, "reused")
	var uids []string
	for _, word := range []string{"reused-1", "reused-2"} {
		pod(t, ns, "same", "number="+word)
		uids = append(uids, kubectl(t, "-n", ns, "get", "pod", "same", "-o", "jsonpath={.metadata.uid}"))
		sh(t, ns, "same", mark(word))
		kubectl(t, "-n", ns, "delete", "pod", "same", "--grace-period=0", "--force")
	}
	for i, word := range []string{"reused-1", "reused-2"} {
		k := arrive(t, 1, of("Test program", word))[0].Event.Kubernetes
		if k == nil || k.PodUID != uids[i] || k.Labels["number"] != word {
			t.Errorf("got %+v, want UID %s", k, uids[i])
		}
	}
}

// TestHugeMetadata has a pod with as much of labels and annotations as the API takes.
func TestHugeMetadata(t *testing.T) {
	ns := namespace(t, "huge")
	var labels, annotations strings.Builder
	for i := range 200 {
		fmt.Fprintf(&labels, "    label-%03d: %s\n", i, strings.Repeat("x", 63))
	}
	for i := range 90 { // kubectl apply keeps a copy of them among them
		fmt.Fprintf(&annotations, "    note-%03d: %s\n", i, strings.Repeat("é", 600))
	}
	apply(t, `
apiVersion: v1
kind: Pod
metadata:
  name: huge
  namespace: %s
  labels:
%s
  annotations:
%s
spec:
  restartPolicy: Never
  containers: [{name: c, image: localhost/tools:1, imagePullPolicy: Never, command: [/bin/true, goshawk-test, huge]}]
`, ns, labels.String(), annotations.String())
	if got, want := place(&arrive(t, 1, of("Test program", "huge"))[0].Event), ns+"/huge c localhost/tools:1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestAgentsRights reads from the kernel what the agent's process may do.
func TestAgentsRights(t *testing.T) {
	list, err := kube.Inside(context.Background(), "ctr", "-n", "k8s.io", "tasks", "list")
	if err != nil {
		t.Fatal(err)
	}
	id := kubectl(t, "-n", "goshawk", "get", "pods", "-l", "app.kubernetes.io/component=agent", "-o", "jsonpath={.items[0].status.containerStatuses[0].containerID}")
	id = strings.TrimPrefix(id, "containerd://")
	var pid string
	for line := range strings.Lines(list) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == id {
			pid = f[1]
		}
	}
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		t.Fatal(err)
	}
	// SYS_PTRACE 19, DAC_READ_SEARCH 2, PERFMON 38, BPF 39.
	for _, want := range []string{"CapEff:\t000000c000080004", "CapBnd:\t000000c000080004", "NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !strings.Contains(string(status), want+"\n") {
			t.Errorf("no %q in %s", want, status)
		}
	}
}
