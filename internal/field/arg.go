package field

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/event"
)

// argFields are the parameters of the call.
func argFields() []Field {
	params := newParamTable()
	return group(Field{Scope: PerEvent, Source: "kernel"},
		Field{Name: "evt.args", Type: event.TypeString, Get: ofEvent(params.all),
			Desc: "All parameters of the event as name=value, in Falco's order, joined by blanks."},
		Field{Name: "evt.arg", Type: event.TypeString, Arg: RequiredKey, Get: params.one,
			Desc: "One parameter by name or position, as text: evt.arg.flags or evt.arg[flags]; flags and errors by name, paths joined with their directory, modes in octal (by name for chmod)."},
		Field{Name: "evt.rawarg", Type: event.TypeInt, Arg: RequiredKey, Get: params.raw,
			Desc: "One parameter of the event as the number that the kernel has; absent for parameters that are not numbers."},
	)
}

// paramTable has Falco's parameters of each type, in order. What is neither the
// result nor an argument of the call (event.Info) is made by param.
type paramTable [event.TypeCount][]string

// newParamTable makes the table. Types that are not listed have the call's own
// order: the result, then the arguments.
func newParamTable() *paramTable {
	exec := []string{"res", "exe", "args", "tid", "pid", "ptid", "cwd", "comm", "cgroups", "env", "tty", "vpgid",
		"loginuid", "flags", "cap_inheritable", "cap_permitted", "cap_effective", "exe_ino", "exe_ino_ctime",
		"exe_ino_mtime", "uid", "trusted_exepath", "pgid", "gid", "filename"}
	born := []string{"res", "exe", "args", "tid", "pid", "ptid", "cwd", "comm", "cgroups", "flags", "uid", "gid", "vpid"}
	t := &paramTable{
		event.Open:    {"fd", "name", "flags", "mode", "dev", "ino"},
		event.Openat:  {"fd", "dirfd", "name", "flags", "mode", "dev", "ino"},
		event.Openat2: {"fd", "dirfd", "name", "flags", "mode", "resolve", "dev", "ino"},
		event.Creat:   {"fd", "name", "mode", "dev", "ino"},
		event.Connect: {"res", "tuple", "fd", "addr"},
		event.Bind:    {"res", "addr", "fd"},
		event.Accept:  {"fd", "tuple"},
		event.Accept4: {"fd", "tuple", "flags"},
		event.Execve:  exec, event.Execveat: exec,
		event.Fork: born, event.Vfork: born, event.Clone: born, event.Clone3: born,
		event.ProcExit: {"status", "ret", "sig", "core"},
	}
	for i := range t {
		info := event.Type(i).Info()
		if t[i] != nil || info == nil || !info.Matchable {
			continue
		}
		t[i] = []string{"res"}
		for _, a := range info.Args {
			if a.Name != "" {
				t[i] = append(t[i], a.Name)
			}
		}
	}
	return t
}

// of returns the parameters of a type; none for one that is not a type.
func (p *paramTable) of(t event.Type) []string {
	if int(t) >= len(p) {
		return nil
	}
	return p[t]
}

// all writes all parameters.
func (p *paramTable) all(ev *event.Event) event.Value {
	names := p.of(ev.Type)
	if names == nil {
		return event.Value{}
	}
	// The values go into the same buffer: they are made before the line.
	var values [32]event.Value
	for i, name := range names {
		values[i] = param(ev, name)
	}
	return event.String(ev.Scratch(func(b []byte) []byte {
		start := len(b)
		for i, name := range names {
			if !values[i].IsPresent() {
				continue
			}
			if len(b) > start {
				b = append(b, ' ')
			}
			b = append(b, name...)
			b = append(b, '=')
			b = append(b, values[i].Str()...)
		}
		return b
	}))
}

// one reads one parameter by name or position.
func (p *paramTable) one(ev *event.Event, arg Arg) event.Value {
	names := p.of(ev.Type)
	if i, ok := position(arg.Name); ok {
		if i < len(names) {
			return param(ev, names[i])
		}
		return event.Value{}
	}
	for _, name := range names {
		if name == arg.Name {
			return param(ev, name)
		}
	}
	return event.Value{}
}

