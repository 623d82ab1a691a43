package transform

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// of makes an operand of a field that always has a value.
func of(v event.Value) Operand {
	row := &field.Field{Name: "x.y", Type: v.Type(), Scope: field.PerEvent,
		Get: func(*event.Event, field.Arg) event.Value { return v }}
	return Operand{Ref: &rule.FieldRef{Text: "x.y", Name: "x.y", Field: row}}
}

func text(s string) Operand          { return Operand{Text: s} }
func list(args ...Operand) Operand   { return Operand{IsList: true, List: args} }
func words2(words ...string) Operand { return of(event.List(words)) }

func texts(words ...string) Operand {
	o := Operand{IsList: true}
	for _, w := range words {
		o.List = append(o.List, text(w))
	}
	return o
}

// call evaluates a transformer.
func call(t *testing.T, fn, arg string, args ...Operand) event.Value {
	t.Helper()
	row, err := Row("name", fn, field.Arg{Given: arg != "", Name: arg}, args)
	if err != nil {
		t.Fatal(err)
	}
	v := row.Get(&event.Event{}, field.Arg{})
	if v.IsPresent() && v.Type() != row.Type {
		t.Errorf("%s: the value is of type %d, the row of %d", fn, v.Type(), row.Type)
	}
	return v
}

func TestTexts(t *testing.T) {
	tests := []struct{ fn, in, want string }{
		{"tolower", "", ""},
		{"tolower", "abc/1", "abc/1"},
		{"tolower", "aBC@[`{Z", "abc@[`{z"},
		{"tolower", "ÄÖa", "ÄÖa"},
		{"toupper", "abz@[`{Z", "ABZ@[`{Z"},
		{"toupper", "äA", "äA"},
		{"basename", "/usr/bin/sh", "sh"},
		{"basename", "sh", "sh"},
		{"basename", "/usr/", ""},
		{"b64", "", ""},
		{"b64", "aGVsbG8=", "hello"},
		{"b64", "aGVsbG8", "hello"},
		{"b64", "aGVsbA==", "hell"},
		{"b64", "aGVsbA", "hell"},
		{"b64", "aGVsbA=", "hell"},
		{"b64", "aGVs", "hel"},
		{"b64", "+/+/", "\xfb\xff\xbf"},
		{"b64", "aGVsbB==", "<NA>"}, // bits are left over
		{"b64", "aGVsb", "<NA>"},
		{"b64", "aG=s", "<NA>"},
		{"b64", "aG s", "<NA>"},
		{"b64", "=", "<NA>"},
		{"b64", "==", "<NA>"},
	}
	for _, tt := range tests {
		t.Run(tt.fn+" "+tt.in, func(t *testing.T) {
			for _, o := range []Operand{text(tt.in), of(event.String(tt.in))} {
				if got := call(t, tt.fn, "", o).Format("<NA>"); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			}
		})
	}
}

