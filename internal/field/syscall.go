package field

import (
	"slices"
	"strings"
	"unsafe"

	"github.com/goshawk-security/goshawk/internal/event"
)

// Syscall returns the rows of the source syscall: every field that an event
// of package event can answer. Names and meanings are Falco's; where ours
// differ, Desc says so.
func Syscall() []Field {
	rows := slices.Concat(
		evtFields(),
		argFields(),
		procFields(),
		procIDFields(),
		lineageFields(),
		exeFields(),
		stdioFields(),
		threadFields(),
		userFields(),
		fdFields(),
		fdNameFields(),
		socketFields(),
		fsPathFields(),
		containerFields(),
		mountFields(),
		podFields(),
		ownerFields(),
		peerFields(),
		nameFields(),
		counterFields(),
		ioFields(),
		protoFields(),
		undeliveredFields(),
	)
	slices.SortStableFunc(rows, func(a, b Field) int { return a.class() - b.class() })
	return rows
}

// class is the place of a field's class in the catalogue.
func (f *Field) class() int {
	name, _, _ := strings.Cut(f.Name, ".")
	return slices.Index([]string{"evt", "syscall", "proc", "thread", "user", "group", "fd", "fdlist", "fs", "container", "k8s"}, name)
}

// group gives rows what they have in common: scope, source, what invalidates
// them, event types. What a row says itself stays.
func group(base Field, rows ...Field) []Field {
	for i := range rows {
		r := &rows[i]
		if r.Scope == 0 {
			r.Scope = base.Scope
		}
		if r.Source == "" {
			r.Source = base.Source
		}
		if r.Invalidates == "" {
			r.Invalidates = base.Invalidates
		}
		if r.Types == nil {
			r.Types = base.Types
		}
		if r.Since == "" {
			r.Since = oldestKernel
		}
	}
	return rows
}

// oldestKernel is what every field has that says nothing else.
const oldestKernel = "5.8"

// ofEvent makes a getter of a field without argument.
func ofEvent(get func(*event.Event) event.Value) Getter {
	return func(ev *event.Event, _ Arg) event.Value { return get(ev) }
}

// ofImage makes a getter that reads the image of the event's process.
func ofImage(get func(*event.Image) event.Value) Getter {
	return func(ev *event.Event, _ Arg) event.Value {
		if ev.Image == nil {
			return event.Value{}
		}
		return get(ev.Image)
	}
}

// borrow makes a string of bytes that live as long as the event does.
func borrow(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// The types that carry fields of one kind.
var (
	openTypes    = []event.Type{event.Open, event.Openat, event.Openat2, event.Creat}
	socketTypes  = []event.Type{event.Connect, event.Accept, event.Accept4, event.Bind, event.Listen, event.Dup, event.Dup2, event.Dup3}
	fdTypes      = slices.Concat(openTypes, socketTypes, []event.Type{event.Fchmod})
	fileTypes    = slices.Concat(openTypes, []event.Type{event.Dup, event.Dup2, event.Dup3, event.Fchmod})
	onePathTypes = slices.Concat(openTypes, []event.Type{event.Unlink, event.Unlinkat, event.Rmdir,
		event.Chmod, event.Fchmod, event.Fchmodat, event.Fchmodat2, event.Mkdir, event.Mkdirat})
	twoPathTypes = []event.Type{event.Rename, event.Renameat, event.Renameat2, event.Link, event.Linkat,
		event.Symlink, event.Symlinkat}
)

// typeSet is a set of event types.
type typeSet [event.TypeCount]bool

func setOf(types []event.Type) typeSet {
	var s typeSet
	for _, t := range types {
		s[t] = true
	}
	return s
}

func (s *typeSet) has(t event.Type) bool { return int(t) < len(s) && s[t] }
