package kube

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/enrich/metadata"
	"github.com/goshawk-security/goshawk/internal/event"
)

// ask waits until WhoHas gives the answer: the API server's own caches lag behind.
func ask(t *testing.T, c *Client, addr string, want event.Peer) {
	t.Helper()
	var diff string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		got, err := c.WhoHas(context.Background(), netip.MustParseAddr(addr))
		if err != nil {
			t.Fatalf("%s: %v", addr, err)
		}
		if diff = cmp.Diff(want, got); diff == "" {
			return
		}
	}
	t.Errorf("%s: %s", addr, diff)
}

func (s *server) node(t testing.TB, name string, addrs ...string) {
	t.Helper()
	s.must(t, http.MethodPost, "/api/v1/nodes", obj{"metadata": obj{"name": name}})
	list := []obj{{"type": "Hostname", "address": name}}
	for _, a := range addrs {
		list = append(list, obj{"type": "InternalIP", "address": a})
	}
	s.must(t, http.MethodPatch, "/api/v1/nodes/"+name+"/status", obj{"status": obj{"addresses": list}})
	t.Cleanup(func() { s.must(t, http.MethodDelete, "/api/v1/nodes/"+name, nil) })
}

func TestWhoHas(t *testing.T) {
	s := realServer(t)
	ns, node := s.namespace(t), name(t, "")
	s.node(t, node, "10.9.0.1", "fd09::1")
	s.node(t, node+"2", "10.9.0.2", "203.0.113.9")
	f := follow(t, s.config(adminToken), node, 0)

	labels := obj{"app": "shop"}
	replicas := s.workload(t, ns, "ReplicaSet", "web-1", ref("Deployment", "apps/v1", s.workload(t, ns, "Deployment", "web", nil)))
	deployment := event.Object{Kind: "Deployment", Name: "web", UID: uid(s.must(t, http.MethodGet, "/apis/apps/v1/namespaces/"+ns+"/deployments/web", nil))}
	pod := func(name, node string, status, spec obj, owner obj) {
		meta := obj{"labels": labels}
		if owner != nil {
			meta["ownerReferences"] = []obj{owner}
		}
		s.pod(t, ns, name, node, meta, spec)
		s.status(t, ns, name, status)
	}
	over := func(st obj) obj { st["phase"] = "Succeeded"; return st }
	pod("here", node, addresses("10.9.1.1", "fd09::11"), nil, ref("ReplicaSet", "apps/v1", replicas))
	pod("there", node+"2", addresses("10.9.2.1", "fd09::21"), nil, ref("ReplicaSet", "apps/v1", replicas))
	pod("over-here", node, over(addresses("10.9.1.2")), nil, nil)
	pod("over-there", node+"2", over(addresses("10.9.2.2")), nil, nil)
	pod("ended", node+"2", over(addresses("10.9.2.3")), nil, nil)
	pod("began", node+"2", addresses("10.9.2.3"), nil, nil)
	pod("host-here", node, addresses("10.9.0.1"), obj{"hostNetwork": true}, nil)
	pod("host-there", node+"2", addresses("10.9.0.2"), obj{"hostNetwork": true}, nil)
	s.must(t, http.MethodPost, "/api/v1/namespaces/"+ns+"/services", obj{"metadata": obj{"name": "shop", "labels": labels}, "spec": obj{"clusterIP": "10.96.7.7", "ports": []obj{{"port": 80}}}})
	f.until("here", "its addresses", func(r metadata.PodReport) bool { return r.Answered&event.SourceOwners != 0 && len(r.Pod.IPs) == 2 })

	shop := map[string]string{"app": "shop"}
	for addr, want := range map[string]event.Peer{
		"10.9.1.1":        {Kind: event.PeerPod, Namespace: ns, Name: "here", Labels: shop, Owner: deployment},
		"::ffff:10.9.1.1": {Kind: event.PeerPod, Namespace: ns, Name: "here", Labels: shop, Owner: deployment},
		"fd09::11":        {Kind: event.PeerPod, Namespace: ns, Name: "here", Labels: shop, Owner: deployment},
		"10.9.2.1":        {Kind: event.PeerPod, Namespace: ns, Name: "there", Labels: shop, Owner: deployment},
		"fd09::21":        {Kind: event.PeerOutside}, // the second address of another node's pod
		"10.9.1.2":        {Kind: event.PeerOutside},
		"10.9.2.2":        {Kind: event.PeerOutside},
		"10.9.2.3":        {Kind: event.PeerPod, Namespace: ns, Name: "began", Labels: shop},
		"10.96.7.7":       {Kind: event.PeerService, Namespace: ns, Name: "shop", Labels: shop},
		"10.9.0.1":        {Kind: event.PeerNode, Name: node},
		"fd09::1":         {Kind: event.PeerNode, Name: node},
		"10.9.0.2":        {Kind: event.PeerNode, Name: node + "2"},
		"203.0.113.9":     {Kind: event.PeerNode, Name: node + "2"},
		"10.200.0.1":      {Kind: event.PeerOutside},
		"198.51.100.1":    {Kind: event.PeerOutside},
		"2001:db8::1":     {Kind: event.PeerOutside},
	} {
		ask(t, f.Client, addr, want)
	}
}

