package field

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/event"
)

// socketFields are the two ends of a socket. An end that is not known is
// absent: the far one of a socket that listens, for instance.
func socketFields() []Field {
	rows := group(Field{Scope: PerEvent, Source: "kernel", Types: socketTypes},
		address("fd.cip", clientEnd, "Address of the client."),
		address("fd.sip", serverEnd, "Address of the server."),
		address("fd.lip", localEnd, "Address on this side."),
		address("fd.rip", remoteEnd, "Address on the other side."),
		address("fd.cnet", clientEnd, "Address of the client, to be compared with networks."),
		address("fd.snet", serverEnd, "Address of the server, to be compared with networks."),
		address("fd.lnet", localEnd, "Address on this side, to be compared with networks."),
		address("fd.rnet", remoteEnd, "Address on the other side, to be compared with networks."),
		port("fd.cport", clientEnd, "Port of the client."),
		port("fd.sport", serverEnd, "Port of the server."),
		port("fd.lport", localEnd, "Port on this side."),
		port("fd.rport", remoteEnd, "Port on the other side."),
		either(address("fd.ip", farEnd, "Address of either side: a comparison is true if it is for one of them; the output has the far one."), "fd.cip", "fd.sip"),
		either(address("fd.net", farEnd, "Address of either side, to be compared with networks."), "fd.cnet", "fd.snet"),
		either(port("fd.port", serverEnd, "Port of either side: a comparison is true if it is for one of them; the output has the server's."), "fd.cport", "fd.sport"),
	)
	return append(rows, group(Field{Scope: PerEvent, Source: "kernel", Types: socketTypes},
		Field{Name: "fd.l4proto", Type: event.TypeString, Get: ofSocket(l4proto),
			Desc: "Transport of an IP socket: tcp, udp, icmp, raw."},
		Field{Name: "fd.sockfamily", Type: event.TypeString, Get: ofSocket(sockFamily),
			Desc: "Family of the socket: ip or unix."},
		Field{Name: "fd.is_server", Type: event.TypeBool, Get: ofSocket(func(ev *event.Event) event.Value { return event.Bool(serves(ev)) }),
			Desc: "True if this side accepted the connection or waits for one."},
		Field{Name: "fd.connected", Type: event.TypeBool, Get: ofSocket(connected),
			Desc: "True if the socket has a peer: not after a connect that failed or has not completed."},
	)...)
}

// end reads one end of an event's socket.
type end func(*event.Event) netip.AddrPort

func address(name string, of end, desc string) Field {
	return Field{Name: name, Type: event.TypeIP, Desc: desc,
		Get: func(ev *event.Event, _ Arg) event.Value { return event.IP(of(ev).Addr()) }}
}

func port(name string, of end, desc string) Field {
	return Field{Name: name, Type: event.TypePort, Desc: desc,
		Get: func(ev *event.Event, _ Arg) event.Value {
			a := of(ev)
			if !a.IsValid() {
				return event.Value{}
			}
			return event.Port(a.Port())
		}}
}

func either(f Field, a, b string) Field {
	f.Either = []string{a, b}
	return f
}

// serves tells that this side is the server: a socket that is bound is about to
// listen.
func serves(ev *event.Event) bool {
	return ev.Socket.Server || ev.Type == event.Bind || ev.Type == event.Listen
}

func localEnd(ev *event.Event) netip.AddrPort  { return ev.Socket.Local }
func remoteEnd(ev *event.Event) netip.AddrPort { return ev.Socket.Remote }

func clientEnd(ev *event.Event) netip.AddrPort {
	if serves(ev) {
		return ev.Socket.Remote
	}
	return ev.Socket.Local
}

func serverEnd(ev *event.Event) netip.AddrPort {
	if serves(ev) {
		return ev.Socket.Local
	}
	return ev.Socket.Remote
}

// farEnd is the other side, or this one where there is no other.
func farEnd(ev *event.Event) netip.AddrPort {
	if ev.Socket.Remote.IsValid() {
		return ev.Socket.Remote
	}
	return ev.Socket.Local
}

// ofSocket makes a getter for events that have a socket.
func ofSocket(get func(*event.Event) event.Value) Getter {
	return func(ev *event.Event, _ Arg) event.Value {
		if ev.Socket.Family == event.FamilyNone {
			return event.Value{}
		}
		return get(ev)
	}
}

func l4proto(ev *event.Event) event.Value {
	s := &ev.Socket
	if s.Family != event.FamilyIPv4 && s.Family != event.FamilyIPv6 {
		return event.Value{}
	}
	switch s.Proto {
	case unix.IPPROTO_TCP:
		return event.String("tcp")
	case unix.IPPROTO_UDP:
		return event.String("udp")
	case unix.IPPROTO_ICMP, unix.IPPROTO_ICMPV6:
		return event.String("icmp")
	}
	switch s.Type {
	case unix.SOCK_STREAM:
		return event.String("tcp")
	case unix.SOCK_DGRAM:
		return event.String("udp")
	case unix.SOCK_RAW:
		return event.String("raw")
	}
	return event.Value{}
}

func sockFamily(ev *event.Event) event.Value {
	switch ev.Socket.Family {
	case event.FamilyIPv4, event.FamilyIPv6:
		return event.String("ip")
	case event.FamilyUnix:
		return event.String("unix")
	}
	return event.Value{}
}

func connected(ev *event.Event) event.Value {
	switch ev.Type {
	case event.Bind, event.Listen:
		return event.Bool(false)
	case event.Connect:
		return event.Bool(ev.HasResult && ev.Result == 0)
	}
	return event.Bool(!ev.Failed() && (ev.Socket.Remote.IsValid() || ev.Socket.Family == event.FamilyUnix && ev.Socket.Server))
}
