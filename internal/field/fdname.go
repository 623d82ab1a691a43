package field

import (
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

// fdNameFields are the names of what stands behind a descriptor. They exist for
// calls that use a descriptor or make one, and for those that would have made
// one, had they not failed.
func fdNameFields() []Field {
	carried := setOf(fdTypes)
	name := func(get func(*event.Event, event.Name) event.Value) Getter {
		return func(ev *event.Event, _ Arg) event.Value {
			if !carried.has(ev.Type) {
				return event.Value{}
			}
			return get(ev, ev.Name())
		}
	}
	rows := group(Field{Scope: PerName, Source: "kernel", Types: fdTypes, Invalidates: "every event"},
		Field{Name: "fd.name", Type: event.TypeString, Path: true,
			Get:  name(func(_ *event.Event, n event.Name) event.Value { return nameValue(n) }),
			Desc: "Path of the file, client:port->server:port of a connection, or path of a unix socket; a file has up to three names and a rule fires if it is true for any one."},
		Field{Name: "fd.name.provenance", Type: event.TypeString,
			Get: name(func(_ *event.Event, n event.Name) event.Value {
				return event.OptionalString(n.Provenance.String())
			}),
			Desc: "Where fd.name comes from: kernel, dir+given (the kernel's directory and the caller's string), late (the kernel's view afterwards: links in the directory followed), given (the caller's string), unreadable."},
		Field{Name: "fd.name.form", Type: event.TypeString, Get: name(nameForm),
			Desc: "Which name of the file fd.name is: resolved (in the mount namespace), origin (in the file system behind a bind mount), given (the caller's string)."},
	)
	rows = append(rows, group(Field{Scope: PerName, Source: "kernel", Types: fileTypes, Invalidates: "every event"},
		Field{Name: "fd.directory", Type: event.TypeString, Path: true, Get: name(fdDirectory),
			Desc: "Directory that holds the file; fd.name itself for a directory."},
		Field{Name: "fd.filename", Type: event.TypeString, Get: name(fdFilename),
			Desc: "Name of the file without its directory; absent for a directory."},
	)...)
	return append(rows, group(Field{Scope: PerEvent, Source: "caller's memory", Types: openTypes},
		Field{Name: "fd.nameraw", Type: event.TypeString,
			Get: func(ev *event.Event, _ Arg) event.Value {
				if !carried.has(ev.Type) {
					return event.Value{}
				}
				return given(&ev.Path)
			},
			Desc: "Path as the caller passed it."})...)
}

// nameValue makes a value of a name.
func nameValue(n event.Name) event.Value {
	switch n.Provenance {
	case event.NoName:
		return event.Value{}
	case event.Unread:
		return event.Missing(event.Unreadable)
	}
	return event.String(n.Text)
}

// given makes a value of a path as the caller passed it.
func given(p *event.Path) event.Value {
	switch {
	case p.GivenUnread:
		return event.Missing(event.Unreadable)
	case p.HasGiven:
		return event.String(borrow(p.Given))
	}
	return event.Value{}
}

func nameForm(_ *event.Event, n event.Name) event.Value {
	if n.Provenance == event.NoName {
		return event.Value{}
	}
	return event.String(FormText(n.Form))
}

// FormText is the value of fd.name.form.
func FormText(f event.Form) string {
	switch f {
	case event.Origin:
		return "origin"
	case event.GivenForm:
		return "given"
	}
	return "resolved"
}

func fdDirectory(ev *event.Event, n event.Name) event.Value {
	v := nameValue(n)
	if !v.IsPresent() {
		return v
	}
	switch eventKind(ev) {
	case kindDirectory:
		return v
	case kindFile:
		switch i := strings.LastIndexByte(n.Text, '/'); i {
		case -1:
			return event.Value{}
		case 0:
			return event.String("/")
		default:
			return event.String(n.Text[:i])
		}
	}
	return event.Value{}
}

func fdFilename(ev *event.Event, n event.Name) event.Value {
	v := nameValue(n)
	if eventKind(ev) != kindFile {
		return event.Value{}
	}
	if !v.IsPresent() {
		return v
	}
	return event.String(n.Text[strings.LastIndexByte(n.Text, '/')+1:])
}
