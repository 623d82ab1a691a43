package kube

import (
	"context"
	"flag"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/goshawk-security/goshawk/internal/enrich/metadata"
	"github.com/goshawk-security/goshawk/internal/event"
)

// health waits until Health is nil, or names a cause.
func (f *follower) health(cause string, within time.Duration) {
	f.t.Helper()
	var err error
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		err = f.Health()
		if cause == "" && err == nil || cause != "" && err != nil && strings.Contains(err.Error(), cause) {
			return
		}
	}
	f.t.Fatalf("health is %v after %v, not %q", err, within, cause)
}

// grant gives the agent's user rights, and returns how to take them away.
func (s *server) grant(t testing.TB, name string, rules ...obj) (revoke func()) {
	t.Helper()
	const path = "/apis/rbac.authorization.k8s.io/v1/"
	s.must(t, http.MethodPost, path+"clusterroles", obj{"metadata": obj{"name": name}, "rules": rules})
	s.must(t, http.MethodPost, path+"clusterrolebindings", obj{"metadata": obj{"name": name},
		"roleRef":  obj{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
		"subjects": []obj{{"kind": "User", "name": "agent", "apiGroup": "rbac.authorization.k8s.io"}}})
	return func() {
		s.must(t, http.MethodDelete, path+"clusterrolebindings/"+name, nil)
		s.must(t, http.MethodDelete, path+"clusterroles/"+name, nil)
	}
}

func may(group string, verbs []string, resources ...string) obj {
	return obj{"apiGroups": []string{group}, "verbs": verbs, "resources": resources}
}

var podRights = may("", []string{"list", "watch"}, "pods")

func TestForbidden(t *testing.T) {
	s := realServer(t)
	ns, node := s.namespace(t), name(t, "")
	job := s.workload(t, ns, "Job", "migrate", nil)
	s.pod(t, ns, "it", node, obj{"ownerReferences": []obj{ref("Job", "batch/v1", job)}}, nil)
	f := follow(t, s.config(agentToken), node, 0)
	f.health("forbidden", patience)
	if _, err := f.WhoHas(context.Background(), netip.MustParseAddr("10.0.0.1")); err == nil {
		t.Error("WhoHas answers without a right")
	}
	defer s.grant(t, "pods", podRights)()
	f.health("may not read jobs, namespaces, nodes", patience)
	if !f.Stats().Up {
		t.Error("pods are not told for want of other rights")
	}
	r := f.whole("it")
	if r.Missed != event.SourceOwners || len(r.Pod.Owners) != 1 || r.Pod.Owners[0].Name != "migrate" {
		t.Errorf("without the right to read owners: %+v of %+v", r, r.Pod)
	}
}

// The agent has the rights of the chart's ClusterRole and needs no others.
func TestRights(t *testing.T) {
	s := realServer(t)
	ns, node := s.namespace(t), name(t, "")
	get := []string{"get"}
	defer s.grant(t, "chart", podRights, may("", get, "namespaces"), may("apps", get, "replicasets", "deployments", "statefulsets", "daemonsets"),
		may("batch", get, "jobs", "cronjobs"), may("", get, "replicationcontrollers"), may("", []string{"list"}, "services", "nodes"))()
	replicas := s.workload(t, ns, "ReplicaSet", "web-1", ref("Deployment", "apps/v1", s.workload(t, ns, "Deployment", "web", nil)))
	s.pod(t, ns, "it", node, obj{"ownerReferences": []obj{ref("ReplicaSet", "apps/v1", replicas)}}, nil)
	f := follow(t, s.config(agentToken), node, 0)
	f.SetServices(true)
	if r := f.whole("it"); r.Missed != 0 || len(r.Pod.Owners) != 2 {
		t.Errorf("%+v of %+v", r, r.Pod)
	}
	ask(t, f.Client, "10.202.0.1", event.Peer{Kind: event.PeerOutside})
	for r, n := range f.Stats().Requests {
		if r.Code == http.StatusForbidden {
			t.Errorf("%d times forbidden: %s %s", n, r.Verb, r.Resource)
		}
	}
}

// A right that is missing says nothing of an address, and hides nothing else.
func TestHalfForbidden(t *testing.T) {
	s := realServer(t)
	ns, node := s.namespace(t), name(t, "")
	defer s.grant(t, "half", podRights)()
	s.pod(t, ns, "there", node+"2", nil, nil)
	s.status(t, ns, "there", addresses("10.9.4.1"))
	f := follow(t, s.config(agentToken), node, 0)
	ask(t, f.Client, "10.9.4.1", event.Peer{Kind: event.PeerPod, Namespace: ns, Name: "there"})
	ask(t, f.Client, "10.9.4.2", event.Peer{Missed: true})
	ask(t, f.Client, "198.51.100.1", event.Peer{Missed: true})
	f.health("may not read nodes, services", patience)
}

// A server that ends and comes back: what changed in between is told.
func TestOutage(t *testing.T) {
	s := realServer(t)
	ns, node := s.namespace(t), name(t, "")
	f := follow(t, s.config(adminToken), node, 100*time.Millisecond)
	gone := s.pod(t, ns, "goes", node, nil, nil)
	s.pod(t, ns, "stays", node, nil, nil)
	f.whole("goes")
	f.whole("stays")
	s.down()
	f.health("refused", patience)
	if _, err := f.WhoHas(context.Background(), netip.MustParseAddr("10.203.0.1")); err == nil {
		t.Error("WhoHas answers without a server")
	}
	// Another follower begins while nobody answers.
	late := follow(t, s.config(adminToken), node, 0)
	late.health("refused", patience)
	if err := s.up(); err != nil {
		t.Fatal(err)
	}
	s.remove(t, ns, "goes")
	s.pod(t, ns, "comes", node, nil, nil)
	f.health("", patience)
	f.whole("comes")
	f.until(uid(gone), "the end", func(r metadata.PodReport) bool { return r.Gone })
	if n := len(f.reports("stays")); n != 2 {
		t.Errorf("%d reports of a pod that did not change", n)
	}
	late.health("", patience)
	late.whole("stays")
}

// A server that hangs holds up who asks for a bounded time, and nothing else.
func TestHung(t *testing.T) {
	s := realServer(t)
	node := name(t, "")
	f := follow(t, s.config(adminToken), node, 0)
	f.health("", patience)
	if err := s.api.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.api.Process.Signal(syscall.SIGCONT) }()
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := f.WhoHas(ctx, netip.MustParseAddr("10.204.0.1")); err == nil {
		t.Error("a hung server answered")
	}
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("WhoHas took %v", d)
	}
	begin = time.Now()
	f.stop()
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("the end took %v", d)
	}
}

var slow = flag.Bool("slow", false, "run the tests that take more than a minute")

// A token that expired is read again from its file: client-go does so once a minute.
func TestToken(t *testing.T) {
	if !*slow {
		t.Skip("takes more than a minute: -slow")
	}
	s := realServer(t)
	ns, node := s.namespace(t), name(t, "")
	file := filepath.Join(t.TempDir(), "token")
	write := func(token string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("expired")
	f := follow(t, &rest.Config{Host: s.url, BearerTokenFile: file, TLSClientConfig: rest.TLSClientConfig{Insecure: true}}, node, 0)
	f.health("Unauthorized", patience)
	write(adminToken)
	f.health("", 2*patience)
	s.pod(t, ns, "it", node, nil, nil)
	f.whole("it")
}
