package syntax

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// TestRoundTrip writes conditions of every form of the grammar: what they are read
// as, their own text is read as again, and that text stays.
func TestRoundTrip(t *testing.T) {
	forms := map[string]int{}
	for seed := range uint64(2_000) {
		w := writer{rand: rand.New(rand.NewPCG(seed, 7))}
		cond := w.or(3)
		e, err := ParseText("r.yaml", cond)
		if err != nil {
			t.Fatalf("%q: %v", cond, err)
		}
		count(e, forms)
		checkRoundTrip(t, cond, e)
	}
	for _, form := range []string{"and", "or", "not", "macro", "exists", "quant", "right", "list", "list name", "single", "call", "argument"} {
		if forms[form] < 200 {
			t.Errorf("only %d with %s were made: this proves nothing", forms[form], form)
		}
	}
}

func checkRoundTrip(t *testing.T, cond string, e rule.Expr) {
	t.Helper()
	text := e.String()
	again, err := ParseText("r.yaml", text)
	if err != nil {
		t.Fatalf("%q became %q: %v", cond, text, err)
	}
	if got, want := shape(again), shape(e); got != want {
		t.Fatalf("%q became %q, another tree:\n%s\n%s", cond, text, want, got)
	}
	if again.String() != text {
		t.Fatalf("%q became %q and then %q", cond, text, again)
	}
}

// shape writes a tree without places and the texts as written.
func shape(e rule.Expr) string {
	switch e := e.(type) {
	case *rule.And:
		return "and" + shapes(e.Parts)
	case *rule.Or:
		return "or" + shapes(e.Parts)
	case *rule.Not:
		return "not" + shapes([]rule.Expr{e.X})
	case *rule.MacroRef:
		return "macro " + e.Name
	case *rule.Exists:
		return "exists " + refShape(&e.Field)
	case *rule.Comparison:
		right := ""
		if e.Right != nil {
			right = refShape(e.Right)
		}
		var values []string
		for _, v := range e.Values {
			values = append(values, fmt.Sprintf("%q:%v:%v", v.Text, v.Bare, v.ListName))
		}
		return fmt.Sprintf("%s %s %s %s %v", refShape(&e.Field), e.Op, e.Quant, right, values)
	}
	return fmt.Sprintf("%T", e)
}

func shapes(parts []rule.Expr) string {
	var all []string
	for _, p := range parts {
		all = append(all, shape(p))
	}
	return "(" + strings.Join(all, " | ") + ")"
}

func refShape(f *rule.FieldRef) string {
	if f.Call == nil {
		return fmt.Sprintf("%s %+v", f.Name, f.Arg)
	}
	return fmt.Sprintf("%s%s %+v", f.Call.Func, operandShapes(f.Call.Args), f.Arg)
}

func operandShapes(args []rule.Operand) string {
	var all []string
	for _, a := range args {
		switch {
		case a.Ref != nil:
			all = append(all, refShape(a.Ref))
		case a.Lit != nil:
			all = append(all, fmt.Sprintf("%q:%v", a.Lit.Text, a.Lit.Bare))
		default:
			all = append(all, operandShapes(a.List))
		}
	}
	return "[" + strings.Join(all, " ") + "]"
}

// count counts the forms in a tree.
func count(e rule.Expr, forms map[string]int) {
	left := func(f *rule.FieldRef) {
		if f.Call != nil {
			forms["call"]++
		}
		if f.Arg.Given {
			forms["argument"]++
		}
	}
	switch e := e.(type) {
	case *rule.And:
		forms["and"]++
		for _, p := range e.Parts {
			count(p, forms)
		}
	case *rule.Or:
		forms["or"]++
		for _, p := range e.Parts {
			count(p, forms)
		}
	case *rule.Not:
		forms["not"]++
		count(e.X, forms)
	case *rule.MacroRef:
		forms["macro"]++
	case *rule.Exists:
		forms["exists"]++
		left(&e.Field)
	case *rule.Comparison:
		left(&e.Field)
		switch {
		case e.Right != nil:
			forms["right"]++
		case e.Quant != rule.QuantNone:
			forms["quant"]++
		case len(e.Values) == 1 && e.Values[0].ListName:
			forms["list name"]++
		case e.Op.TakesList():
			forms["list"]++
		default:
			forms["single"]++
		}
	}
}

// writer writes random conditions, with blanks and quotes where there may be some.
type writer struct{ rand *rand.Rand }