func TestLists(t *testing.T) {
	tests := []struct {
		name string
		got  event.Value
		want string
	}{
		{"join texts", call(t, "join", "", text(", "), texts("a", "b", "c")), "a, b, c"},
		{"join one", call(t, "join", "", text(","), texts("a")), "a"},
		{"join none", call(t, "join", "", text(","), list()), ""},
		{"join a list field", call(t, "join", "", text("-"), words2("x", "y")), "x-y"},
		{"join of all kinds", call(t, "join", "", text(" "),
			list(text("a"), of(event.Int(-3)), words2("p", "q"), of(event.Bool(true)), of(event.Port(80)))), "a -3 p q true 80"},
		{"concat", call(t, "concat", "", text("a"), of(event.String("b")), text("c")), "abc"},
		{"lower a list", call(t, "tolower", "", words2("A", "b")), "(a,b)"},
		{"decode a list", call(t, "b64", "", texts("aGk=", "eW91")), "(hi,you)"},
		{"decode a list with a mistake", call(t, "b64", "", texts("aGk=", "?")), "<NA>"},
		{"len of a list", call(t, "len", "", words2("a", "b")), "2"},
		{"len of a literal list", call(t, "len", "", texts("a", "b", "c")), "3"},
		{"len of a text", call(t, "len", "", of(event.String("häh"))), "4"},
	}
	for _, tt := range tests {
		if got := tt.got.Format("<NA>"); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestGetopt: getopt(3), as Falco understands it.
func TestGetopt(t *testing.T) {
	tests := []struct{ args, letters, option, want string }{
		{"-n", "n", "", "(n)"},
		{"-t hello", "t:", "", "(t,hello)"},
		{"-nt hello", "nt:", "", "(n,t,hello)"},
		{"-thello", "t:", "", "(t,hello)"},
		{"-n -- -t", "nt:", "", "(n)"},
		{"-x -n", "n", "", "(?,n)"},
		{"-nx", "n", "", "(n,?)"},
		{"-n:", "n:", "", "(n,:)"},
		{"--exec -n", "n", "", "(n)"},
		{"-n file -t", "nt", "", "(n)"},
		{"- -n", "n", "", "()"},
		{"file", "n", "", "()"},
		{"-t", "t:", "", "()"},
		{"-t", ":t:", "", "()"},
		{"-t -123", "t:", "", "(t,-123)"},
		{"-n", "", "", "(?)"},

		{"-n -t hello", "nt:", "t", "hello"},
		{"-n -t hello", "nt:", "n", "n"},
		{"-t a -t b", "t:", "t", "b"},
		{"-t a -t", "t:", "t", ""},
		{"-t:", ":t:", "t", ":"},
		{"-n", "nt:", "t", "<NA>"},
		{"-x", "n", "x", "<NA>"},
	}
	for _, tt := range tests {
		t.Run(tt.args+" "+tt.letters+" "+tt.option, func(t *testing.T) {
			words := strings.Fields(tt.args)
			for _, args := range []Operand{texts(words...), words2(words...)} {
				for _, letters := range []Operand{text(tt.letters), of(event.String(tt.letters))} {
					if got := call(t, "getopt", tt.option, args, letters).Format("<NA>"); got != tt.want {
						t.Errorf("got %q, want %q", got, tt.want)
					}
				}
			}
		})
	}
	// A value that is missing is empty.
	if got := call(t, "getopt", "", texts("-t"), text("t:")).List(); len(got) != 1 || got[0] != "" {
		t.Errorf("a missing value gives %q", got)
	}
}

// TestMissing: what is not there is not there in the same way afterwards.
func TestMissing(t *testing.T) {
	for _, p := range []event.Presence{event.Absent, event.Pending, event.Unreadable} {
		gone := of(event.Missing(p))
		goneList := of(event.Missing(p))
		goneList.Ref.Field.Type = event.TypeList
		for fn, args := range map[string][]Operand{
			"tolower": {gone}, "toupper": {gone}, "b64": {gone}, "basename": {gone}, "len": {gone},
			"concat": {text("a"), gone}, "join": {text(","), list(text("a"), gone)}, "getopt": {goneList, text("n")},
		} {
			if got := call(t, fn, "", args...).Presence(); got != p {
				t.Errorf("%s of a value of presence %d has presence %d", fn, p, got)
			}
		}
	}
}

func TestMistakes(t *testing.T) {
	number, words := of(event.Int(1)), words2("a")
	tests := []struct {
		fn, arg string
		args    []Operand
		want    string
	}{
		{"rot13", "", []Operand{text("a")}, "unknown transformer rot13"},
		{"tolower", "", nil, "tolower takes one text or list, and is given 0"},
		{"tolower", "", []Operand{text("a"), text("b")}, "tolower takes one text or list, and is given 2"},
		{"len", "", []Operand{number}, "len takes one text or list, and x.y is a number"},
		{"tolower", "x", []Operand{text("a")}, "tolower takes no argument in brackets"},
		{"join", "", []Operand{words, words}, "join takes two arguments, a text to put between and a list, and x.y is a list"},
		{"join", "", []Operand{text(","), text("a")}, `join takes two arguments, a text to put between and a list, and "a" is one text`},
		{"concat", "", []Operand{text("a")}, "concat takes at least two texts, and is given 1"},
		{"concat", "", []Operand{text("a"), number}, "concat takes at least two texts, and x.y is a number"},
		{"concat", "", []Operand{text("a"), list()}, "concat takes at least two texts, and a list stands there"},
		{"getopt", "", []Operand{text("a"), text("b")}, `getopt takes two arguments, a list and the letters of options as getopt(3) takes them, and "a" is one text`},
		{"getopt", "", []Operand{words, words}, "getopt takes two arguments, a list and the letters of options as getopt(3) takes them, and x.y is a list"},
		{"getopt", "ab", []Operand{words, text("ab")}, `getopt takes one letter in brackets, not "ab"`},
		{"len", "", []Operand{list(make([]Operand, 32)...)}, "len is given more than 32 values"},
	}
	for _, tt := range tests {
		row, err := Row("name", tt.fn, field.Arg{Given: tt.arg != "", Name: tt.arg}, tt.args)
		if row != nil || err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v\nwant %s", tt.fn, err, tt.want)
		}
	}
}

// TestRow: what the row has from the fields inside.
func TestRow(t *testing.T) {
	a, b := of(event.String("a")), of(event.String("b"))
	*a.Ref.Field = field.Field{Name: "a.a", Get: a.Ref.Field.Get, Scope: field.PerImage, Needs: field.NeedEnviron, Invalidates: "exec", Source: "kernel",
		Types: []event.Type{event.Open, event.Execve}}
	*b.Ref.Field = field.Field{Name: "b.b", Get: b.Ref.Field.Get, Scope: field.PerName, Invalidates: "exec", Source: "passwd", Undelivered: "not yet",
		Types: []event.Type{event.Connect, event.Open}}
	row, err := Row("name", "concat", field.Arg{}, []Operand{a, text("x"), b})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%d %v %q %q %v %v %q", row.Scope, row.Needs.Has(field.NeedEnviron), row.Invalidates, row.Source, row.Types, row.OfType, row.Undelivered)
	want := fmt.Sprintf("%d true %q %q [open] false %q", field.PerName, "exec", "kernel; passwd", "not yet")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEach: a field with a value for each index stays one.
func TestEach(t *testing.T) {
	names := []string{"", "SH", "Init"}
	row := &field.Field{Name: "proc.aname", Arg: field.OptionalIndex, First: 1, Scope: field.PerImage,
		Get: func(_ *event.Event, arg field.Arg) event.Value {
			if arg.Index >= len(names) {
				return event.Value{}
			}
			return event.String(names[arg.Index])
		}}
	all := Operand{Ref: &rule.FieldRef{Name: "proc.aname", Field: row}}
	second := Operand{Ref: &rule.FieldRef{Name: "proc.aname", Field: row, Arg: field.Arg{Given: true, Name: "2", Index: 2}}}
	lower, err := Row("name", "tolower", field.Arg{}, []Operand{all})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := lower.First; ; i++ {
		v := lower.Get(&event.Event{}, field.Arg{Given: true, Index: i})
		if !v.IsPresent() {
			break
		}
		got = append(got, v.Str())
	}
	if diff := cmp.Diff([]string{"sh", "init"}, got); diff != "" || lower.Arg != field.OptionalIndex {
		t.Errorf("use of the argument is %d, values (-want +got):\n%s", lower.Arg, diff)
	}
	if got := call(t, "tolower", "", second).Str(); got != "init" {
		t.Errorf("got %q", got)
	}
	if _, err := Row("name", "concat", field.Arg{}, []Operand{all, all}); err == nil {
		t.Error("two fields with a value for each index are taken")
	}
}

// TestTooLong: a text that would be very long is absent.
func TestTooLong(t *testing.T) {
	long := of(event.String(strings.Repeat("x", maxMade)))
	if v := call(t, "tolower", "", long); len(v.Str()) != maxMade {
		t.Errorf("got %d bytes", len(v.Str()))
	}
	if v := call(t, "concat", "", long, text("x")); v.IsPresent() {
		t.Errorf("got %d bytes", len(v.Str()))
	}
}

// TestNoGarbage: events that match nothing must not cost memory.
func TestNoGarbage(t *testing.T) {
	path := of(event.String("/usr/Bin/SH"))
	args := words2("-n", "-t", "hello")
	for fn, c := range map[string]struct {
		arg  string
		args []Operand
	}{
		"tolower":  {"", []Operand{path}},
		"b64":      {"", []Operand{of(event.String("aGVsbG8="))}},
		"basename": {"", []Operand{path}},
		"len":      {"", []Operand{args}},
		"join":     {"", []Operand{text(" "), list(path, of(event.Int(12)), args)}},
		"concat":   {"", []Operand{path, text("x"), path}},
		"getopt":   {"t", []Operand{args, text("nt:")}},
	} {
		row, err := Row("name", fn, field.Arg{Given: c.arg != "", Name: c.arg}, c.args)
		if err != nil {
			t.Fatal(err)
		}
		ev := &event.Event{}
		row.Get(ev, field.Arg{}) // the buffer grows
		if n := testing.AllocsPerRun(1, func() { ev.Reset(); row.Get(ev, field.Arg{}) }); n != 0 {
			t.Errorf("%s allocates %v times", fn, n)
		}
	}
}

// FuzzDecode holds the decoder against the library's.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "aGk=", "aGk", "a", "aG=", "a===", "\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsAny(s, "\r\n") || strings.HasSuffix(s, "===") || strings.Trim(s, "=") == "" {
			return // the library passes over line breaks
		}
		got, ok := decode64(&event.Event{}, s)
		want, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(s, "="))
		if ok != (err == nil) || ok && got != string(want) {
			t.Errorf("%q: got %q, %v, want %q, %v", s, got, ok, want, err)
		}
	})
}
