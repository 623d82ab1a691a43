package field

import (
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/event"
)

// evtFields are the fields of the event itself.
func evtFields() []Field {
	rows := group(Field{Scope: PerEvent, Source: "kernel"},
		Field{Name: "evt.type", Type: event.TypeString, OfType: true, Get: ofEvent(evtType),
			Desc: "Name of the system call, or procexit for the end of a process."},
		Field{Name: "syscall.type", Type: event.TypeString, OfType: true, Get: ofEvent(syscallType),
			Desc: "Name of the system call; absent for events that are not one."},
		Field{Name: "evt.category", Type: event.TypeString, OfType: true, Get: ofEvent(evtCategory),
			Desc: "Falco's category of the event: file, net, process, IO-other."},
		Field{Name: "evt.dir", Type: event.TypeString, OfType: true, Get: ofEvent(func(*event.Event) event.Value { return event.String("<") }),
			Desc: "Always <: an event is the end of a call and carries all its parameters."},
		Field{Name: "evt.cpu", Type: event.TypeInt, Get: ofEvent(func(ev *event.Event) event.Value { return event.Int(int64(ev.CPU)) }),
			Desc: "Number of the processor on which the event happened."},
		Field{Name: "evt.res", Type: event.TypeString, Get: ofEvent(evtRes),
			Desc: "SUCCESS, or the name of the error that the call returned, such as ENOENT."},
		Field{Name: "evt.rawres", Type: event.TypeInt, Get: ofEvent(evtRawRes),
			Desc: "Number that the call returned; a negative one is an error."},
		Field{Name: "evt.failed", Type: event.TypeBool, Get: ofEvent(evtFailed),
			Desc: "True if the call returned an error."},
	)
	rows = append(rows, Field{Name: "evt.source", Type: event.TypeString, OfType: true, Scope: PerNode, Source: "agent", Since: oldestKernel,
		Invalidates: "nothing",
		Get:         ofEvent(func(*event.Event) event.Value { return event.String("syscall") }),
		Desc:        "Source of the event: syscall."})
	rows = append(rows, evtTimeFields()...)
	return append(rows, evtOpenFields()...)
}

// evtTimeFields are the forms of the event's time.
func evtTimeFields() []Field {
	return group(Field{Scope: PerEvent, Source: "kernel clock and the node's wall clock"},
		Field{Name: "evt.time", Type: event.TypeString, Get: timeText("15:04:05.000000000"),
			Desc: "Time of day of the event in UTC, with nanoseconds."},
		Field{Name: "evt.time.s", Type: event.TypeString, Get: timeText("15:04:05"),
			Desc: "Time of day of the event in UTC, in seconds."},
		Field{Name: "evt.time.iso8601", Type: event.TypeString, Get: timeText("2006-01-02T15:04:05.000000000-0700"),
			Desc: "Date and time of the event in UTC by ISO 8601, with nanoseconds."},
		Field{Name: "evt.datetime", Type: event.TypeString, Get: timeText("2006-01-02 15:04:05.000000000"),
			Desc: "Date and time of the event in UTC, with nanoseconds."},
		Field{Name: "evt.datetime.s", Type: event.TypeString, Get: timeText("2006-01-02 15:04:05"),
			Desc: "Date and time of the event in UTC, in seconds."},
		Field{Name: "evt.rawtime", Type: event.TypeUint, Get: ofEvent(func(ev *event.Event) event.Value { return event.Uint(uint64(ev.Wall())) }),
			Desc: "Time of the event in nanoseconds since the Unix epoch."},
		Field{Name: "evt.rawtime.s", Type: event.TypeUint, Get: ofEvent(func(ev *event.Event) event.Value { return event.Uint(uint64(ev.Wall()) / 1e9) }),
			Desc: "Whole seconds of evt.rawtime."},
		Field{Name: "evt.rawtime.ns", Type: event.TypeUint, Get: ofEvent(func(ev *event.Event) event.Value { return event.Uint(uint64(ev.Wall()) % 1e9) }),
			Desc: "Nanoseconds of evt.rawtime within its second."},
	)
}

