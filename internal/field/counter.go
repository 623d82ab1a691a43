package field

import "github.com/goshawk-security/goshawk/internal/event"

// counterFields number and time the events, as the agent gets them.
func counterFields() []Field {
	counts := group(Field{Scope: PerEvent, Source: "agent"},
		Field{Name: "evt.num", Type: event.TypeUint, Get: ofEvent(func(ev *event.Event) event.Value { return event.Uint(ev.Num) }),
			Desc: "Number of the event, counted from 1 since the agent started."},
		Field{Name: "evt.reltime", Type: event.TypeDuration, Get: sinceFirst(event.Duration),
			Desc: "Nanoseconds since the agent's first event."},
		Field{Name: "evt.reltime.s", Type: event.TypeUint, Get: sinceFirst(seconds),
			Desc: "Whole seconds of evt.reltime."},
		Field{Name: "evt.reltime.ns", Type: event.TypeUint, Get: sinceFirst(nanoseconds),
			Desc: "Nanoseconds of evt.reltime within its second."},
		Field{Name: "evt.deltatime", Type: event.TypeDuration, Get: sinceLast(event.Duration),
			Desc: "Nanoseconds since the event that the agent got before this one; 0 if that happened later, on another processor."},
		Field{Name: "evt.deltatime.s", Type: event.TypeUint, Get: sinceLast(seconds),
			Desc: "Whole seconds of evt.deltatime."},
		Field{Name: "evt.deltatime.ns", Type: event.TypeUint, Get: sinceLast(nanoseconds),
			Desc: "Nanoseconds of evt.deltatime within its second."},
		Field{Name: "evt.hostname", Type: event.TypeString, Get: ofEvent(func(ev *event.Event) event.Value { return event.OptionalString(ev.Host) }),
			Desc: "Name of the node."},
		Field{Name: "evt.count", Type: event.TypeUint, Get: ofEvent(func(*event.Event) event.Value { return event.Uint(1) }),
			Desc: "Always 1, for those who count events by it."},
		Field{Name: "evt.count.error", Type: event.TypeUint, Get: countErrors(""),
			Desc: "1 if the call failed; absent otherwise."},
		Field{Name: "evt.count.error.file", Type: event.TypeUint, Get: countErrors("file"),
			Desc: "1 if a call on files failed; absent otherwise."},
		Field{Name: "evt.count.error.net", Type: event.TypeUint, Get: countErrors("net"),
			Desc: "1 if a call on the network failed; absent otherwise."},
		Field{Name: "evt.count.error.memory", Type: event.TypeUint, Get: countErrors("memory"),
			Desc: "1 if a call on memory failed; absent otherwise."},
		Field{Name: "evt.count.error.other", Type: event.TypeUint, Get: ofEvent(countOtherErrors),
			Desc: "1 if a call failed that is counted in none of the others; absent otherwise."},
		Field{Name: "evt.count.exit", Type: event.TypeUint, Get: ofEvent(func(*event.Event) event.Value { return event.Uint(1) }),
			Desc: "Always 1: every event is the end of its call."},
	)
	return counts
}

// sinceFirst makes a getter of the time since the agent's first event.
func sinceFirst(show func(uint64) event.Value) Getter {
	return elapsed(func(ev *event.Event) uint64 { return ev.First }, show)
}

// sinceLast makes a getter of the time since the event before.
func sinceLast(show func(uint64) event.Value) Getter {
	return elapsed(func(ev *event.Event) uint64 { return ev.Before }, show)
}

func seconds(ns uint64) event.Value     { return event.Uint(ns / 1e9) }
func nanoseconds(ns uint64) event.Value { return event.Uint(ns % 1e9) }

func elapsed(from func(*event.Event) uint64, show func(uint64) event.Value) Getter {
	return func(ev *event.Event, _ Arg) event.Value {
		start := from(ev)
		if start == 0 {
			return event.Value{}
		}
		if ev.Time < start {
			return show(0)
		}
		return show(ev.Time - start)
	}
}

// countErrors makes a getter that counts failed calls of a category, "" for all.
func countErrors(category string) Getter {
	return func(ev *event.Event, _ Arg) event.Value {
		if !ev.Failed() || category != "" && ev.Type.Info().Category != category {
			return event.Value{}
		}
		return event.Uint(1)
	}
}

func countOtherErrors(ev *event.Event) event.Value {
	if !ev.Failed() {
		return event.Value{}
	}
	switch ev.Type.Info().Category {
	case "file", "net", "memory":
		return event.Value{}
	}
	return event.Uint(1)
}

// ioFields say what a call does with a descriptor. Calls that read and write are
// not delivered yet, and none of the others does.
func ioFields() []Field {
	no := func(name, desc string) Field {
		return Field{Name: name, Type: event.TypeBool, OfType: true, Desc: desc, Get: ofEvent(func(*event.Event) event.Value { return event.Bool(false) })}
	}
	return group(Field{Scope: PerEvent, Source: "kernel"},
		no("evt.is_async", "True of events that are no call but come by themselves, from plugins."),
		no("evt.is_io", "True of calls that read from a descriptor or write to one; these are not delivered yet."),
		no("evt.is_io_read", "True of calls that read from a descriptor; these are not delivered yet."),
		no("evt.is_io_write", "True of calls that write to a descriptor; these are not delivered yet."),
		no("evt.is_wait", "True of calls that make the thread wait, such as sleep and select; these are not delivered yet."),
		no("evt.is_syslog", "True of writes to /dev/log; these are not delivered yet."),
		Field{Name: "evt.type.is", Type: event.TypeUint, Arg: RequiredKey, OfType: true, Get: typeIs,
			Desc: "1 if the event has the type that the argument names, 0 otherwise: evt.type.is.open."},
		Field{Name: "evt.info", Type: event.TypeString, Get: ofEvent(newParamTable().all),
			Desc: "The same as evt.args for the events that are delivered."},
		Field{Name: "evt.abspath", Type: event.TypeString, Path: true, Arg: OptionalKey, Get: absPath, Scope: PerName, Invalidates: "every event",
			Types: pathTypes(), Desc: "Path of the call joined with its directory; evt.abspath.src and evt.abspath.dst for calls with two paths."},
	)
}

// pathTypes are the types that name a file by a path.
func pathTypes() []event.Type {
	return append(append([]event.Type{}, onePathTypes...), twoPathTypes...)
}

func typeIs(ev *event.Event, arg Arg) event.Value {
	if info := ev.Type.Info(); info != nil && info.Name == arg.Name {
		return event.Uint(1)
	}
	return event.Uint(0)
}

func absPath(ev *event.Event, arg Arg) event.Value {
	switch {
	case !arg.Given || arg.Name == "src":
		return nameValue(ev.PathName())
	case arg.Name == "dst":
		return nameValue(ev.PathName2())
	}
	return event.Value{}
}
