package field

import "github.com/goshawk-security/goshawk/internal/event"

// fdFields are what stands behind the descriptor of an event.
func fdFields() []Field {
	rows := group(Field{Scope: PerEvent, Source: "kernel", Types: fdTypes},
		Field{Name: "fd.num", Type: event.TypeInt, Get: ofEvent(fdNum),
			Desc: "Number of the descriptor that the call uses or made; absent if it made none."},
		Field{Name: "fd.type", Type: event.TypeString, Get: ofEvent(func(ev *event.Event) event.Value { return event.OptionalString(eventKind(ev).word) }),
			Desc: "Kind of descriptor: file (devices as well), directory, pipe (named ones as well), ipv4, ipv6, unix, netlink, socket, memfd, event, eventpoll, signalfd, inotify, timerfd, io_uring, userfaultfd, pidfd, bpf, anon."},
		Field{Name: "fd.typechar", Type: event.TypeString, Get: ofEvent(func(ev *event.Event) event.Value { return event.OptionalString(eventKind(ev).char) }),
			Desc: "fd.type as one character: f file, d directory, p pipe, 4 ipv4, 6 ipv6, u unix, n netlink, m memfd, e event, l eventpoll, s signalfd, i inotify, t timerfd, r io_uring, P pidfd, b bpf, o others."},
	)
	return append(rows, group(Field{Scope: PerEvent, Source: "kernel", Types: fileTypes},
		Field{Name: "fd.dev", Type: event.TypeInt, Get: ofFile(func(f *event.File) event.Value { return event.Int(int64(f.Dev)) }),
			Desc: "Device that holds the file, as the kernel's number."},
		Field{Name: "fd.dev.major", Type: event.TypeInt, Get: ofFile(func(f *event.File) event.Value { return event.Int(int64(f.Dev >> 20)) }),
			Desc: "Major number of fd.dev."},
		Field{Name: "fd.dev.minor", Type: event.TypeInt, Get: ofFile(func(f *event.File) event.Value { return event.Int(int64(f.Dev & (1<<20 - 1))) }),
			Desc: "Minor number of fd.dev."},
		Field{Name: "fd.ino", Type: event.TypeInt, Get: ofFile(func(f *event.File) event.Value { return event.Int(int64(f.Ino)) }),
			Desc: "Inode number of the file."},
		Field{Name: "fd.is_upper_layer", Type: event.TypeBool, Get: ofFile(func(f *event.File) event.Value { return event.Bool(f.UpperLayer) }),
			Desc: "True if the file lies in the writable layer of an overlay file system."},
		Field{Name: "fd.is_lower_layer", Type: event.TypeBool, Get: ofFile(func(f *event.File) event.Value { return event.Bool(f.LowerLayer) }),
			Desc: "True if the file lies in a lower layer of an overlay file system."},
	)...)
}

func fdNum(ev *event.Event) event.Value {
	if fd, ok := ev.FD(); ok {
		return event.Int(int64(fd))
	}
	return event.Value{}
}

// eventKind names the kind of the event's descriptor. An open that failed
// would have made a file.
func eventKind(ev *event.Event) fdKind {
	if ev.File.Kind == event.FileNone && ev.Socket.Family == event.FamilyNone {
		switch ev.Type {
		case event.Open, event.Openat, event.Openat2, event.Creat:
			return kindFile
		}
		return fdKind{}
	}
	name := ""
	if ev.File.Kind == event.FileAnon {
		name = ev.Name().Text
	}
	return kindOf(ev.File.Kind, ev.Socket.Family, name)
}

// ofFile makes a getter of the file behind the descriptor.
func ofFile(get func(*event.File) event.Value) Getter {
	return func(ev *event.Event, _ Arg) event.Value {
		if ev.File.Kind == event.FileNone {
			return event.Value{}
		}
		return get(&ev.File)
	}
}
