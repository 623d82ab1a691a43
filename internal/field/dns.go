package field

import "github.com/goshawk-security/goshawk/internal/event"

// nameFields are the names by which the container, or the host, looked the two ends of
// a socket up.
func nameFields() []Field {
	row := func(side string, of end, what string) Field {
		return Field{Name: "fd." + side + ".name", Type: event.TypeString, Needs: NeedDNS,
			Desc: "DNS name of the " + what + ", as the container looked it up; absent if it did not, or did before the rule was loaded.",
			Get: func(ev *event.Event, _ Arg) event.Value {
				addr := of(ev).Addr().Unmap()
				if ev.Peers == nil || !addr.IsValid() {
					return event.Value{}
				}
				return event.OptionalString(ev.Peers.DNSName(ev.Container, addr))
			}}
	}
	return group(Field{Scope: PerEvent, Source: "answers of DNS servers", Types: socketTypes},
		row("cip", clientEnd, "client"),
		row("sip", serverEnd, "server"),
		row("lip", localEnd, "side here"),
		row("rip", remoteEnd, "other side"),
	)
}
