package field

import (
	"sync/atomic"

	"github.com/goshawk-security/goshawk/internal/event"
)

// stdioFields are what a program found at descriptors 0, 1 and 2.
func stdioFields() []Field {
	var rows []Field
	for i, name := range []string{"stdin", "stdout", "stderr"} {
		rows = append(rows, group(Field{Scope: PerImage, Invalidates: "exec; the value is that of the last exec and does not follow dup2",
			Source: "kernel at exec; /proc for processes older than the agent"},
			Field{Name: "proc." + name + ".type", Type: event.TypeString,
				Get:  ofImage(func(im *event.Image) event.Value { return event.OptionalString(stdioKind(&im.Stdio[i]).word) }),
				Desc: "Kind of the program's " + name + " when it started, in the words of fd.type: a terminal is a file."},
			Field{Name: "proc." + name + ".name", Type: event.TypeString, Path: true,
				Get: func(ev *event.Event, _ Arg) event.Value {
					if ev.Image == nil {
						return event.Value{}
					}
					return stdioName(ev, &ev.Image.Stdio[i])
				},
				Desc: "Name of the program's " + name + " when it started: a path, or the two ends of a connection."},
			Field{Name: "proc.p" + name + ".type", Type: event.TypeString,
				Get:  ofParent(func(im *event.Image) event.Value { return event.OptionalString(stdioKind(&im.Stdio[i]).word) }),
				Desc: "proc." + name + ".type of the process that created this one: whether a program inherited its " + name + "."},
		)...)
	}
	return append(rows, group(Field{Scope: PerImage, Invalidates: "exec; the value is that of the last exec and does not follow dup2",
		Source: "kernel at exec; /proc for processes older than the agent"},
		Field{Name: "fd.types", Type: event.TypeList, Arg: OptionalKey, Get: fdTypesGetter(),
			Desc: "Kinds of the program's stdin, stdout and stderr when it started, in the words of fd.type; with a number 0 to 2, that one alone. Falco has every descriptor of the process."})...)
}

// stdioKind names the kind of one of the three descriptors.
func stdioKind(s *event.Stdio) fdKind { return kindOf(s.Kind, s.Socket.Family, s.Name) }

func stdioName(ev *event.Event, s *event.Stdio) event.Value {
	if s.Name == "" && s.Socket.Family != event.FamilyNone {
		return event.OptionalString(ev.Scratch(s.Socket.AppendName))
	}
	return event.OptionalString(s.Name)
}

// fdTypesGetter makes a getter that remembers the lists it made: there are few
// combinations, and an event must not allocate.
func fdTypesGetter() Getter {
	const base = 20        // one more than there are words
	var words [base]string // by number, 0 for none
	number := map[string]int{}
	for _, k := range []fdKind{kindFile, kindDirectory, kindPipe, kindIPv4, kindIPv6, kindUnix, kindNetlink, kindSocket, kindMemfd, kindAnon} {
		number[k.word] = len(number) + 1
		words[number[k.word]] = k.word
	}
	for _, k := range anonKinds {
		number[k.kind.word] = len(number) + 1
		words[number[k.kind.word]] = k.kind.word
	}
	var lists [base * base * base]atomic.Pointer[[]string]
	return func(ev *event.Event, arg Arg) event.Value {
		im := ev.Image
		if im == nil {
			return event.Value{}
		}
		key, scale := 0, 1
		for i := range im.Stdio {
			if only, ok := position(arg.Name); arg.Given && (!ok || only != i) {
				continue
			}
			if n := number[stdioKind(&im.Stdio[i]).word]; n != 0 {
				key += n * scale
				scale *= base
			}
		}
		if key == 0 {
			return event.Value{}
		}
		if l := lists[key].Load(); l != nil {
			return event.List(*l)
		}
		var list []string
		for rest := key; rest > 0; rest /= base {
			list = append(list, words[rest%base])
		}
		lists[key].Store(&list)
		return event.List(list)
	}
}