// evtOpenFields tell what an open asks for.
func evtOpenFields() []Field {
	return group(Field{Scope: PerEvent, Source: "kernel", Types: openTypes},
		Field{Name: "evt.is_open_read", Type: event.TypeBool, Get: openTest(func(flags, _ uint64) bool { return flags&unix.O_ACCMODE != unix.O_WRONLY && flags&unix.O_PATH == 0 }),
			Desc: "True if the call opens a file for reading, whether it succeeds or not; O_PATH only names a file."},
		Field{Name: "evt.is_open_write", Type: event.TypeBool, Get: openTest(func(flags, _ uint64) bool { return flags&unix.O_ACCMODE != unix.O_RDONLY }),
			Desc: "True if the call opens a file for writing, whether it succeeds or not; creat does."},
		Field{Name: "evt.is_open_exec", Type: event.TypeBool, Get: openTest(func(flags, mode uint64) bool { return creates(flags) && mode&0o111 != 0 }),
			Desc: "True if the call may create a file and gives it a permission to execute."},
		Field{Name: "evt.is_open_create", Type: event.TypeBool, Get: ofEvent(isOpenCreate),
			Desc: "True if the call succeeded and asked to create the file (O_CREAT, O_TMPFILE, creat); Falco also asks whether the file was new."},
	)
}

func evtType(ev *event.Event) event.Value {
	if info := ev.Type.Info(); info != nil {
		return event.String(info.Name)
	}
	return event.Value{}
}

func syscallType(ev *event.Event) event.Value {
	if ev.Type < event.Execve {
		return event.Value{}
	}
	return evtType(ev)
}

func evtCategory(ev *event.Event) event.Value {
	if info := ev.Type.Info(); info != nil {
		return event.String(info.Category)
	}
	return event.Value{}
}

// result returns what the call returned. An exec that made a new image
// returned 0, whatever the record says: it never comes back to its caller.
func result(ev *event.Event) (int64, bool) {
	switch {
	case ev.HasResult:
		return ev.Result, true
	case ev.HasTask() && (ev.Type == event.Execve || ev.Type == event.Execveat):
		return 0, true
	}
	return 0, false
}

func evtRes(ev *event.Event) event.Value {
	res, ok := result(ev)
	switch {
	case !ok:
		return event.Value{}
	case !ev.Failed():
		return event.String("SUCCESS")
	}
	return event.String(errnoName(ev, res))
}

// errnoName names the error of a negative result.
func errnoName(ev *event.Event, res int64) string {
	if name := unix.ErrnoName(syscall.Errno(-res)); name != "" {
		return name
	}
	return ev.Scratch(func(b []byte) []byte { return strconv.AppendInt(b, res, 10) })
}

func evtRawRes(ev *event.Event) event.Value {
	if res, ok := result(ev); ok {
		return event.Int(res)
	}
	return event.Value{}
}

func evtFailed(ev *event.Event) event.Value {
	if _, ok := result(ev); !ok {
		return event.Value{}
	}
	return event.Bool(ev.Failed())
}

// timeText makes a getter that writes the event's time.
func timeText(layout string) Getter {
	return func(ev *event.Event, _ Arg) event.Value {
		t := time.Unix(0, ev.Wall()).UTC()
		return event.String(ev.Scratch(func(b []byte) []byte { return t.AppendFormat(b, layout) }))
	}
}

// openFlags returns the flags and mode of an open; creat's flags are implied.
func openFlags(ev *event.Event) (flags, mode uint64, ok bool) {
	mode, _ = ev.Arg(event.ArgMode)
	if ev.Type == event.Creat {
		return unix.O_CREAT | unix.O_WRONLY | unix.O_TRUNC, mode, true
	}
	flags, ok = ev.Arg(event.ArgOpenFlags)
	return flags & 0xffffffff, mode, ok
}

// creates tells that an open with these flags may make a file.
func creates(flags uint64) bool {
	return flags&unix.O_CREAT != 0 || flags&unix.O_TMPFILE == unix.O_TMPFILE
}

// openTest makes a getter of a property of an open's flags and mode.
func openTest(test func(flags, mode uint64) bool) Getter {
	return func(ev *event.Event, _ Arg) event.Value {
		flags, mode, ok := openFlags(ev)
		if !ok {
			return event.Value{}
		}
		return event.Bool(test(flags, mode))
	}
}

func isOpenCreate(ev *event.Event) event.Value {
	flags, _, ok := openFlags(ev)
	if !ok {
		return event.Value{}
	}
	return event.Bool(creates(flags) && !ev.Failed())
}
