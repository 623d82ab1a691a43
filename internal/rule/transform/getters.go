package transform

import (
	"strconv"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
)

// The getters of transformers. Texts are put together in the event's buffer, as
// those of plain fields are: nothing is allocated but for lists that change. A value
// that is not there makes the whole not there, in the same way.

// maxMade bounds the text that a transformer makes: fields can be joined with
// themselves over and over. What would be longer is absent.
const maxMade = 64 << 10

// change makes another text of a text, or says that it cannot.
type change func(*event.Event, string) (string, bool)

// changes are the transformers of a text into another.
var changes = map[string]change{
	"tolower":  toLower,
	"toupper":  toUpper,
	"b64":      decode64,
	"basename": func(_ *event.Event, s string) (string, bool) { return s[strings.LastIndexByte(s, '/')+1:], true },
}

func oneText(in field.Getter, f change) field.Getter {
	return func(ev *event.Event, outer field.Arg) event.Value {
		v := in(ev, outer)
		if !v.IsPresent() {
			return v
		}
		s, ok := f(ev, v.Str())
		if !ok || len(s) > maxMade {
			return event.Value{}
		}
		return event.String(s)
	}
}

func eachText(in listing, f change) field.Getter {
	return func(ev *event.Event, outer field.Arg) event.Value {
		var room [maxOperands]string
		words, v := in.read(ev, outer, room[:0])
		if !v.IsPresent() {
			return v
		}
		all := make([]string, len(words))
		for i, s := range words {
			var ok bool
			if all[i], ok = f(ev, s); !ok {
				return event.Value{}
			}
		}
		return event.List(all)
	}
}

func lengthGetter(in field.Getter) field.Getter {
	return func(ev *event.Event, outer field.Arg) event.Value {
		v := in(ev, outer)
		if !v.IsPresent() {
			return v
		}
		return event.Uint(uint64(len(v.Str())))
	}
}

func countGetter(in listing) field.Getter {
	return func(ev *event.Event, outer field.Arg) event.Value {
		var room [maxOperands]string
		words, v := in.read(ev, outer, room[:0])
		if !v.IsPresent() {
			return v
		}
		return event.Uint(uint64(len(words)))
	}
}

func joinGetter(args []Operand) field.Getter {
	between, in := args[0].read(), listOf(args[1:])
	return func(ev *event.Event, outer field.Arg) event.Value {
		sep := between(ev, outer)
		if !sep.IsPresent() {
			return sep
		}
		var room [maxOperands]string
		words, v := in.read(ev, outer, room[:0])
		if !v.IsPresent() {
			return v
		}
		return join(ev, words, sep.Str())
	}
}

func concatGetter(args []Operand) field.Getter {
	in := listOf(args)
	return func(ev *event.Event, outer field.Arg) event.Value {
		var room [maxOperands]string
		words, v := in.read(ev, outer, room[:0])
		if !v.IsPresent() {
			return v
		}
		return join(ev, words, "")
	}
}

func join(ev *event.Event, words []string, sep string) event.Value {
	size := len(sep) * len(words)
	for _, s := range words {
		size += len(s)
	}
	if size > maxMade {
		return event.Value{}
	}
	return event.String(ev.Scratch(func(b []byte) []byte {
		for i, s := range words {
			if i > 0 {
				b = append(b, sep...)
			}
			b = append(b, s...)
		}
		return b
	}))
}

// listing reads the parts of a list, of which those that are lists are joined.
type listing []field.Getter

// listOf flattens operands into a list.
func listOf(args []Operand) listing {
	var all listing
	for i := range args {
		if args[i].IsList {
			all = append(all, listOf(args[i].List)...)
		} else {
			all = append(all, args[i].read())
		}
	}
	return all
}

// read returns the texts, in room if they fit. The value is present, or the
// part that is not.
func (l listing) read(ev *event.Event, outer field.Arg, room []string) ([]string, event.Value) {
	for _, get := range l {
		v := get(ev, outer)
		switch {
		case !v.IsPresent():
			return nil, v
		case v.Type() == event.TypeList && len(l) == 1:
			return v.List(), v
		case v.Type() == event.TypeList:
			room = append(room, v.List()...)
		default:
			room = append(room, textOf(ev, v))
		}
	}
	return room, event.Bool(true)
}

// textOf writes a value as a text.
func textOf(ev *event.Event, v event.Value) string {
	switch v.Type() {
	case event.TypeString:
		return v.Str()
	case event.TypeInt:
		return ev.Scratch(func(b []byte) []byte { return strconv.AppendInt(b, v.Int(), 10) })
	case event.TypeUint, event.TypePort, event.TypeDuration:
		return ev.Scratch(func(b []byte) []byte { return strconv.AppendUint(b, v.Uint(), 10) })
	case event.TypeBool:
		return strconv.FormatBool(v.Bool())
	case event.TypeIP:
		return ev.Scratch(v.Addr().AppendTo)
	}
	return v.Format("")
}

// toLower and toUpper change the letters of ASCII, as Falco does.
func toLower(ev *event.Event, s string) (string, bool) {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			return shift(ev, s, i, 'A'), true
		}
	}
	return s, true
}

func toUpper(ev *event.Event, s string) (string, bool) {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 'a' && c <= 'z' {
			return shift(ev, s, i, 'a'), true
		}
	}
	return s, true
}

// shift gives the letters from first on, counted from s[from], the other case.
func shift(ev *event.Event, s string, from int, first byte) string {
	return ev.Scratch(func(b []byte) []byte {
		b = append(b, s...)
		for t := b[len(b)-len(s)+from:]; len(t) > 0; t = t[1:] {
			if t[0]-first < 26 {
				t[0] ^= 'a' - 'A'
			}
		}
		return b
	})
}

// decode64 decodes base64, with padding or without.
func decode64(ev *event.Event, s string) (string, bool) {
	if n := len(s); n > 0 && s[n-1] == '=' {
		if s = s[:n-1]; n > 1 && s[n-2] == '=' {
			s = s[:n-2]
		}
		if s == "" {
			return "", false
		}
	}
	for i := 0; i < len(s); i++ {
		if digit64(s[i]) < 0 {
			return "", false
		}
	}
	// The bits that are left over must be zero.
	var last int
	if len(s) > 0 {
		last = digit64(s[len(s)-1])
	}
	if rest := len(s) % 4; rest == 1 || rest == 2 && last&15 != 0 || rest == 3 && last&3 != 0 {
		return "", false
	}
	return ev.Scratch(func(b []byte) []byte {
		bits, have := 0, 0
		for i := 0; i < len(s); i++ {
			bits = (bits<<6 | digit64(s[i])) & 0xffff
			if have += 6; have >= 8 {
				have -= 8
				b = append(b, byte(bits>>have))
			}
		}
		return b
	}), true
}

func digit64(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return -1
}
