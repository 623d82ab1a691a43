package transform

import (
	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
)

// options are the letters that getopt(3) takes, and which of them have a value.
type options struct {
	known, valued [256]bool
}

func readOptions(letters string) options {
	var o options
	for i := 0; i < len(letters); i++ {
		c := letters[i]
		if c == ':' {
			continue
		}
		o.known[c] = true
		if i+1 < len(letters) && letters[i+1] == ':' {
			o.valued[c] = true
		}
	}
	return o
}

// optionsOf gives the options of an event; if there are none, the value that
// says why.
type optionsOf func(*event.Event, field.Arg) (*options, event.Value)

// getoptGetter makes the getter of getopt; the letters are usually a literal and
// read once.
func getoptGetter(arg field.Arg, args []Operand) (field.Getter, event.ValueType, int) {
	switch {
	case len(args) != 2:
		return nil, 0, -1
	case !args[0].many():
		return nil, 0, 0
	case !args[1].isText():
		return nil, 0, 1
	}
	letters := args[1].read()
	opts := func(ev *event.Event, outer field.Arg) (*options, event.Value) {
		v := letters(ev, outer)
		if !v.IsPresent() {
			return nil, v
		}
		o := readOptions(v.Str())
		return &o, v
	}
	if args[1].Ref == nil {
		known := readOptions(args[1].Text)
		opts = func(*event.Event, field.Arg) (*options, event.Value) { return &known, event.Value{} }
	}
	if arg.Given {
		return optionGetter(listOf(args[:1]), opts, arg.Name[0]), event.TypeString, 0
	}
	return optionsGetter(listOf(args[:1]), opts), event.TypeList, 0
}

// optionGetter makes the getter of one option: its value, or its letter if it
// takes none. The last one counts.
func optionGetter(args listing, opts optionsOf, letter byte) field.Getter {
	return func(ev *event.Event, outer field.Arg) event.Value {
		o, v := opts(ev, outer)
		if o == nil {
			return v
		}
		var room [maxOperands]string
		words, v := args.read(ev, outer, room[:0])
		if !v.IsPresent() {
			return v
		}
		found := event.Value{}
		for s, ok := (scan{opts: o}).next(words); ok; s, ok = s.next(words) {
			switch {
			case s.letter != letter || s.unknown:
			case s.valued:
				found = event.String(s.value.in(words))
			default:
				found = event.String(s.name.in(words))
			}
		}
		return found
	}
}

// optionsGetter makes the getter of all options and their values, one after the
// other; ? for one that is not known.
func optionsGetter(args listing, opts optionsOf) field.Getter {
	return func(ev *event.Event, outer field.Arg) event.Value {
		o, v := opts(ev, outer)
		if o == nil {
			return v
		}
		var room [maxOperands]string
		words, v := args.read(ev, outer, room[:0])
		if !v.IsPresent() {
			return v
		}
		all := []string{}
		for s, ok := (scan{opts: o}).next(words); ok; s, ok = s.next(words) {
			switch {
			case s.unknown:
				all = append(all, "?")
			case s.missing:
				all = append(all, "")
			case s.valued:
				all = append(all, s.name.in(words), s.value.in(words))
			default:
				all = append(all, s.name.in(words))
			}
		}
		return event.List(all)
	}
}

// scan walks over the options among arguments. It ends before the first that is
// no option, and at --; long options are passed over. It holds places and no texts:
// what was found must not keep the list of arguments alive.
type scan struct {
	opts      *options
	word, off int // what comes next; off is 0 at the start of a word

	letter      byte
	name, value place
	unknown     bool // no such option
	valued      bool // takes a value
	missing     bool // and has none
}

// place is a part of a word.
type place struct{ word, from, to int }

func (p place) in(words []string) string {
	if p.from == p.to {
		return ""
	}
	return words[p.word][p.from:p.to]
}

// next finds the next option.
func (s scan) next(words []string) (scan, bool) {
	for s.off == 0 {
		if s.word >= len(words) || len(words[s.word]) < 2 || words[s.word][0] != '-' || words[s.word] == "--" {
			return s, false
		}
		if words[s.word][1] == '-' {
			s.word++
		} else {
			s.off = 1
		}
	}
	word := words[s.word]
	s.letter, s.name, s.value = word[s.off], place{s.word, s.off, s.off + 1}, place{}
	s.unknown, s.valued, s.missing = !s.opts.known[s.letter], s.opts.valued[s.letter], false
	switch s.off++; {
	case s.valued && s.off < len(word):
		s.value, s.off = place{s.word, s.off, len(word)}, len(word)
	case s.valued && s.word+1 < len(words):
		s.word++
		word = words[s.word]
		s.value, s.off = place{s.word, 0, len(word)}, len(word)
	case s.valued:
		s.missing = true
	}
	if s.off >= len(word) {
		s.word, s.off = s.word+1, 0
	}
	return s, true
}
