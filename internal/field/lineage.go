package field

import (
	"strconv"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

// lineageFields ask for ancestors and for the leaders of session and group.
func lineageFields() []Field {
	rows := group(Field{Scope: PerImage, Invalidates: "nothing for ancestors, which stay as they were at the fork; exec for index 0",
		Source: "process table"},
		ancestors("proc.aname", procName, "proc.name"),
		ancestors("proc.aexe", procExe, "proc.exe"),
		ancestors("proc.aexepath", procExePath, "proc.exepath"),
		ancestors("proc.acmdline", procCmdLine, "proc.cmdline"),
		ancestors("proc.aargs", func(im *event.Image) event.Value { return event.OptionalString(argsOf(im)) }, "proc.args"),
		Field{Name: "proc.aenv", Type: event.TypeString, Arg: OptionalKey, Get: ancestorEnv, Needs: NeedEnviron,
			Desc: "proc.env of the N-th ancestor, the parent being 1; with a name, that variable of the nearest ancestor that has it; without an argument, the parent's."},
		Field{Name: "proc.apid", Type: event.TypeInt, Arg: OptionalIndex, First: 1, Get: ancestorPID,
			Desc: "proc.pid of the N-th ancestor, the parent being 1 and the process itself 0; without a number, of any ancestor."},
	)
	rows[2].Path = true
	session := func(im *event.Image) uint32 { return im.SID }
	pgrp := func(im *event.Image) uint32 { return im.PGID }
	vpgrp := func(im *event.Image) uint32 { return im.VPGID }
	return append(rows, group(Field{Scope: PerImage, Invalidates: "exec", Source: "process table"},
		leader("proc.sname", session, procName, "Name", "session"),
		leader("proc.sid.exe", session, procExe, "proc.exe", "session"),
		leader("proc.sid.exepath", session, procExePath, "proc.exepath", "session"),
		leader("proc.pgid.name", pgrp, procName, "Name", "process group"),
		leader("proc.pgid.exe", pgrp, procExe, "proc.exe", "process group"),
		leader("proc.pgid.exepath", pgrp, procExePath, "proc.exepath", "process group"),
		leader("proc.vpgid.name", vpgrp, procName, "Name", "process group (numbers of its own pid namespace)"),
		leader("proc.vpgid.exe", vpgrp, procExe, "proc.exe", "process group (numbers of its own pid namespace)"),
		leader("proc.vpgid.exepath", vpgrp, procExePath, "proc.exepath", "process group (numbers of its own pid namespace)"),
		Field{Name: "proc.loginshellid", Type: event.TypeInt, Get: ofImage(loginShell),
			Desc: "proc.pid of the oldest shell among the process and its ancestors: one whose name ends in sh."},
	)...)
}

// ancestors makes the row of a text of any ancestor. An ancestor that exists
// without having the text is unreadable, not absent: absent ends the search.
func ancestors(name string, get func(*event.Image) event.Value, what string) Field {
	one := func(im *event.Image) event.Value {
		if v := get(im); v.IsPresent() {
			return v
		}
		return event.Missing(event.Unreadable)
	}
	return Field{Name: name, Type: event.TypeString, Arg: OptionalIndex, First: 1,
		Get: func(ev *event.Event, arg Arg) event.Value {
			if arg.Given {
				if im := ancestor(ev, arg.Index); im != nil {
					return one(im)
				}
				return event.Value{}
			}
			return allAncestors(ev, func(b []byte, im *event.Image) []byte { return append(b, one(im).Str()...) })
		},
		Desc: what + " of the N-th ancestor, the parent being 1 and the process itself 0; without a number a comparison is true if it is for any ancestor, and the output has all of them, parent first."}
}

// ancestor returns the n-th ancestor of the event's process, nil if none.
func ancestor(ev *event.Event, n int) *event.Image {
	if ev.Image == nil || n < 0 {
		return nil
	}
	return ev.Image.Ancestor(n)
}

// allAncestors joins what add writes of each ancestor, parent first.
func allAncestors(ev *event.Event, add func([]byte, *event.Image) []byte) event.Value {
	if ancestor(ev, 1) == nil {
		return event.Value{}
	}
	return event.String(ev.Scratch(func(b []byte) []byte {
		n := 0
		for im := ev.Image.Parent; im != nil && n < event.MaxLineage; im = im.Parent {
			if n++; n > 1 {
				b = append(b, "<-"...)
			}
			b = add(b, im)
		}
		return b
	}))
}

func ancestorPID(ev *event.Event, arg Arg) event.Value {
	if !arg.Given {
		return allAncestors(ev, func(b []byte, im *event.Image) []byte { return strconv.AppendUint(b, uint64(im.PID), 10) })
	}
	if im := ancestor(ev, arg.Index); im != nil {
		return event.Int(int64(im.PID))
	}
	return event.Value{}
}

// leader makes the row of a text of the leader of a session or group: the
// ancestor with that number, or the eldest that is in it.
func leader(name string, id func(*event.Image) uint32, get func(*event.Image) event.Value, what, of string) Field {
	return Field{Name: name, Type: event.TypeString, Path: strings.HasSuffix(name, "exepath"),
		Get: ofImage(func(im *event.Image) event.Value {
			want := id(im)
			if want == 0 {
				return event.Value{}
			}
			eldest := im
			for n := 0; n < event.MaxLineage && eldest.Parent != nil && id(eldest.Parent) == want; n++ {
				eldest = eldest.Parent
			}
			return get(eldest)
		}),
		Desc: what + " of the leader of the " + of + ", or of the eldest ancestor that is in it."}
}

// loginShell is the oldest ancestor that is a shell.
func loginShell(im *event.Image) event.Value {
	var v event.Value
	for n := 0; im != nil && n < event.MaxLineage; n++ {
		if strings.HasSuffix(im.Comm, "sh") {
			v = event.Int(int64(im.PID))
		}
		im = im.Parent
	}
	return v
}

// argsOf are the arguments of an image as they end its command line.
func argsOf(im *event.Image) string {
	rest, ok := strings.CutPrefix(im.CmdLine, im.Comm+" ")
	if !ok {
		return ""
	}
	return rest
}

func ancestorEnv(ev *event.Event, arg Arg) event.Value {
	n := 1
	if i, ok := position(arg.Name); ok && arg.Given {
		n = i
	}
	im := ancestor(ev, n)
	if _, ok := position(arg.Name); ok || !arg.Given {
		if im == nil || im.Env == "" {
			return event.Value{}
		}
		return event.String(ev.Scratch(func(b []byte) []byte { return im.Env.AppendJoined(b) }))
	}
	for ; im != nil && n < event.MaxLineage; n++ {
		if v := variable(im, arg.Name); v.IsPresent() {
			return v
		}
		im = im.Parent
	}
	return event.Value{}
}