// position reads a small decimal number.
func position(s string) (int, bool) {
	if s == "" || len(s) > 6 {
		return 0, false
	}
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// param makes the text of a parameter.
func param(ev *event.Event, name string) event.Value {
	switch name {
	case "res":
		return resultText(ev)
	case "fd":
		if ev.Type.Info().Find("fd") < 0 { // the descriptor that the call made
			return resultText(ev)
		}
	case "tuple":
		if ev.Socket.Family == event.FamilyNone {
			return event.Value{}
		}
		return event.String(ev.Scratch(ev.Socket.AppendName))
	case "dev":
		return hexadecimal(ev, uint64(ev.File.Dev), ev.File.Kind != event.FileNone)
	case "ino":
		return decimal(ev, int64(ev.File.Ino), ev.File.Kind != event.FileNone)
	}
	switch ev.Type {
	case event.Execve, event.Execveat, event.Fork, event.Vfork, event.Clone, event.Clone3:
		if v, ok := taskParam(ev, name); ok {
			return v
		}
	case event.ProcExit:
		return exitParam(ev, name)
	}
	i := ev.Type.Info().Find(name)
	if i < 0 {
		return event.Value{}
	}
	return callParam(ev, ev.Type.Info().Args[i].Kind, ev.Args[i])
}

// resultText writes a result as Falco does: a number, or an error by name.
func resultText(ev *event.Event) event.Value {
	res, ok := result(ev)
	switch {
	case !ok:
		return event.Value{}
	case ev.Failed():
		return event.String(errnoName(ev, res))
	}
	return decimal(ev, res, true)
}

// callParam writes a register by its kind.
func callParam(ev *event.Event, kind event.ArgKind, v uint64) event.Value {
	switch kind {
	case event.ArgInt, event.ArgFD:
		return decimal(ev, int64(int32(v)), true)
	case event.ArgDirFD:
		if int32(v) == unix.AT_FDCWD {
			return event.String("AT_FDCWD")
		}
		return decimal(ev, int64(int32(v)), true)
	case event.ArgPath, event.ArgUnresolved:
		return nameValue(ev.GivenName())
	case event.ArgPath2:
		return nameValue(ev.Name2())
	case event.ArgOpenFlags:
		return event.String(ev.Scratch(func(b []byte) []byte { return appendOpenFlags(b, v, &ev.File) }))
	case event.ArgMode:
		if strings.Contains(ev.Type.String(), "chmod") {
			return event.String(ev.Scratch(func(b []byte) []byte { return appendFlags(b, v&0o7777, modeBits) }))
		}
		return event.String(ev.Scratch(func(b []byte) []byte { return appendOctal(b, v&0xffffffff) }))
	case event.ArgFlags:
		if names := callBits(ev.Type); names != nil {
			return event.String(ev.Scratch(func(b []byte) []byte { return appendFlags(b, v, names) }))
		}
		return decimal(ev, int64(v), true)
	case event.ArgSockaddr:
		return sockaddr(ev)
	}
	return event.Value{}
}

// sockaddr writes the address that the call names: the far one of a connect,
// the near one of a bind.
func sockaddr(ev *event.Event) event.Value {
	s := &ev.Socket
	if s.Family == event.FamilyUnix {
		return event.OptionalString(s.Path)
	}
	a := s.Remote
	if ev.Type == event.Bind {
		a = s.Local
	}
	if !a.IsValid() {
		return event.Value{}
	}
	return event.String(ev.Scratch(func(b []byte) []byte {
		b = a.Addr().Unmap().AppendTo(b)
		b = append(b, ':')
		return strconv.AppendUint(b, uint64(a.Port()), 10)
	}))
}

// decimal writes a number, absent unless ok.
func decimal(ev *event.Event, n int64, ok bool) event.Value {
	if !ok {
		return event.Value{}
	}
	return event.String(ev.Scratch(func(b []byte) []byte { return strconv.AppendInt(b, n, 10) }))
}

func hexadecimal(ev *event.Event, n uint64, ok bool) event.Value {
	if !ok {
		return event.Value{}
	}
	return event.String(ev.Scratch(func(b []byte) []byte { return strconv.AppendUint(append(b, "0x"...), n, 16) }))
}

// raw reads one parameter as a number.
func (p *paramTable) raw(ev *event.Event, arg Arg) event.Value {
	info := ev.Type.Info()
	if info == nil {
		return event.Value{}
	}
	if i := info.Find(arg.Name); i >= 0 {
		switch info.Args[i].Kind {
		case event.ArgInt, event.ArgFD, event.ArgDirFD:
			return event.Int(int64(int32(ev.Args[i])))
		case event.ArgOpenFlags, event.ArgMode:
			return event.Int(int64(ev.Args[i] & 0xffffffff))
		case event.ArgFlags:
			return event.Int(int64(ev.Args[i]))
		}
		return event.Value{}
	}
	switch arg.Name {
	case "res", "fd":
		for _, name := range p.of(ev.Type) {
			if name == arg.Name {
				return evtRawRes(ev)
			}
		}
	case "dev":
		if ev.File.Kind != event.FileNone {
			return event.Int(int64(ev.File.Dev))
		}
	case "ino":
		if ev.File.Kind != event.FileNone {
			return event.Int(int64(ev.File.Ino))
		}
	}
	return event.Value{}
}
