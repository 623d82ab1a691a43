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

	"github.com/goshawk-security/goshawk/test/cluster/node"
)

// upgrade gives the release further values, and at the test's end takes them back.
func upgrade(t *testing.T, further string) {
	t.Helper()
	if err := release(t.Context(), further); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := release(context.Background(), ""); err != nil {
			t.Error(err)
		}
	})
}

// release installs or upgrades the chart and waits until every agent sees.
func release(ctx context.Context, further string) error {
	dir, err := os.MkdirTemp("", "goshawk-values-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	args := []string{"upgrade", "--install", "goshawk", filepath.Join(node.Repository(), "deploy/helm/goshawk"), "-n", "goshawk"}
	for i, text := range []string{fmt.Sprintf(values, hec.url()), further} {
		file := filepath.Join(dir, fmt.Sprintf("%d.yaml", i))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
		args = append(args, "-f", file)
	}
	if out, err := kube.Helm(ctx, args...); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	out, err := kube.Kubectl(ctx, "-n", "goshawk", "rollout", "status", "daemonset/goshawk", "--timeout=2m")
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// counting starts a marked program ten times a second, each with its number.
func counting(t *testing.T, ns string, count int) {
	t.Helper()
	kubectl(t, "-n", ns, "run", "counter", "--image=localhost/tools:1", "--image-pull-policy=Never", "--restart=Never", "--command", "--", "/bin/sh", "-c",
		fmt.Sprintf("i=0; while [ $i -lt %d ]; do /bin/true goshawk-test counter $i; i=$((i+1)); sleep 0.1; done", count))
	arrive(t, 1, inNamespace(ns, of("Test program", "counter")))
}

func inNamespace(ns string, wanted func(*envelope) bool) func(*envelope) bool {
	return func(e *envelope) bool {
		return wanted(e) && e.Event.Kubernetes != nil && e.Event.Kubernetes.Namespace == ns
	}
}

// missing are the numbers that no alert has.
func missing(ns string, count int) []int {
	seen := map[string]bool{}
	for _, e := range hec.all(inNamespace(ns, of("Test program", "counter"))) {
		f := strings.Fields(e.Event.Lineage[0].CmdLine)
		seen[f[len(f)-1]] = true
	}
	var list []int
	for i := range count {
		if !seen[fmt.Sprint(i)] {
			list = append(list, i)
		}
	}
	return list
}

// TestUpgrade replaces the agent while something happens ten times a second: nothing of it
// may be missed.
func TestUpgrade(t *testing.T) {
	ns := namespace(t, "upgrade")
	const count = 300
	counting(t, ns, count)
	kubectl(t, "-n", "goshawk", "rollout", "restart", "daemonset/goshawk")
	kubectl(t, "-n", "goshawk", "rollout", "status", "daemonset/goshawk", "--timeout=2m")
	kubectl(t, "-n", ns, "wait", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=3m", "pod/counter")
	waitFor(t, "the last alert", 20*time.Second, func() error {
		if list := missing(ns, count); len(list) > 0 {
			return fmt.Errorf("without alert: %v", list)
		}
		return nil
	})
}

// TestAgentKilled ends the agent as the kernel would for want of memory. It is back by
// itself, and knows the pods that ran before.
func TestAgentKilled(t *testing.T) {
	ns := namespace(t, "killed")
	pod(t, ns, "before", "team=red")
	name, restarts := agentPod(t)
	id := strings.TrimPrefix(kubectl(t, "-n", "goshawk", "get", "pod", name, "-o", "jsonpath={.status.containerStatuses[0].containerID}"), "containerd://")
	if _, err := kube.Inside(t.Context(), "ctr", "-n", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", id); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the agent is back", time.Minute, func() error {
		if now, n := agentPod(t); now != name || n == restarts {
			return fmt.Errorf("%s, started anew %s times", now, n)
		}
		return nil
	})
	ready(t, "goshawk", "pod/"+name) // started is not seeing: that takes some seconds
	kubectl(t, "-n", ns, "exec", "before", "--", "/bin/true", "goshawk-test", "killed")
	arrive(t, 1, of("Test team", "killed"))
	a := arrive(t, 1, of("Test program", "killed"))[0].Event
	if want := ns + "/before before localhost/tools:1"; place(&a) != want {
		t.Errorf("got %q, missing %v; want %q", place(&a), a.EnrichmentMissing, want)
	}
}

// TestQuiet is the last: what the agents and the controller did all the while, upgrades
// and failures included, is no alarm to the shipped rules.
func TestQuiet(t *testing.T) {
	rules := map[string]int{}
	for _, e := range hec.all(func(e *envelope) bool {
		return e.Event.Source != "goshawk" && !strings.HasPrefix(e.Event.Rule, "Test ")
	}) {
		rules[e.Event.Rule]++
		if k := e.Event.Kubernetes; k != nil && k.Namespace == "goshawk" {
			t.Errorf("%s: %s", e.Event.Rule, e.Event.Output)
		}
	}
	t.Logf("alerts of other rules: %v", rules)
}
