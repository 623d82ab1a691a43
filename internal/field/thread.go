package field

import "github.com/goshawk-security/goshawk/internal/event"

// threadFields are the thread that made the call.
func threadFields() []Field {
	rows := group(Field{Scope: PerEvent, Source: "kernel"},
		Field{Name: "thread.tid", Type: event.TypeInt, Get: ofEvent(func(ev *event.Event) event.Value { return event.Int(int64(ev.TID)) }),
			Desc: "Number of the thread in the initial pid namespace."},
		Field{Name: "thread.ismain", Type: event.TypeBool, Get: ofEvent(func(ev *event.Event) event.Value { return event.Bool(ev.TID == ev.PID) }),
			Desc: "True if the thread leads its process."},
		Field{Name: "thread.vtid", Type: event.TypeInt, Get: ofEvent(threadVTID),
			Desc: "Number of the thread in its own pid namespace; known for the thread that leads its process."},
	)
	const scope = "exec, setuid and capset families; the value is that of the last exec or fork"
	return append(rows, group(Field{Scope: PerThread, Invalidates: scope, Source: "kernel at exec and fork; /proc for older processes"},
		capField("thread.cap_permitted", "permitted", func(c *event.Creds) uint64 { return c.CapPermitted }),
		capField("thread.cap_inheritable", "inheritable", func(c *event.Creds) uint64 { return c.CapInheritable }),
		capField("thread.cap_effective", "effective", func(c *event.Creds) uint64 { return c.CapEffective }),
		Field{Name: "thread.cgroups", Type: event.TypeString, Invalidates: "exec and moves between cgroups; the value is that of the last exec or fork",
			Get:  ofImage(func(im *event.Image) event.Value { return event.OptionalString(im.CgroupPath) }),
			Desc: "Path of the process's cgroup; Falco lists one for each controller."},
	)...)
}

// capField makes the row of a capability set.
func capField(name, what string, set func(*event.Creds) uint64) Field {
	return Field{Name: name, Type: event.TypeString,
		Get: func(ev *event.Event, _ Arg) event.Value {
			if ev.Image == nil {
				return event.Value{}
			}
			return capText(ev, set(&ev.Image.Creds))
		},
		Desc: "Names of the " + what + " capabilities of the process, joined by blanks."}
}

// capText writes a capability set.
func capText(ev *event.Event, set uint64) event.Value {
	return event.String(ev.Scratch(func(b []byte) []byte { return appendCaps(b, set) }))
}

func threadVTID(ev *event.Event) event.Value {
	if ev.TID != ev.PID || ev.Image == nil {
		return event.Value{}
	}
	return number(ev.Image.VPID)
}
