package field

import (
	"slices"

	"github.com/goshawk-security/goshawk/internal/event"
)

// fsPathFields are the paths of calls on files. Calls with one path have name,
// calls with two have source and target, in Falco's sense: source is what a
// rename moves away and what link and symlink make, target is where a rename
// moves it and what link and symlink point to.
func fsPathFields() []Field {
	one, two := setOf(onePathTypes), setOf(twoPathTypes)
	get := func(types typeSet, read func(*event.Event) event.Value) Getter {
		return func(ev *event.Event, _ Arg) event.Value {
			if !types.has(ev.Type) {
				return event.Value{}
			}
			return read(ev)
		}
	}
	rows := group(Field{Scope: PerName, Source: "kernel", Types: onePathTypes, Invalidates: "every event"},
		Field{Name: "fs.path.name", Type: event.TypeString, Path: true,
			Get:  get(one, func(ev *event.Event) event.Value { return nameValue(ev.Name()) }),
			Desc: "Path of the file that a call with one path is about, absolute where the directory is known; also of calls that failed, where Falco has none."})
	rows = append(rows, group(Field{Scope: PerEvent, Source: "caller's memory", Types: onePathTypes},
		Field{Name: "fs.path.nameraw", Type: event.TypeString,
			Get:  get(one, func(ev *event.Event) event.Value { return given(&ev.Path) }),
			Desc: "Path of a call with one path as the caller passed it."})...)
	either := append(slices.Clone(onePathTypes), twoPathTypes...)
	rows = append(rows, group(Field{Scope: PerName, Source: "kernel and caller's memory", Types: either, Invalidates: "every event"},
		Field{Name: "fs.path.changed", Type: event.TypeString, Path: true, Get: get(setOf(either), fsPathChanged),
			Desc: "Path at which a call leaves a change: fs.path.name of a call with one path, the new name of a rename, what link and symlink make. It saves a rule from asking for each of them."})...)
	rows = append(rows, group(Field{Scope: PerName, Source: "kernel and caller's memory", Types: twoPathTypes, Invalidates: "every event"},
		Field{Name: "fs.path.source", Type: event.TypeString, Path: true,
			Get:  get(two, func(ev *event.Event) event.Value { return fsPath(ev, makesNew(ev.Type)) }),
			Desc: "Old name of a rename, or the new name that link and symlink make, absolute where the directory is known."},
		Field{Name: "fs.path.target", Type: event.TypeString, Path: true,
			Get:  get(two, func(ev *event.Event) event.Value { return fsPath(ev, !makesNew(ev.Type)) }),
			Desc: "New name of a rename, or what link and symlink point to, absolute where the directory is known."},
	)...)
	return append(rows, group(Field{Scope: PerEvent, Source: "kernel and caller's memory", Types: twoPathTypes},
		Field{Name: "fs.path.sourceraw", Type: event.TypeString,
			Get:  get(two, func(ev *event.Event) event.Value { return fsRaw(ev, makesNew(ev.Type)) }),
			Desc: "fs.path.source as the caller passed it."},
		Field{Name: "fs.path.targetraw", Type: event.TypeString,
			Get:  get(two, func(ev *event.Event) event.Value { return fsRaw(ev, !makesNew(ev.Type)) }),
			Desc: "fs.path.target as the caller passed it."},
	)...)
}

// fsPathChanged is the second name of a call that has two: in the order of the
// arguments the file that is there comes first, its new name last.
func fsPathChanged(ev *event.Event) event.Value {
	if v := nameValue(ev.PathName2()); v.Presence() != event.Absent {
		return v
	}
	return nameValue(ev.Name())
}

// makesNew tells link and symlink from rename.
func makesNew(t event.Type) bool {
	switch t {
	case event.Link, event.Linkat, event.Symlink, event.Symlinkat:
		return true
	}
	return false
}

// fsPath is the first or the second path's name of the pair that is selected.
func fsPath(ev *event.Event, second bool) event.Value {
	if second {
		return nameValue(ev.PathName2())
	}
	return nameValue(ev.PathName())
}

func fsRaw(ev *event.Event, second bool) event.Value {
	if second {
		return given(&ev.Path2)
	}
	return given(&ev.Path)
}
