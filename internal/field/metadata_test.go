package field

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"
)

// webPod is a container of a pod of which everything is known.
func webPod() *event.Container {
	return &event.Container{FullID: "0123456789abcdef", PodUID: "u-1",
		Info: &event.ContainerInfo{Runtime: "containerd", Name: "web", Image: "registry.example:5000/shop/web:1.2", ImageID: "0123456789abcdef",
			ImageDigest: "sha256:abc", Labels: map[string]string{"b": "2", "a": "1"}, Privileged: true, User: "1000:1000", Started: 1e18 + 3e9,
			Mounts: []event.Mount{
				{Source: "/var/lib/data", Destination: "/data", Mode: "ro", Propagation: "rprivate"},
				{Source: "/proc", Destination: "/host/proc", Writable: true}},
			HostNetwork: true, PodName: "web-1", PodNamespace: "shop", PodLabels: map[string]string{"app": "old"}, PodIPs: []string{"10.1.0.5", "fd00::5"},
			SandboxID: "fedcba9876543210", CNIResult: `{"ips":[]}`},
		Pod: &event.Pod{Name: "web-1", Namespace: "shop", UID: "u-1", Labels: map[string]string{"app": "web"}, Annotations: map[string]string{"note": "x"},
			IPs: []string{"10.1.0.5"}, Node: "n1", ServiceAccount: "web-sa", NamespaceUID: "ns-1", NamespaceLabels: map[string]string{"team": "shop"},
			Containers: []event.PodContainer{{Name: "web", Kind: event.InitContainer, LivenessProbe: []string{"-bash", "-c", "ls /x"}, ReadinessProbe: []string{"true"}}},
			Owners:     []event.Object{{Kind: "ReplicaSet", Name: "web-6f", UID: "rs-1"}, {Kind: "Deployment", Name: "web", UID: "d-1", Labels: map[string]string{"tier": "front"}}},
			Services:   []event.Object{{Kind: "Service", Name: "api", UID: "s-1"}, {Kind: "Service", Name: "web", UID: "s-2", Labels: map[string]string{"x": "y"}}}},
	}
}

func get(t *testing.T, ev *event.Event, name, arg string) event.Value {
	t.Helper()
	f := New(Syscall()).Find(name)
	if f == nil {
		t.Fatalf("no field %s", name)
	}
	return f.Get(ev, Arg{Given: arg != "", Name: arg})
}

func TestMetadata(t *testing.T) {
	ev := openEvent(0)
	ev.Container = webPod()
	tests := []struct {
		field, arg string
		want       any
	}{
		{"container.type", "", "containerd"},
		{"container.name", "", "web"},
		{"container.kind", "", "init"},
		{"container.image", "", "registry.example:5000/shop/web:1.2"},
		{"container.image.repository", "", "registry.example:5000/shop/web"},
		{"container.image.tag", "", "1.2"},
		{"container.image.digest", "", "sha256:abc"},
		{"container.image.id", "", "0123456789ab"},
		{"container.privileged", "", true},
		{"container.host_pid", "", false},
		{"container.host_network", "", true},
		{"container.label", "a", "1"},
		{"container.label", "c", nil},
		{"container.labels", "", "a:1, b:2"},
		{"container.user", "", "1000:1000"},
		{"container.ip", "", "10.1.0.5"},
		{"container.cni.json", "", `{"ips":[]}`},
		{"container.start_ts", "", "2001-09-09T01:46:43.000000000Z"},
		{"container.duration", "", uint64(2e9)},
		{"container.mounts", "", "/var/lib/data:/data:ro:false:rprivate,/proc:/host/proc::true:"},
		{"container.mount", "1", "/proc:/host/proc::true:"},
		{"container.mount", "2", nil},
		{"container.mount", "/proc", "/proc:/host/proc::true:"},
		{"container.mount", "/var/*", "/var/lib/data:/data:ro:false:rprivate"},
		{"container.mount", "/data", nil},
		{"container.mount.source", "/data", "/var/lib/data"},
		{"container.mount.source", "/host*", "/proc"},
		{"container.mount.dest", "/proc", "/host/proc"},
		{"container.mount.dest", "/pr?c", "/host/proc"},
		{"container.mount.mode", "0", "ro"},
		{"container.mount.rdwr", "0", "false"},
		{"container.mount.rdwr", "/proc", "true"},
		{"container.mount.propagation", "0", "rprivate"},
		{"container.liveness_probe", "", "-bash -c ls /x"},
		{"container.readiness_probe", "", "true"},
		{"proc.is_container_liveness_probe", "", true},
		{"proc.is_container_readiness_probe", "", false},
		{"k8s.pod.name", "", "web-1"},
		{"k8s.ns.name", "", "shop"},
		{"k8s.pod.uid", "", "u-1"},
		{"k8s.pod.ip", "", "10.1.0.5"},
		{"k8s.pod.sandbox_id", "", "fedcba987654"},
		{"k8s.pod.full_sandbox_id", "", "fedcba9876543210"},
		{"k8s.pod.label", "app", "web"},
		{"k8s.pod.labels", "", "app:web"},
		{"k8s.pod.annotation", "note", "x"},
		{"k8s.pod.node", "", "n1"},
		{"k8s.pod.service_account", "", "web-sa"},
		{"k8s.ns.id", "", "ns-1"},
		{"k8s.ns.label", "team", "shop"},
		{"k8s.ns.annotations", "", nil},
		{"k8s.rs.name", "", "web-6f"},
		{"k8s.deployment.name", "", "web"},
		{"k8s.deployment.id", "", "d-1"},
		{"k8s.deployment.label", "tier", "front"},
		{"k8s.rc.name", "", nil},
		{"k8s.statefulset.name", "", nil},
		{"k8s.workload.kind", "", "Deployment"},
		{"k8s.workload.name", "", "web"},
		{"k8s.svc.name", "", "api, web"},
		{"k8s.svc.id", "", "s-1, s-2"},
		{"k8s.svc.label", "x", "y"},
		{"k8s.svc.labels", "", "x:y"},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, get(t, ev, tt.field, tt.arg).Any()); diff != "" {
			t.Errorf("%s[%s]: %s", tt.field, tt.arg, diff)
		}
	}
}

