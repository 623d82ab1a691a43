package alert

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"
)

// cluster answers for one address, and not yet for another.
type cluster struct{}

func (cluster) Peer(a netip.Addr) *event.Peer {
	if a == netip.MustParseAddr("10.1.0.9") {
		return &event.Peer{Kind: event.PeerPod, Namespace: "shop", Name: "db-0", Owner: event.Object{Kind: "StatefulSet", Name: "db"}}
	}
	return &event.Peer{Waiting: true}
}

func (cluster) DNSName(*event.Container, netip.Addr) string { return "db.shop.svc" }

func webContainer() *event.Container {
	return &event.Container{FullID: strings.Repeat("ab", 32), PodUID: "u-1",
		Info: &event.ContainerInfo{Runtime: "containerd", Name: "web", Image: "shop/web:1.2", ImageDigest: "sha256:abc", PodName: "web-1", PodNamespace: "shop"},
		Pod: &event.Pod{Name: "web-1", Namespace: "shop", UID: "u-1", ServiceAccount: "web", Node: "n1", Labels: map[string]string{"app": "web"},
			Owners: []event.Object{{Kind: "ReplicaSet", Name: "web-6f"}, {Kind: "Deployment", Name: "web"}}}}
}

func connectEvent(remote string, c *event.Container) *event.Event {
	ev := newEvent("/x")
	ev.Type, ev.Path = event.Connect, event.Path{}
	ev.Socket = event.Socket{Family: event.FamilyIPv4, Remote: netip.MustParseAddrPort(remote)}
	ev.Container, ev.Peers = c, cluster{}
	return ev
}

func TestPlace(t *testing.T) {
	a := newBuilder(t).New(connectEvent("10.1.0.9:5432", webContainer()), newRule(t, "proc.name"), nil)
	want := Alert{
		Container:  &Container{ID: strings.Repeat("ab", 32), Name: "web", Runtime: "containerd", Image: "shop/web:1.2", ImageDigest: "sha256:abc"},
		Kubernetes: &Kubernetes{Namespace: "shop", Pod: "web-1", PodUID: "u-1", ServiceAccount: "web", Node: "n1", Owner: &Owner{"Deployment", "web"}, Labels: map[string]string{"app": "web"}},
		Peer:       &Peer{Address: "10.1.0.9", Port: 5432, Type: "pod", Namespace: "shop", Name: "db-0", Owner: &Owner{"StatefulSet", "db"}, DNSName: "db.shop.svc"},
	}
	if diff := cmp.Diff(want, Alert{Container: a.Container, Kubernetes: a.Kubernetes, Peer: a.Peer, Enrichment: a.Enrichment}); diff != "" {
		t.Error(diff)
	}
	text := a.Text()
	for _, line := range []string{
		"\n    in pod shop/web-1 (deployment web), container web, image shop/web:1.2",
		"\n    with pod shop/db-0 (statefulset db)",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("the text lacks %q:\n%s", line, text)
		}
	}
	if f := a.OutputFields; f["k8s.pod.name"] != "web-1" || f["k8s.ns.name"] != "shop" || f["container.image.repository"] != "shop/web" || f["container.image.tag"] != "1.2" {
		t.Errorf("output fields %v", f)
	}
}

func TestPartial(t *testing.T) {
	late := webContainer()
	late.Missed = event.SourceRuntime
	waits := webContainer()
	waits.Pod, waits.Waiting = nil, event.SourcePod|event.SourceOwners
	tests := []struct {
		name string
		ev   *event.Event
		want []string
	}{
		{"whole", connectEvent("10.1.0.9:1", webContainer()), nil},
		{"missed", connectEvent("10.1.0.9:1", late), []string{"runtime"}},
		{"deadline", connectEvent("10.1.0.9:1", waits), []string{"pod", "owners"}},
		{"peer", connectEvent("10.1.0.8:1", webContainer()), []string{"peer"}},
	}
	for _, tt := range tests {
		tt.ev.Partial = true
		a := newBuilder(t).New(tt.ev, newRule(t, "proc.name"), nil)
		if diff := cmp.Diff(tt.want, a.EnrichmentMissing); diff != "" || (a.Enrichment == "partial") != (tt.want != nil) {
			t.Errorf("%s: enrichment %q, %s", tt.name, a.Enrichment, diff)
		}
	}
	if a := newBuilder(t).New(connectEvent("10.1.0.9:1", late), newRule(t, "proc.name"), nil); !strings.Contains(a.Text(), "not known in time: runtime") {
		t.Errorf("text:\n%s", a.Text())
	}
}

// A pod comes and goes, its deployment stays: alerts of both are one group.
func TestFingerprintOfWorkload(t *testing.T) {
	b, r := newBuilder(t), newRule(t, "proc.name")
	one, two, other := webContainer(), webContainer(), webContainer()
	two.FullID, two.Pod.Name, two.PodUID = strings.Repeat("cd", 32), "web-2", "u-2"
	other.Pod.Namespace = "test"
	print := func(c *event.Container) string { return b.New(connectEvent("10.1.0.9:1", c), r, nil).Fingerprint }
	if print(one) != print(two) {
		t.Error("two pods of a deployment have two fingerprints")
	}
	if print(one) == print(other) {
		t.Error("two namespaces have one fingerprint")
	}
}
