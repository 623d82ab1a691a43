//go:build cluster

package cluster

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// steady makes a pod that starts the marked program each second, until the test ends, and
// one whose container ends and is started again all the time.
func steady(t *testing.T, ns, word string) {
	t.Helper()
	apply(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: steady, namespace: %[1]s}
spec:
  selector: {matchLabels: {app: steady}}
  template:
    metadata: {labels: {app: steady}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - {name: loop, image: localhost/tools:1, imagePullPolicy: Never, command: [/bin/sh, -c, "while :; do /bin/true goshawk-test %[2]s; sleep 1; done"]}
        - {name: again, image: localhost/tools:1, imagePullPolicy: Never, command: [/bin/sh, -c, "/bin/true goshawk-test %[2]s-again; sleep 3"]}
`, ns, word)
	kubectl(t, "-n", ns, "rollout", "status", "deployment/steady", "--timeout=60s")
	arrive(t, 1, of("Test program", word))
}

// since narrows a choice to what happened in a time.
func since(from time.Time, wanted func(*envelope) bool) func(*envelope) bool {
	return func(e *envelope) bool { return wanted(e) && e.Event.Time.After(from) }
}

// whole wants alerts to have everything and to have come in time.
func whole(t *testing.T, got []envelope, want string) {
	t.Helper()
	for _, e := range got {
		a := e.Event
		if late := e.Arrived.Sub(a.Time); place(&a) != want || a.Kubernetes.Owner == nil || late > 8*time.Second {
			t.Errorf("got %q, missing %v, %v late; want %q", place(&a), a.EnrichmentMissing, late.Round(time.Millisecond), want)
		}
	}
}

// agentPod is the name of the agent that serves, and how often it was started anew. One
// that an upgrade has replaced may still be ending.
func agentPod(t *testing.T) (name, restarts string) {
	t.Helper()
	out := kubectl(t, append([]string{"-n", "goshawk", "get", "pods",
		"-o", `jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[0].restartCount} {.metadata.deletionTimestamp}{"\n"}{end}`}, agents...)...)
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) == 2 {
			return f[0], f[1]
		}
	}
	return "", ""
}

// agentPage reads a page of the agent, without the API server's help.
func agentPage(t *testing.T, ip, path string) string {
	t.Helper()
	out, err := kube.Inside(t.Context(), "busybox", "wget", "-q", "-O", "-", "http://"+net.JoinHostPort(ip, "8765")+path)
	if err != nil {
		t.Fatalf("the agent's %s: %v\n%s", path, err, out)
	}
	return out
}

func agentIP(t *testing.T) string {
	t.Helper()
	name, _ := agentPod(t)
	return kubectl(t, "-n", "goshawk", "get", "pod", name, "-o", "jsonpath={.status.podIP}")
}

// saysOf wants /readyz to say something of a source.
func saysOf(t *testing.T, ip, what string) {
	t.Helper()
	waitFor(t, "/readyz says that "+what, 30*time.Second, func() error {
		if page := agentPage(t, ip, "/readyz"); !strings.Contains(page, what) {
			return fmt.Errorf("it says:\n%s", page)
		}
		return nil
	})
}

// TestAPIServerDown takes the API server away for a minute. What was known stays known,
// what starts meanwhile has what the runtime knows, and afterwards all is as before.
func TestAPIServerDown(t *testing.T) {
	ns := namespace(t, "api-down")
	steady(t, ns, "api-down")
	pod := kubectl(t, "-n", ns, "get", "pods", "-o", "jsonpath={.items[0].metadata.name}")
	agent, restarts := agentPod(t)
	ip := agentIP(t)
	kube.StopAPIServer()
	down := time.Now()
	t.Cleanup(func() {
		if err := kube.StartAPIServer(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
	saysOf(t, ip, "kubernetes")
	static(t, ns, "late", "api-down-static")
	a := arriveIn(t, time.Minute, 1, since(down, of("Test program", "api-down-static")))[0].Event
	if want := ns + "/late-node1 main localhost/tools:1 partial"; place(&a) != want {
		t.Errorf("while the API server is down got %q, missing %v; want %q", place(&a), a.EnrichmentMissing, want)
	}
	time.Sleep(time.Minute - time.Since(down))

	loops := hec.all(since(down, of("Test program", "api-down")))
	if len(loops) < 40 {
		t.Errorf("%d alerts while the API server was down, want about 60", len(loops))
	}
	whole(t, loops, ns+"/"+pod+" loop localhost/tools:1")
	again := hec.all(since(down, of("Test program", "api-down-again")))
	if len(again) == 0 {
		t.Error("no container was started anew while the API server was down")
	}
	whole(t, again, ns+"/"+pod+" again localhost/tools:1")

	if err := kube.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	// Scheduler and kubelet come back by themselves, too, with pauses that have grown.
	waitFor(t, "new pods are known again", 3*time.Minute, func() error {
		name := fmt.Sprintf("after-%d", time.Now().UnixMilli())
		if _, err := kube.Kubectl(t.Context(), "-n", ns, "run", name, "--image=localhost/tools:1", "--image-pull-policy=Never", "--restart=Never",
			"--command", "--", "/bin/true", "goshawk-test", name); err != nil {
			return err
		}
		a := arriveIn(t, 2*time.Minute, 1, of("Test program", name))[0].Event
		if got, want := place(&a), ns+"/"+name+" "+name+" localhost/tools:1"; got != want || a.Kubernetes.Node == "" {
			return fmt.Errorf("got %q, missing %v; want %q", got, a.EnrichmentMissing, want)
		}
		return nil
	})
	t.Logf("new pods were known %v after the API server was back", time.Since(back).Round(time.Second))
	waitFor(t, "the agent is as it was", 30*time.Second, func() error {
		if name, n := agentPod(t); name != agent || n != restarts {
			return fmt.Errorf("it is %s, started anew %s times; it was %s, %s", name, n, agent, restarts)
		}
		return nil
	})
}

// TestRuntimeHung stops containerd in its tracks: nothing can start then, and what runs
// is watched as before.
func TestRuntimeHung(t *testing.T) {
	ns := namespace(t, "hung")
	steady(t, ns, "hung")
	pod := kubectl(t, "-n", ns, "get", "pods", "-o", "jsonpath={.items[0].metadata.name}")
	agent, restarts := agentPod(t)
	if err := kube.Pause("containerd"); err != nil {
		t.Fatal(err)
	}
	hung := time.Now()
	t.Cleanup(func() { _ = kube.Resume("containerd") })
	time.Sleep(30 * time.Second)
	loops := hec.all(since(hung, of("Test program", "hung")))
	if len(loops) < 20 {
		t.Errorf("%d alerts while the runtime hung, want about 30", len(loops))
	}
	whole(t, loops, ns+"/"+pod+" loop localhost/tools:1")
	if err := kube.Resume("containerd"); err != nil {
		t.Fatal(err)
	}
	kubectl(t, "-n", ns, "run", "after", "--image=localhost/tools:1", "--image-pull-policy=Never", "--restart=Never", "--command", "--", "/bin/true", "goshawk-test", "hung-after")
	whole1 := arriveIn(t, time.Minute, 1, of("Test program", "hung-after"))[0].Event
	if got, want := place(&whole1), ns+"/after after localhost/tools:1"; got != want {
		t.Errorf("after the runtime went on got %q, missing %v; want %q", got, whole1.EnrichmentMissing, want)
	}
	if name, n := agentPod(t); name != agent || n != restarts {
		t.Errorf("the agent is %s, started anew %s times; it was %s, %s", name, n, agent, restarts)
	}
}

// TestSocketHung gives the agent a socket of a runtime that takes calls and never answers,
// while containers start as usual: what the bundle and the API server say is in the alert.
func TestSocketHung(t *testing.T) {
	path := filepath.Join(filepath.Dir(kube.Socket), "hung.sock")
	_ = os.Remove(path)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			if _, err := l.Accept(); err != nil {
				return
			}
		}
	}()
	upgrade(t, "config: {runtime: {sockets: [/run/containerd/hung.sock]}}")
	saysOf(t, agentIP(t), "runtime")
	ns := namespace(t, "socket")
	kubectl(t, "-n", ns, "run", "one", "--image=localhost/tools:1", "--image-pull-policy=Never", "--restart=Never", "--command", "--", "/bin/true", "goshawk-test", "socket")
	got := arriveIn(t, time.Minute, 1, of("Test program", "socket"))[0]
	a := got.Event
	if want := ns + "/one one localhost/tools:1"; !strings.HasPrefix(place(&a), want) || a.Kubernetes.Node == "" {
		t.Errorf("got %q, missing %v; want %q", place(&a), a.EnrichmentMissing, want)
	}
	t.Logf("it came after %v, without %v", got.Arrived.Sub(a.Time).Round(time.Millisecond), a.EnrichmentMissing)
}

// TestEgressDenied lets nothing out of pods but what goes to the SIEM: packets to the API
// server vanish. The agent starts all the same and has its names from the runtime.
func TestEgressDenied(t *testing.T) {
	deny := [][]string{
		{"iptables", "-I", "INPUT", "-s", "10.88.0.0/22", "-p", "tcp", "--dport", "6443", "-j", "DROP"},
		{"iptables", "-I", "FORWARD", "-s", "10.88.0.0/22", "!", "-d", kube.Outside(), "-j", "DROP"},
	}
	for _, rule := range deny {
		if _, err := kube.Inside(t.Context(), rule[0], rule[1:]...); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			rule[1] = "-D"
			if _, err := kube.Inside(context.Background(), rule[0], rule[1:]...); err != nil {
				t.Error(err)
			}
		})
	}
	kubectl(t, "-n", "goshawk", "rollout", "restart", "daemonset/goshawk")
	kubectl(t, "-n", "goshawk", "rollout", "status", "daemonset/goshawk", "--timeout=2m")
	ns := namespace(t, "egress")
	kubectl(t, "-n", ns, "run", "one", "--image=localhost/tools:1", "--image-pull-policy=Never", "--restart=Never", "--command", "--", "/bin/true", "goshawk-test", "egress")
	a := arriveIn(t, time.Minute, 1, of("Test program", "egress"))[0].Event
	if want := ns + "/one one localhost/tools:1 partial"; place(&a) != want {
		t.Errorf("got %q, missing %v; want %q", place(&a), a.EnrichmentMissing, want)
	}
	saysOf(t, agentIP(t), "kubernetes")
}

// TestNoPermission takes the agent's rights in the API away, and gives them back.
func TestNoPermission(t *testing.T) {
	upgrade(t, "") // so that the cleanup of this test brings them back
	kubectl(t, "delete", "clusterrolebinding", "goshawk")
	kubectl(t, "-n", "goshawk", "rollout", "restart", "daemonset/goshawk")
	kubectl(t, "-n", "goshawk", "rollout", "status", "daemonset/goshawk", "--timeout=2m")
	saysOf(t, agentIP(t), "forbidden")
	ns := namespace(t, "forbidden")
	run := func(name string) envelope {
		kubectl(t, "-n", ns, "run", name, "--image=localhost/tools:1", "--image-pull-policy=Never", "--restart=Never", "--command", "--", "/bin/true", "goshawk-test", name)
		return arriveIn(t, time.Minute, 1, of("Test program", name))[0]
	}
	if a, want := run("without").Event, ns+"/without without localhost/tools:1 partial"; place(&a) != want {
		t.Errorf("got %q, missing %v; want %q", place(&a), a.EnrichmentMissing, want)
	}
	upgrade(t, "")
	waitFor(t, "the agent recovers by itself", 3*time.Minute, func() error {
		if page := agentPage(t, agentIP(t), "/readyz"); strings.Contains(page, "forbidden") {
			return fmt.Errorf("it says:\n%s", page)
		}
		return nil
	})
	if a, want := run("with").Event, ns+"/with with localhost/tools:1"; place(&a) != want {
		t.Errorf("got %q, missing %v; want %q", place(&a), a.EnrichmentMissing, want)
	}
}