func (w writer) pick(from ...string) string { return from[w.rand.IntN(len(from))] }

// blank may be nothing, gap may not.
func (w writer) blank() string { return w.pick("", "", " ", "\n", "  \t") }
func (w writer) gap() string   { return w.pick(" ", " ", "\n", "\r\n  ", " \t ") }

// several joins what a function writes one to three times.
func (w writer) several(between string, one func() string) string {
	text := one()
	for range w.rand.IntN(3) {
		text += between + one()
	}
	return text
}

func (w writer) or(depth int) string {
	return w.several(w.gap()+"or"+w.gap(), func() string {
		return w.several(w.gap()+"and"+w.gap(), func() string { return w.part(depth) })
	})
}

func (w writer) part(depth int) string {
	switch n := w.rand.IntN(10); {
	case n == 0:
		return "not" + w.gap() + w.part(depth)
	case n == 1 && depth > 0:
		return "not(" + w.or(depth-1) + ")"
	case n < 4 && depth > 0:
		return "(" + w.blank() + w.or(depth-1) + w.blank() + ")"
	case n == 4:
		return w.pick("spawned", "a_1", "Nothing", "android", "tolower", "val", "anyof")
	}
	return w.check()
}

func (w writer) check() string {
	left := w.left(2)
	switch w.rand.IntN(6) {
	case 0:
		return left + w.gap() + "exists"
	case 1:
		return left + w.gap() + w.pick("in", "intersects", "pmatch") + w.gap() + w.list(true)
	case 2:
		return left + w.gap() + w.pick("=", "contains", "regex", "iglob") + w.gap() + w.pick("oneof", "anyof", "allof") + w.gap() + w.list(false)
	case 3:
		right := "val(" + w.blank() + w.field() + w.blank() + ")"
		return left + w.gap() + w.pick("=", "<", "endswith", "in", "pmatch") + w.gap() + w.pick(right, w.call(1))
	case 4:
		return left + w.blank() + w.pick("=", "==", "!=", "<", "<=", ">", ">=") + w.blank() + w.value()
	}
	op := w.pick("contains", "icontains", "bcontains", "startswith", "bstartswith", "endswith", "glob", "iglob", "regex")
	return left + w.gap() + op + w.gap() + w.value()
}

func (w writer) left(depth int) string {
	if w.rand.IntN(3) == 0 {
		return w.call(depth)
	}
	return w.field()
}

func (w writer) field() string {
	return w.pick("proc.name", "fd.l4.proto", "evt.arg.flags", "proc.aname[2]", "m.dest[/a/*]", `proc.env["A  B"]`, `proc.env['\'\t]']`, "a.b_c[X-1.y=z,(q)]")
}

func (w writer) call(depth int) string {
	one := func() string { return w.blank() + w.operand(depth, true) + w.blank() }
	text := w.pick("tolower", "toupper", "b64", "basename", "len", "join", "concat", "getopt") + "(" + w.several(",", one) + ")"
	return text + w.pick("", "", "", "[x]", `["y z"]`)
}

func (w writer) operand(depth int, lists bool) string {
	switch n := w.rand.IntN(6); {
	case n == 0 && depth > 0:
		return w.call(depth - 1)
	case n == 1 && lists:
		one := func() string { return w.blank() + w.operand(depth-1, false) + w.blank() }
		return w.pick("()", "("+w.several(",", one)+")")
	case n == 2:
		return w.pick("7", "-1", "+3.5", "0x1F", "1e+3")
	case n == 3:
		return w.quoted()
	}
	return w.field()
}

func (w writer) value() string {
	if w.rand.IntN(2) == 0 {
		return w.quoted()
	}
	return w.pick("sh", "/etc/*", "0x1f", "-1.5", "10.0.0.0/8", "anyof", "and", "[a]<b>!%-", "\\x", "é", "val", "fd.name")
}

func (w writer) quoted() string {
	return w.pick(`""`, `"a b"`, `'it"s'`, `"a \"b\" \\ \n"`, `'\x00\xff\''`, `"a  (b), c = and"`, "'\n  '", `"//\/"`, "'日\u2028'")
}

func (w writer) list(empty bool) string {
	if w.rand.IntN(4) == 0 {
		return w.pick("shells", "my_list", "list2")
	}
	if empty && w.rand.IntN(8) == 0 {
		return "(" + w.blank() + ")"
	}
	return "(" + w.several(",", func() string { return w.blank() + w.value() + w.blank() }) + ")"
}
