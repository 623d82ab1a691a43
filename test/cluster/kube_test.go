//go:build cluster

package cluster

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// kubectl runs kubectl, which must succeed.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := kube.Kubectl(t.Context(), args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.TrimSpace(out)
}

// apply makes objects from YAML with the values put in.
func apply(t *testing.T, yaml string, values ...any) {
	t.Helper()
	if out, err := kube.Apply(t.Context(), fmt.Sprintf(yaml, values...)); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// namespace makes a namespace for a test, which ends with it.
func namespace(t *testing.T, name string) string {
	t.Helper()
	_, _ = kube.Kubectl(t.Context(), "delete", "namespace", name, "--ignore-not-found", "--wait=true")
	kubectl(t, "create", "namespace", name)
	waitFor(t, "the namespace's service account", 20*time.Second, func() error {
		_, err := kube.Kubectl(t.Context(), "-n", name, "get", "serviceaccount", "default")
		return err
	})
	if os.Getenv("GOSHAWK_CLUSTER_KEEP") == "" {
		t.Cleanup(func() { // t.Context has ended then
			_, _ = kube.Kubectl(context.Background(), "-n", name, "delete", "pods", "--all", "--grace-period=0", "--force", "--wait=false")
			_, _ = kube.Kubectl(context.Background(), "delete", "namespace", name, "--wait=false")
		})
	}
	return name
}

// pod makes a pod of the tools image and waits until it is ready.
func pod(t *testing.T, ns, name string, labels ...string) {
	t.Helper()
	args := []string{"-n", ns, "run", name, "--image=localhost/tools:1", "--image-pull-policy=Never"}
	if len(labels) > 0 {
		args = append(args, "--labels="+strings.Join(labels, ","))
	}
	kubectl(t, append(args, "--command", "--", "/bin/sleep", "1000000")...)
	ready(t, ns, "pod/"+name)
}

// ready waits for pods, chosen as kubectl does.
func ready(t *testing.T, ns string, choice ...string) {
	t.Helper()
	kubectl(t, append([]string{"-n", ns, "wait", "--for=condition=Ready", "--timeout=90s"}, choice...)...)
}

// sh runs a shell command in a pod by kubectl exec.
func sh(t *testing.T, ns, target, command string) string {
	t.Helper()
	return kubectl(t, "-n", ns, "exec", target, "--", "/bin/sh", "-c", command)
}

// mark starts the program that the test's rules look for.
func mark(word string) string { return "/bin/true goshawk-test " + word }

// waitFor calls ok until it is nil, and fails the test after some time.
func waitFor(t *testing.T, what string, limit time.Duration, ok func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if err = ok(); err == nil {
			return
		}
		if t.Context().Err() != nil {
			break
		}
	}
	t.Fatalf("%s: not within %v: %v", what, limit, err)
}

// arrive waits until as many alerts arrived, and returns them all.
func arrive(t *testing.T, count int, wanted func(*envelope) bool) []envelope {
	t.Helper()
	return arriveIn(t, 20*time.Second, count, wanted)
}

func arriveIn(t *testing.T, limit time.Duration, count int, wanted func(*envelope) bool) []envelope {
	t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end) && t.Context().Err() == nil; time.Sleep(100 * time.Millisecond) {
		if got := hec.all(wanted); len(got) >= count {
			return got
		}
	}
	t.Fatalf("%d of %d alerts arrived within %v; the agent says:\n%s", len(hec.all(wanted)), count, limit, agentSays(t))
	return nil
}

// agentSays is what helps to find out why an alert did not come.
func agentSays(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	if got := hec.all(func(*envelope) bool { return true }); len(got) > 0 {
		last := got[len(got)-1]
		fmt.Fprintf(&b, "%d alerts arrived, the last %v ago: %s\n", len(got), time.Since(last.Arrived).Round(time.Second), last.Event.Output)
	}
	if ips, err := kube.Kubectl(t.Context(), append([]string{"-n", "goshawk", "get", "pods", "-o", "jsonpath={.items[*].status.podIP}"}, agents...)...); err == nil {
		for ip := range strings.FieldsSeq(ips) {
			page, err := kube.Inside(t.Context(), "busybox", "wget", "-q", "-O", "-", "http://"+net.JoinHostPort(ip, "8765")+"/readyz")
			fmt.Fprintf(&b, "%s: %s %v\n", ip, page, err)
		}
	}
	log, err := kube.Kubectl(t.Context(), "-n", "goshawk", "logs", "daemonset/goshawk")
	if err != nil {
		fmt.Fprintln(&b, err)
	}
	for line := range strings.Lines(log) {
		if strings.HasPrefix(line, `{"level"`) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// agents chooses the pods of agents.
var agents = []string{"-l", "app.kubernetes.io/component=agent"}