// What is on its way is pending until it can come no more.
func TestAwaited(t *testing.T) {
	tests := []struct {
		field, arg string
		waiting    event.Sources
		want       event.Presence
	}{
		{"container.image.repository", "", event.SourceBundle, event.Pending},
		{"container.image.repository", "", event.SourceRuntime, event.Pending},
		{"container.image.repository", "", event.SourcePod | event.SourceOwners, event.Absent},
		{"container.type", "", event.SourceBundle, event.Pending},
		{"container.name", "", event.SourceBundle, event.Pending},
		{"container.kind", "", event.SourcePod, event.Pending},
		{"container.privileged", "", event.SourceRuntime, event.Pending},
		{"container.privileged", "", 0, event.Absent},
		{"container.duration", "", event.SourceRuntime, event.Pending},
		{"container.mount", "0", event.SourceBundle, event.Pending},
		{"k8s.ns.name", "", event.SourceBundle, event.Pending},
		{"k8s.ns.name", "", event.SourcePod, event.Pending},
		{"k8s.ns.name", "", event.SourceOwners, event.Absent},
		{"k8s.pod.label", "x", event.SourcePod, event.Pending},
		{"k8s.deployment.name", "", event.SourceOwners, event.Pending},
		{"k8s.deployment.name", "", event.SourceBundle | event.SourceRuntime, event.Absent},
		{"proc.is_container_liveness_probe", "", event.SourcePod, event.Pending},
		{"container.id", "", event.AllSources, event.Present},
	}
	for _, tt := range tests {
		ev := openEvent(0)
		ev.Container = &event.Container{FullID: "0123456789abcdef", Waiting: tt.waiting}
		if got := get(t, ev, tt.field, tt.arg).Presence(); got != tt.want {
			t.Errorf("%s while %v is awaited: %v, want %v", tt.field, tt.waiting, got, tt.want)
		}
		ev.Partial = true
		if got := get(t, ev, tt.field, tt.arg).Presence(); got == event.Pending {
			t.Errorf("%s: pending after the deadline", tt.field)
		}
	}
}

// The bundle's no is not the runtime's: a container is not privileged only when the
// runtime itself says so.
func TestTruthWaits(t *testing.T) {
	ev := openEvent(0)
	ev.Container = &event.Container{Info: &event.ContainerInfo{}, Waiting: event.SourceRuntime}
	if got := get(t, ev, "container.privileged", ""); got.Presence() != event.Pending {
		t.Errorf("not privileged, says the bundle: %v", got)
	}
	ev.Container.Waiting = 0
	if got := get(t, ev, "container.privileged", ""); got.Any() != false {
		t.Errorf("not privileged, says the runtime: %v", got)
	}
}

func TestSandbox(t *testing.T) {
	ev := openEvent(0)
	ev.Container = &event.Container{Info: &event.ContainerInfo{Sandbox: true}, Waiting: event.SourcePod}
	if name, kind := get(t, ev, "container.name", ""), get(t, ev, "container.kind", ""); name.Str() != "POD" || kind.Str() != "sandbox" {
		t.Errorf("name %v, kind %v", name, kind)
	}
}

// peers is one address that is known and one that is not yet.
type peers struct{ asked int }

func (p *peers) Peer(a netip.Addr) *event.Peer {
	p.asked++
	if a == netip.MustParseAddr("10.1.0.9") {
		return &event.Peer{Kind: event.PeerPod, Namespace: "shop", Name: "db-0", Labels: map[string]string{"app": "db"}, Owner: event.Object{Kind: "StatefulSet", Name: "db"}}
	}
	return &event.Peer{Waiting: true}
}

func (p *peers) DNSName(*event.Container, netip.Addr) string { return "" }

func TestPeer(t *testing.T) {
	p := &peers{}
	ev := base(event.Event{Type: event.Connect, Peers: p, Socket: event.Socket{Family: event.FamilyIPv4, Remote: netip.MustParseAddrPort("10.1.0.9:5432")}})
	for field, want := range map[string]any{"type": "pod", "name": "db-0", "ns.name": "shop", "workload.name": "db", "workload.kind": "StatefulSet", "labels": "app:db"} {
		if got := get(t, ev, "k8s.peer."+field, "").Any(); got != want {
			t.Errorf("k8s.peer.%s = %v, want %v", field, got, want)
		}
	}
	if p.asked != 1 {
		t.Errorf("asked %d times", p.asked)
	}
	ev = base(event.Event{Type: event.Connect, Peers: p, Socket: event.Socket{Family: event.FamilyIPv4, Remote: netip.MustParseAddrPort("10.1.0.7:5432")}})
	if got := get(t, ev, "k8s.peer.name", ""); got.Presence() != event.Pending || !ev.Waits() {
		t.Errorf("on its way: %v, waits %v", got, ev.Waits())
	}
	ev.Partial = true
	if got := get(t, ev, "k8s.peer.name", ""); got.Presence() != event.Absent || ev.Waits() {
		t.Errorf("too late: %v, waits %v", got, ev.Waits())
	}
	if got := get(t, base(event.Event{Type: event.Connect, Peers: p}), "k8s.peer.type", ""); got.IsPresent() {
		t.Errorf("without a socket: %v", got)
	}
}
