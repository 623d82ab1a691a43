package field

import (
	"strconv"

	"github.com/goshawk-security/goshawk/internal/event"
)

// protoFields name the protocols by the ports, and descriptors by who has them.
func protoFields() []Field {
	proto := func(name string, of end, desc string) Field {
		return Field{Name: name, Type: event.TypeString, Desc: desc, Get: func(ev *event.Event, _ Arg) event.Value {
			a := of(ev)
			if !a.IsValid() {
				return event.Value{}
			}
			return serviceName(ev, a.Port())
		}}
	}
	rows := group(Field{Scope: PerEvent, Source: "kernel", Types: socketTypes},
		proto("fd.cproto", clientEnd, "Service that usually has the client's port, such as https; the number of a port that none has."),
		proto("fd.sproto", serverEnd, "Service that usually has the server's port, such as https; the number of a port that none has."),
		proto("fd.lproto", localEnd, "Service that usually has the port on this side."),
		proto("fd.rproto", remoteEnd, "Service that usually has the port on the other side."),
		either(proto("fd.proto", serverEnd, "Service that usually has the port of either side: a comparison is true if it is for one of them; the output has the server's."), "fd.cproto", "fd.sproto"),
	)
	rows = append(rows, group(Field{Scope: PerEvent, Source: "kernel", Types: fdTypes},
		Field{Name: "fd.uid", Type: event.TypeString, Get: ofEvent(fdUID),
			Desc: "Number of the thread and number of the descriptor, one behind the other: it names a descriptor while both live."})...)
	return append(rows, group(Field{Scope: PerName, Source: "kernel; cgroup path", Types: fdTypes, Invalidates: "every event"},
		Field{Name: "fd.containername", Type: event.TypeString, Get: inContainerName(func(ev *event.Event) event.Value { return nameValue(ev.Name()) }),
			Desc: "container.id and fd.name with a colon between them."},
		Field{Name: "fd.containerdirectory", Type: event.TypeString, Get: inContainerName(func(ev *event.Event) event.Value { return fdDirectory(ev, ev.Name()) }),
			Types: fileTypes, Desc: "container.id and fd.directory with a colon between them."})...)
}

func fdUID(ev *event.Event) event.Value {
	fd, ok := ev.FD()
	if !ok {
		return event.Value{}
	}
	return event.String(ev.Scratch(func(b []byte) []byte {
		return strconv.AppendInt(strconv.AppendUint(b, uint64(ev.TID), 10), int64(fd), 10)
	}))
}

// inContainerName makes a getter of a name with the container before it.
func inContainerName(get func(*event.Event) event.Value) Getter {
	carried := setOf(fdTypes)
	return func(ev *event.Event, _ Arg) event.Value {
		if !carried.has(ev.Type) {
			return event.Value{}
		}
		v := get(ev)
		if !v.IsPresent() {
			return v
		}
		id := host
		if ev.Container != nil {
			id = ev.Container.ID()
		}
		return event.String(ev.Scratch(func(b []byte) []byte { return append(append(append(b, id...), ':'), v.Str()...) }))
	}
}

// serviceName names the service of a port by the registry of IANA, for those that
// rules name; the file /etc/services differs between machines.
func serviceName(ev *event.Event, port uint16) event.Value {
	if name := services(port); name != "" {
		return event.String(name)
	}
	return event.String(ev.Scratch(func(b []byte) []byte { return strconv.AppendUint(b, uint64(port), 10) }))
}

func services(port uint16) string {
	switch port {
	case 20:
		return "ftp-data"
	case 21:
		return "ftp"
	case 22:
		return "ssh"
	case 23:
		return "telnet"
	case 25:
		return "smtp"
	case 53:
		return "domain"
	case 67:
		return "bootps"
	case 68:
		return "bootpc"
	case 69:
		return "tftp"
	case 80:
		return "http"
	case 88:
		return "kerberos"
	case 110:
		return "pop3"
	case 111:
		return "sunrpc"
	case 123:
		return "ntp"
	case 143:
		return "imap2"
	case 161:
		return "snmp"
	case 179:
		return "bgp"
	case 389:
		return "ldap"
	case 443:
		return "https"
	case 445:
		return "microsoft-ds"
	case 514:
		return "shell"
	case 587:
		return "submission"
	case 631:
		return "ipp"
	case 636:
		return "ldaps"
	case 853:
		return "domain-s"
	case 873:
		return "rsync"
	case 993:
		return "imaps"
	case 995:
		return "pop3s"
	case 1433:
		return "ms-sql-s"
	case 1521:
		return "oracle"
	case 2049:
		return "nfs"
	case 3306:
		return "mysql"
	case 3389:
		return "ms-wbt-server"
	case 5432:
		return "postgresql"
	case 5672:
		return "amqp"
	case 6379:
		return "redis"
	case 6443:
		return "sun-sr-https"
	case 6667:
		return "ircd"
	case 8080:
		return "http-alt"
	case 9200:
		return "wap-wsp"
	case 11211:
		return "memcache"
	case 27017:
		return "mongodb"
	}
	return ""
}
