package loader

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/source"
)

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

// changes are texts that change the rule, the macro and the list of base.
var changes = []string{
	"- rule: R\n  condition: or evt.type = connect\n  desc: E\n  output: '%proc.pid'\n  tags: [y, x]\n  override: {condition: append, desc: append, output: append, tags: append}\n",
	"- rule: R\n  condition: m\n  priority: ERROR\n  enabled: no\n  override: {priority: replace, enabled: replace, condition: replace}\n",
	"- rule: R\n  append: true\n  condition: and proc.pid = 1\n- rule: R\n  enabled: false\n",
	"- macro: m\n  condition: or evt.type = creat\n  override: {condition: append}\n- list: l\n  items: [c]\n  append: true\n",
	"- rule: R\n  exceptions:\n    - name: e\n      fields: [proc.name, proc.pid]\n      comps: [in, <]\n      values: [[[a, l], 1], ['(b, \"c d\")', 2]]\n  override: {exceptions: append}\n- rule: R\n  exceptions: [{name: e, values: [[[x], 3]]}]\n  append: true\n",
	"- rule: R\n  exceptions: [{name: f, fields: proc.name, comps: glob anyof, values: ['a*', l]}]\n  override: {exceptions: replace}\n",
	"- rule: S\n  desc: D\n  condition: not.there = x\n  output: o\n  priority: INFO\n  skip-if-unknown-filter: true\n  warn_evttypes: false\n  capture: true\n  capture_duration: 5\n",
	"- rule: T\n  desc: D\n  source: aws_cloudtrail\n  condition: ct.name = x\n  output: o\n  priority: debug\n",
	"- required_engine_version: 0.57.0\n- required_plugin_versions: [{name: container, version: 0.4.0, alternatives: [{name: k8smeta, version: 1.0.0-rc1}]}]\n",
}

// FuzzChange: whatever a second file makes of what a first one defined, it loads or
// has mistakes, each with the name of one of them, and twice the same.
func FuzzChange(f *testing.F) {
	for _, text := range changes {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		files := []rule.File{{Name: "a.yaml", Text: base}, {Name: "b.yaml", Text: text}}
		set, err := Texts(files, catalogue())
		for _, e := range append(rule.Errors(err), set.Warnings...) {
			if e.Pos.File != "a.yaml" && e.Pos.File != "b.yaml" || e.Pos.Line < 1 || e.Pos.Col < 1 || e.Code == "" {
				t.Fatalf("place of %v, code %q", e, e.Code)
			}
		}
		for _, r := range set.Rules {
			complete(t, r.Condition, map[*rule.Macro]bool{})
			for _, ex := range r.Exceptions {
				if (ex.Expr == nil) != (ex.Values == 0) {
					t.Fatalf("exception %s has %d values and the condition %v", ex.Name, ex.Values, ex.Expr)
				}
			}
		}
		again, err2 := Texts(files, catalogue())
		if summary(set, err) != summary(again, err2) {
			t.Fatalf("loaded twice:\n%s\n%s", summary(set, err), summary(again, err2))
		}
	})
}

// summary is what a load came to, as text.
func summary(set *rule.Set, err error) string {
	var b strings.Builder
	for _, r := range set.Rules {
		fmt.Fprintln(&b, r.Name, r.Condition, r.Desc, r.Output.Text, r.Priority, r.Enabled, r.Tags, r.Types)
	}
	return b.String() + lines(append(rule.Errors(err), set.Warnings...))
}

// TestKeyOrder: an item means the same whatever the order of its keys.
func TestKeyOrder(t *testing.T) {
	for _, text := range changes {
		var items []yaml.Node
		if err := yaml.Unmarshal([]byte(text), &items); err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			for i, j := 0, len(item.Content)-2; i < j; i, j = i+2, j-2 {
				item.Content[i], item.Content[j] = item.Content[j], item.Content[i]
				item.Content[i+1], item.Content[j+1] = item.Content[j+1], item.Content[i+1]
			}
		}
		reversed, err := yaml.Marshal(items)
		if err != nil {
			t.Fatal(err)
		}
		want, got := mustLoad(t, base, text), mustLoad(t, base, string(reversed))
		want.Warnings, got.Warnings = nil, nil // their places differ
		if diff := cmp.Diff(summary(want, nil), summary(got, nil)); diff != "" {
			t.Errorf("%s\n(-as written +reversed):\n%s", text, diff)
		}
	}
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
