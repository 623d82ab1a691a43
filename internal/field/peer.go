package field

import "github.com/goshawk-security/goshawk/internal/event"

// peerFields are the other end of a connection, where the cluster knows it. Falco has
// no names for them.
func peerFields() []Field {
	text := func(name string, get func(*event.Peer) string, desc string) Field {
		return Field{Name: "k8s.peer." + name, Type: event.TypeString, Desc: desc,
			Get: ofPeer(func(p *event.Peer, _ Arg) event.Value { return event.OptionalString(get(p)) })}
	}
	return group(Field{Scope: PerEvent, Source: "Kubernetes API", Types: socketTypes},
		text("type", func(p *event.Peer) string { return p.Kind.String() },
			"What the other end of the connection is: pod, service, node, outside (of the cluster) or local (a loopback or link-local address)."),
		text("name", func(p *event.Peer) string { return p.Name }, "Name of the pod, service or node at the other end."),
		text("ns.name", func(p *event.Peer) string { return p.Namespace }, "Namespace of the pod or service at the other end."),
		text("workload.name", func(p *event.Peer) string { return p.Owner.Name }, "Name of the topmost owner of the pod at the other end."),
		text("workload.kind", func(p *event.Peer) string { return p.Owner.Kind }, "Kind of the topmost owner of the pod at the other end."),
		Field{Name: "k8s.peer.label", Type: event.TypeString, Arg: RequiredKey, Desc: "One label of the pod or service at the other end, by its name.",
			Get: ofPeer(func(p *event.Peer, a Arg) event.Value { return entryOf(p.Labels, a) })},
		Field{Name: "k8s.peer.labels", Type: event.TypeString, Desc: "All labels of the pod or service at the other end: name:value, with commas between them.",
			Get: ofPeer(func(p *event.Peer, _ Arg) event.Value { return joined(p.Labels) })},
	)
}

// ofPeer makes a getter that asks for the other end, once for an event.
func ofPeer(get func(*event.Peer, Arg) event.Value) Getter {
	return func(ev *event.Event, a Arg) event.Value {
		p := ev.Peer()
		if p == nil {
			return event.Value{}
		}
		if p.Waiting && !ev.Partial {
			return event.Missing(event.Pending)
		}
		return get(p, a)
	}
}