// Own pods and public addresses cost no request of their own.
func TestWhoHasCost(t *testing.T) {
	s := realServer(t)
	ns, node := s.namespace(t), name(t, "")
	f := follow(t, s.config(adminToken), node, 0)
	s.pod(t, ns, "here", node, nil, nil)
	s.status(t, ns, "here", addresses("10.9.3.1"))
	f.until("here", "its address", func(r metadata.PodReport) bool { return r.Answered&event.SourceOwners != 0 && len(r.Pod.IPs) == 1 })
	ask(t, f.Client, "198.51.100.1", event.Peer{Kind: event.PeerOutside}) // may read the nodes
	requests := func() (n uint64) {
		for _, v := range f.Stats().Requests {
			n += v
		}
		return n
	}
	before := requests()
	for range 50 {
		ask(t, f.Client, "10.9.3.1", event.Peer{Kind: event.PeerPod, Namespace: ns, Name: "here"})
		ask(t, f.Client, "198.51.100.2", event.Peer{Kind: event.PeerOutside})
	}
	if n := requests() - before; n != 0 {
		t.Errorf("%d requests", n)
	}
	if ask(t, f.Client, "10.201.0.1", event.Peer{Kind: event.PeerOutside}); requests()-before > 3 {
		t.Errorf("%d requests for one address", requests()-before)
	}
}

func TestServices(t *testing.T) {
	s := realServer(t)
	ns, node := s.namespace(t), name(t, "")
	made := map[string]obj{}
	for service, selector := range map[string]obj{"b-shop": {"app": "shop"}, "a-shop": {"app": "shop"}, "cart": {"app": "shop", "part": "cart"}, "none": nil} {
		made[service] = s.must(t, http.MethodPost, "/api/v1/namespaces/"+ns+"/services", obj{"metadata": obj{"name": service}, "spec": obj{"selector": selector, "ports": []obj{{"port": 80}}}})
	}
	f := follow(t, s.config(adminToken), node, 0)
	s.pod(t, ns, "it", node, obj{"labels": obj{"app": "shop"}}, nil)
	if r := f.whole("it"); r.Pod.Services != nil || f.Stats().Requests[Request{"list", "services", 200}] != 0 {
		t.Errorf("services were read that nobody asked for: %v", r.Pod.Services)
	}
	f.SetServices(true)
	r := f.until("it", "services", func(r metadata.PodReport) bool { return r.Pod.Services != nil })
	want := []event.Object{{Kind: "Service", Name: "a-shop", UID: uid(made["a-shop"])}, {Kind: "Service", Name: "b-shop", UID: uid(made["b-shop"])}}
	if diff := cmp.Diff(want, r.Pod.Services); diff != "" {
		t.Error(diff)
	}
	s.must(t, http.MethodPatch, "/api/v1/namespaces/"+ns+"/pods/it", obj{"metadata": obj{"labels": obj{"part": "cart"}}})
	f.until("it", "the service of its new label", func(r metadata.PodReport) bool { return len(r.Pod.Services) == 3 })
	if n := f.Stats().Requests[Request{"list", "services", 200}]; n != 1 {
		t.Errorf("services were read %d times", n)
	}
}

// Nodes are read in pages.
func TestNodePages(t *testing.T) {
	s := realServer(t)
	each(t, nodePage+20, func(i int) error {
		_, err := s.call(http.MethodPost, "/api/v1/nodes", obj{"metadata": obj{"name": fmt.Sprint("page-", i), "labels": obj{"test": "pages"}}})
		return err
	})
	defer s.must(t, http.MethodDelete, "/api/v1/nodes?labelSelector=test%3Dpages", nil)
	for _, i := range []int{0, nodePage + 19} {
		s.must(t, http.MethodPatch, fmt.Sprintf("/api/v1/nodes/page-%d/status", i), obj{"status": obj{"addresses": []obj{{"type": "InternalIP", "address": loadAddr(110, i)}}}})
	}
	f := follow(t, s.config(adminToken), name(t, ""), 0)
	for _, i := range []int{0, nodePage + 19} {
		ask(t, f.Client, loadAddr(110, i), event.Peer{Kind: event.PeerNode, Name: fmt.Sprint("page-", i)})
	}
	if n := f.Stats().Requests[Request{"list", "nodes", 200}]; n != 2 {
		t.Errorf("%d pages", n)
	}
	if f.nodes.count < nodePage+20 || f.nodes.age() < time.Duration(f.nodes.count)*nodeAge {
		t.Errorf("%d nodes are read again after %v", f.nodes.count, f.nodes.age())
	}
}
