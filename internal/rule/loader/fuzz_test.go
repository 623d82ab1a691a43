package loader

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/source"
	"github.com/goshawk-security/goshawk/internal/rule/syntax"
)

// FuzzParse: any condition parses or has one mistake with a place inside it, and
// what parsed reads back from its own text.
func FuzzParse(f *testing.F) {
	for _, cond := range []string{
		`evt.type in (open, openat) and fd.name startswith "/etc" and not (proc.name = sh or m)`,
		`proc.aname[2] != 'a\'b' or proc.env["X Y"] exists`, "a\r\n and\tb", `evt.dir=< and fd.num>=0x1F`,
		`proc.name in shells or (((a)))`, `tolower(x.y) regex val(a.b)`, `not not not`, `a.b in (,)`, "ä.b = \u0085",
	} {
		f.Add(cond)
	}
	f.Fuzz(func(t *testing.T, cond string) {
		e, err := syntax.ParseText("r.yaml", cond)
		if err != nil {
			var one *rule.Error
			if !errors.As(err, &one) || one.Pos.Line < 1 || one.Pos.Col < 1 || one.Pos.Line > strings.Count(cond, "\n")+strings.Count(cond, "\r")+len(cond)+1 {
				t.Fatalf("Parse(%q): %v", cond, err)
			}
			return
		}
		again, err := syntax.ParseText("r.yaml", e.String())
		if err != nil {
			t.Fatalf("%q became %q: %v", cond, e, err)
		}
		if shape(again) != shape(e) {
			t.Fatalf("%q became %q, another tree", cond, e)
		}
	})
}

// shape is a tree without places.
func shape(e rule.Expr) string {
	var b strings.Builder
	var walk func(rule.Expr)
	parts := func(name string, list []rule.Expr) {
		b.WriteString("(" + name)
		for _, p := range list {
			b.WriteByte(' ')
			walk(p)
		}
		b.WriteByte(')')
	}
	walk = func(e rule.Expr) {
		switch e := e.(type) {
		case *rule.And:
			parts("and", e.Parts)
		case *rule.Or:
			parts("or", e.Parts)
		case *rule.Not:
			parts("not", []rule.Expr{e.X})
		default:
			b.WriteString(e.String())
		}
	}
	walk(e)
	return b.String()
}

// FuzzLoad: any bytes load or have mistakes, each with the file's name, and
// every scalar's places can be followed through the file.
func FuzzLoad(f *testing.F) {
	trees, err := os.ReadFile("testdata/trees.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(trees)
	for _, text := range []string{
		"", "\uFEFF- rule: a\r\n  condition: >+2\r\n\r\n     a\r\n", "- &a [*a]\n", "- list: l\n  items: &x [a, l, '\"b\"']\n- list: m\n  items: *x\n",
		"- macro: a\n  condition: \"b \\x41\\\n   and\\tc\"\n- macro: b\n  condition: 'a  or\n\n  ''b'\n", "- {rule: R, condition: a.b=c, output: '%a.b %%', desc: , priority: x}\n",
		"a: &a [x]\nb: &b [*a, *a]\n", "- macro: m\n  condition: !!str &y | # z\n    m\n--- \n- macro: m\n  condition: *y\n", withCondition("evt.type = open and evt.dir=<"),
		"- rule: a\n  enabled: on\n- required_engine_version: 0.1\n", "- macro: \u0085m\n  condition: a\u2028 b\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := FS(fstest.MapFS{"a.yaml": {Data: text}}, "a.yaml", catalogue())
		all := append(rule.Errors(err), set.Warnings...)
		if err != nil && len(rule.Errors(err)) == 0 {
			t.Fatalf("no place for %v", err)
		}
		for _, e := range all {
			if e.Pos.File != "a.yaml" || e.Pos.Line < 1 || e.Pos.Col < 1 {
				t.Fatalf("place of %v", e)
			}
		}
		if err == nil {
			for _, r := range set.Rules {
				complete(t, r.Condition, map[*rule.Macro]bool{})
			}
		}
		src := source.NewFile("a.yaml", string(text))
		docs, _ := source.Documents(src)
		for _, doc := range docs {
			followScalars(t, src, doc)
		}
	})
}

// complete checks the promises of a loaded tree.
func complete(t *testing.T, e rule.Expr, seen map[*rule.Macro]bool) {
	switch e := e.(type) {
	case *rule.And:
		for _, p := range e.Parts {
			complete(t, p, seen)
		}
	case *rule.Or:
		for _, p := range e.Parts {
			complete(t, p, seen)
		}
	case *rule.Not:
		complete(t, e.X, seen)
	case *rule.MacroRef:
		if e.Macro == nil {
			t.Fatalf("%s: macro %s is not there", e.Pos, e.Name)
		}
		if !seen[e.Macro] {
			seen[e.Macro] = true
			complete(t, e.Macro.Expr, seen)
		}
	case *rule.Comparison:
		if e.Field.Field == nil {
			t.Fatalf("%s: field %s is not there", e.Pos, e.Field.Text)
		}
	case *rule.Exists:
		if e.Field.Field == nil {
			t.Fatalf("%s: field %s is not there", e.Pos, e.Field.Text)
		}
	}
}

// followScalars walks a cursor through every text of a document.
func followScalars(t *testing.T, src *source.File, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Value != "" {
		c := source.NewCursor(src, n)
		c.Pos(len(n.Value))
		if c.Lost {
			t.Fatalf("places of the text at %d:%d are lost at %v, %d of %q", n.Line, n.Column, c.At, c.Done, n.Value)
		}
	}
	for _, child := range n.Content {
		followScalars(t, src, child)
	}
}
