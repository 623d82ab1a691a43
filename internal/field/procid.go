package field

import "github.com/goshawk-security/goshawk/internal/event"

// procIDFields are the numbers and times of a process.
func procIDFields() []Field {
	birth := group(Field{Scope: PerProcess, Invalidates: "nothing from birth to death", Source: "kernel at fork; /proc for older processes"},
		Field{Name: "proc.pid", Type: event.TypeInt, Get: ofEvent(func(ev *event.Event) event.Value { return event.Int(int64(ev.PID)) }),
			Desc: "Number of the process in the initial pid namespace."},
		Field{Name: "proc.vpid", Type: event.TypeInt, Get: ofImage(func(im *event.Image) event.Value { return number(im.VPID) }),
			Desc: "Number of the process in its own pid namespace."},
		Field{Name: "proc.pvpid", Type: event.TypeInt, Get: ofParent(func(im *event.Image) event.Value { return number(im.VPID) }),
			Desc: "proc.vpid of the process that created this one, in that one's pid namespace."},
	)
	now := group(Field{Scope: PerEvent, Source: "kernel"},
		// Not per process: they move when the wall clock is set.
		Field{Name: "proc.pid.ts", Type: event.TypeDuration, Get: ofEvent(procStart),
			Desc: "Time at which the process was born, in nanoseconds since the Unix epoch."},
		Field{Name: "proc.ppid.ts", Type: event.TypeDuration, Get: ofEvent(parentStart),
			Desc: "proc.pid.ts of the process that created this one."},
		Field{Name: "proc.ppid", Type: event.TypeInt, Get: ofEvent(procPPID),
			Desc: "Number of the parent now: of the reaper once the process that created this one has ended."},
		Field{Name: "proc.duration", Type: event.TypeDuration, Get: ofEvent(procDuration),
			Desc: "Nanoseconds from the birth of the process to the event."},
		Field{Name: "proc.ppid.duration", Type: event.TypeDuration, Get: ofEvent(parentDuration),
			Desc: "Nanoseconds from the birth of the process that created this one to the event."},
	)
	return append(append(birth, now...), procGroupFields()...)
}

// procGroupFields are the session, the process group and the terminal.
func procGroupFields() []Field {
	return group(Field{Scope: PerImage, Invalidates: "exec; the values are those of the last exec or fork and do not follow setsid and setpgid",
		Source: "kernel at exec and fork; /proc for processes older than the agent"},
		Field{Name: "proc.tty", Type: event.TypeUint, Get: ofImage(func(im *event.Image) event.Value { return event.Uint(uint64(im.TTY)) }),
			Desc: "Device number of the controlling terminal, 0 if there is none."},
		Field{Name: "proc.sid", Type: event.TypeInt, Get: ofImage(func(im *event.Image) event.Value { return number(im.SID) }),
			Desc: "Number of the session: the pid of its leader in the initial pid namespace."},
		Field{Name: "proc.pgid", Type: event.TypeInt, Get: ofImage(func(im *event.Image) event.Value { return number(im.PGID) }),
			Desc: "Number of the process group: the pid of its leader in the initial pid namespace."},
		Field{Name: "proc.vpgid", Type: event.TypeInt, Get: ofImage(func(im *event.Image) event.Value { return number(im.VPGID) }),
			Desc: "Number of the process group in the process's own pid namespace."},
		Field{Name: "proc.is_sid_leader", Type: event.TypeBool, Get: ofImage(func(im *event.Image) event.Value { return leads(im.SID, im.PID) }),
			Desc: "True if the process leads its session."},
		Field{Name: "proc.is_pgid_leader", Type: event.TypeBool, Get: ofImage(func(im *event.Image) event.Value { return leads(im.PGID, im.PID) }),
			Desc: "True if the process leads its process group."},
		Field{Name: "proc.is_vpgid_leader", Type: event.TypeBool, Get: ofImage(func(im *event.Image) event.Value { return leads(im.VPGID, im.VPID) }),
			Desc: "True if the process leads its process group, judged in its own pid namespace."},
	)
}

// number makes a value of an id for which 0 means unknown.
func number(n uint32) event.Value {
	if n == 0 {
		return event.Value{}
	}
	return event.Int(int64(n))
}

// leads tells that a process leads a session or group.
func leads(id, pid uint32) event.Value {
	if id == 0 {
		return event.Value{}
	}
	return event.Bool(id == pid)
}

// parentPID is the number of the parent now, 0 if it is not known.
func parentPID(ev *event.Event) int64 {
	switch {
	case ev.Process != nil && ev.Process.ParentPID != 0:
		return int64(ev.Process.ParentPID)
	case ev.Image != nil && ev.Image.Parent != nil:
		return int64(ev.Image.Parent.PID)
	}
	return 0
}

func procPPID(ev *event.Event) event.Value { return number(uint32(parentPID(ev))) }

func procStart(ev *event.Event) event.Value {
	if ev.Start == 0 {
		return event.Value{}
	}
	return event.Duration(uint64(int64(ev.Start) + ev.BootOffset))
}

// parentBirth is the creator's birth in CLOCK_BOOTTIME.
func parentBirth(ev *event.Event) (uint64, bool) {
	if ev.Image == nil || ev.Image.Parent == nil || ev.Image.Parent.Start == 0 {
		return 0, false
	}
	return ev.Image.Parent.Start, true
}

func parentStart(ev *event.Event) event.Value {
	if start, ok := parentBirth(ev); ok {
		return event.Duration(uint64(int64(start) + ev.BootOffset))
	}
	return event.Value{}
}

func procDuration(ev *event.Event) event.Value { return since(ev.Start, ev.Time) }

func parentDuration(ev *event.Event) event.Value {
	start, _ := parentBirth(ev)
	return since(start, ev.Time)
}

// since is the time between two instants, absent if the first is not known.
func since(start, end uint64) event.Value {
	if start == 0 || start > end {
		return event.Value{}
	}
	return event.Duration(end - start)
}
