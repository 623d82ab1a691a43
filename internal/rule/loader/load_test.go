package loader

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/source"
)

const head = "- rule: R\n  desc: D\n  output: O\n  priority: Info\n"

// badFiles are texts with all that is reported of them.
var badFiles = []struct {
	name, text, want string
}{
	{"nothing but a name", "- rule: R\n", `
a.yaml:1:3: rule "R": the rule has no desc
a.yaml:1:3: rule "R": the rule has no condition
a.yaml:1:3: rule "R": the rule has no output
a.yaml:1:3: rule "R": the rule has no priority`},
	{"no name", "- rule:\n- rule: ''\n- macro: [a]\n- list: {a: b}\n  items: []\n", `
a.yaml:1:8: rule is empty
a.yaml:2:9: rule is empty
a.yaml:3:10: macro must be a text
a.yaml:4:9: list must be a text`},
	{"empty texts", "- rule: R\n  desc: ''\n  output: ''\n  priority: ''\n  condition: ''\n", `
a.yaml:3:11: rule "R": output is empty
a.yaml:4:13: rule "R": priority is empty
a.yaml:5:14: rule "R": condition is empty`},
	{"wrong kinds", head + "  condition: [a]\n  tags: x\n  enabled: maybe\n  source: [x]\n", `
a.yaml:5:14: rule "R": condition must be a text
a.yaml:6:9: rule "R": tags must be a list
a.yaml:7:12: rule "R": enabled must be true or false
a.yaml:8:11: rule "R": source must be a text`},
	{"tags of lists", head + "  condition: evt.type = open\n  tags: [a, [b]]\n", `
a.yaml:6:13: rule "R": tags must be a list of texts`},
	{"priority", "- rule: R\n  desc: D\n  output: O\n  condition: evt.type = open\n  priority: Warnin\n", `
a.yaml:5:13: rule "R": unknown priority "Warnin": use one of Emergency, Alert, Critical, Error, Warning, Notice, Informational, Debug; did you mean Warning?`},
	{"key twice", head + "  condition: evt.type = open\n  desc: E\n", `
a.yaml:6:3: key desc is given twice`},
	{"no key that names it", "- rlue: R\n  condition: a\n- condition: a\n- macros: m\n", `
a.yaml:1:3: the item has no rule, macro or list key; did you mean rule instead of rlue?
a.yaml:3:3: the item has no rule, macro or list key
a.yaml:4:3: the item has no rule, macro or list key; did you mean macro instead of macros?`},
	{"switch of nothing", "- rule: R\n  enabled: false\n" + head + "  condition: evt.type = open\n- rule: r2\n  enabled: true\n", `
a.yaml:1:9: rule "R": there is no rule of this name to switch before this place
a.yaml:8:9: rule "r2": there is no rule of this name to switch before this place; did you mean R?`},
	{"engine", "- required_engine_version: 0.99.0\n- required_engine_version: 62\n- required_engine_version: soon\n- required_engine_version: 1.0.0\n", `
a.yaml:1:28: the file needs engine 0.99.0, and this version speaks that of 0.62.0
a.yaml:3:28: "soon" is not a version; write 0.57.0 or 57
a.yaml:4:28: the file needs engine 1.0.0, and this version speaks that of 0.62.0`},
	{"unknown macro", "- macro: spawned\n  condition: evt.type = execve\n" + head + "  condition: spwaned and not nothing\n", `
a.yaml:7:14: rule "R": unknown macro spwaned; did you mean spawned?
a.yaml:7:30: rule "R": unknown macro nothing; if another file defines it, name that file first`},
	{"list as a macro", "- list: shells\n  items: [sh]\n" + head + "  condition: evt.type = open and shells\n", `
a.yaml:7:34: rule "R": unknown macro shells; there is a list of this name: use it behind in`},
	{"unknown list", "- list: shells\n  items: [sh]\n" + head + "  condition: evt.type = open and proc.name in shels or proc.name pmatch /etc\n", `
a.yaml:7:47: rule "R": unknown list shels; did you mean shells?
a.yaml:7:73: rule "R": unknown list /etc; write (/etc) for a single value`},
	{"circle of macros", "- macro: a\n  condition: evt.type = open and b\n- macro: b\n  condition: not c\n- macro: c\n  condition: (a)\n" + head + "  condition: a\n", `
a.yaml:6:15: macro "c": macros name each other in a circle: a, b, c, a`},
	{"macro of itself", "- macro: a\n  condition: a\n" + head + "  condition: a\n", `
a.yaml:2:14: macro "a": macros name each other in a circle: a, a`},
	{"circle of lists", "- list: a\n  items: [x, b]\n- list: b\n  items: [a, y]\n" + head + "  condition: evt.type = open and proc.name in (a)\n", `
a.yaml:4:11: list "b": lists name each other in a circle: a, b, a`},
	{"bad macro is not unknown", "- macro: m\n  condition: proc.name\n" + head + "  condition: m\n", `
a.yaml:2:23: macro "m": expected an operator after proc.name, found the end`},
	{"list without items", "- list: a\n- list: b\n  items: x\n- list: c\n  items: [[d]]\n", `
a.yaml:1:3: list "a": the list has no items; write items: [] for none
a.yaml:3:10: list "b": items must be a list
a.yaml:5:11: list "c": items must be a list of texts`},
	{"escape in a list", "- list: l\n  items: ['\"a\\.b\"', '\"a\\\\.b\"', 'a\\.b']\n", `
a.yaml:2:11: unknown escape \. in "a\.b"; write \\ for a backslash`},
	{"output", "- rule: R\n  desc: D\n  priority: Info\n  condition: evt.type = open\n  output: >\n    100% of %proc.nmae. and %proc.pid[1]\n    %x %proc.env[\n    %tolower(proc.name) %regex\n", `
a.yaml:6:8: rule "R": output has a % without a field; write %% for a percent sign
a.yaml:6:13: rule "R": unknown field proc.nmae; did you mean proc.name?
a.yaml:6:29: rule "R": field proc.pid takes no argument; write proc.pid
a.yaml:7:5: rule "R": output has %x, which is no field; write %% for a percent sign
a.yaml:7:8: rule "R": the argument of proc.env is not closed
a.yaml:8:25: rule "R": output has %regex, which is no field; write %% for a percent sign`},
}

func TestLoadErrors(t *testing.T) {
	for _, tt := range badFiles {
		t.Run(tt.name, func(t *testing.T) {
			set, err := loadTexts(tt.text)
			if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n")+"\n", lines(rule.Errors(err))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if set == nil || len(set.Rules) > 0 {
				t.Error("with an error there must be a set without rules")
			}
		})
	}
}

func TestLoadWarnings(t *testing.T) {
	rule := head + "  condition: evt.type = open\n"
	tests := []struct {
		name, text, want string
	}{
		{"none", rule, ``},
		{"unknown keys", rule + "  tag: [a]\n  mitre: x\n", `
a.yaml:6:3: rule "R": unknown key "tag"; did you mean tags?
a.yaml:7:3: rule "R": unknown key "mitre"`},
		{"keys without effect", rule + "  skip-if-unknown-filter: true\n  capture: true\n", `
a.yaml:7:3: rule "R": key capture has no effect here`},
		{"unknown item", "- something: else\n" + rule, `
a.yaml:1:3: unknown item, left out`},
		{"other source", rule + "  source: k8s_audit\n", `
a.yaml:6:11: rule "R": source "k8s_audit" is not there, so that the rule is skipped`},
		{"names that cannot be used", "- macro: a b\n  condition: evt.type = open\n- macro: not\n  condition: evt.type = open\n- list: a,b\n  items: []\n", `
a.yaml:1:10: macro "a b": a macro of this name cannot be used: letters, digits and _ alone
a.yaml:3:10: macro "not": a macro of this name cannot be used: letters, digits and _ alone
a.yaml:5:9: list "a,b": a list of this name cannot be used: no blanks, quotes, parentheses, commas or =`},
		{"mistakes in what no rule uses", "- macro: a\n  condition: no.such = b and c\n- macro: b\n  condition: a\n" + rule, `
a.yaml:2:14: macro "a": unknown field no.such
a.yaml:2:30: macro "a": unknown macro c; if another file defines it, name that file first
a.yaml:3:3: macro "b": no rule and no macro uses it; take it out unless another file needs it`},
		{"macros of another source", "- macro: a\n  condition: ka.verb = b\n" + head + "  condition: a and ka.x contains y\n  source: k8s_audit\n", `
a.yaml:8:11: rule "R": source "k8s_audit" is not there, so that the rule is skipped`},
		{"list as a value", "- list: some_shells\n  items: [sh, bash]\n" + head + "  condition: evt.type = open and proc.name = some_shells\n", `
a.yaml:7:46: rule "R": some_shells is the name of a list, and is taken as a text here; write proc.name in (some_shells)`},
		{"list of one as a value", "- list: some_shells\n  items: [sh]\n" + head + "  condition: evt.type = open and proc.name = some_shells\n", ""},
		{"nearly a list", "- list: shell_binaries\n  items: [sh]\n" + head + "  condition: evt.type = open and proc.name in (shell_binares, systemd_ctl)\n", `
a.yaml:7:48: rule "R": shell_binares is no list, and is taken as a text; did you mean shell_binaries?`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, err := loadTexts(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.TrimPrefix(tt.want, "\n")
			if got := strings.TrimSuffix(lines(set.Warnings), "\n"); got != want {
				t.Errorf("(-want +got):\n%s", cmp.Diff(want, got))
			}
		})
	}
}

// TestReplace: the later definition counts, in the place of the first.
func TestReplace(t *testing.T) {
	set := mustLoad(t, `
- macro: m
  condition: evt.type = open
- list: l
  items: [a, b]
- rule: one
  desc: first
  condition: m and proc.name in (l, l, c)
  output: O
  priority: Info
  enabled: false
- rule: two
  desc: D
  condition: m
  output: O
  priority: Info
`, `
- list: l
  items: ['"x y"', inner, b, b]
- list: inner
  items: [z, inner]
- macro: m
  condition: evt.type = execve
- rule: two
  enabled: no
- rule: one
  desc: second
  condition: m and proc.name in (l, l, c)
  output: O
  priority: Debug
  tags: [t, 1]
`)
	if len(set.Rules) != 2 || set.Rules[0].Name != "one" || set.Rules[1].Name != "two" {
		t.Fatalf("rules are %v", set.Rules)
	}
	one, two := set.Rules[0], set.Rules[1]
	if one.Desc != "second" || !one.Enabled || one.Priority != rule.PriorityDebug || one.Pos.String() != "b.yaml:10:3" {
		t.Errorf("one is %+v", one)
	}
	if two.Enabled {
		t.Error("two is still enabled")
	}
	if diff := cmp.Diff([]string{"t", "1"}, one.Tags); diff != "" {
		t.Error(diff)
	}
	for _, r := range set.Rules {
		if len(r.Types) != 1 || r.Types[0].String() != "execve" {
			t.Errorf("types of %s are %v", r.Name, r.Types)
		}
	}
	var got []string
	for _, v := range one.Condition.(*rule.And).Parts[1].(*rule.Comparison).Values {
		got = append(got, v.Text)
	}
	if diff := cmp.Diff([]string{"c", "x y", "z", "inner", "b"}, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// TestShared: macros and lists are used, not copied.
func TestShared(t *testing.T) {
	set := mustLoad(t, "- list: l\n  items: [a, b]\n- macro: m\n  condition: evt.type = open and proc.name in (l)\n"+
		head+"  condition: m or (m and proc.name in (l))\n"+strings.Replace(head, "R", "S", 1)+"  condition: m\n")
	or := set.Rules[0].Condition.(*rule.Or)
	if or.Parts[0].(*rule.MacroRef).Macro != set.Macros["m"] || set.Rules[1].Condition.(*rule.MacroRef).Macro != set.Macros["m"] {
		t.Error("the macro was copied")
	}
	inMacro := set.Macros["m"].Expr.(*rule.And).Parts[1].(*rule.Comparison).Values
	inRule := or.Parts[1].(*rule.And).Parts[1].(*rule.Comparison).Values
	if &inMacro[0] != &inRule[0] {
		t.Error("the list was copied")
	}
}

func TestAllFilesInOneRun(t *testing.T) {
	_, err := loadTexts("- rule: A\n  @", withCondition("no.such = a"), "- list: l\n")
	want := `a.yaml:2:3: not valid YAML: found character that cannot start any token; put the text in quotes
b.yaml:4:14: rule "R": unknown field no.such
c.yaml:1:3: list "l": the list has no items; write items: [] for none
`
	if got := lines(rule.Errors(err)); got != want {
		t.Errorf("got\n%s", got)
	}
	if !errors.Is(err, rule.ErrUnknownField) || errors.Is(err, rule.ErrUnknownMacro) {
		t.Error("errors.Is does not find the cause")
	}
	if rule.Errors(nil) != nil || rule.Errors(errors.New("x")) != nil {
		t.Error("Errors made something of nothing")
	}
}

func TestLoadDirectories(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	rule := func(name string) string {
		return strings.Replace(withCondition("evt.type = open and proc.name = "+name), "R", name, 1)
	}
	write("b.yaml", rule("b"))
	write("a.yml", rule("a"))
	write("c/d.yaml", rule("d"))
	write("b.test.yaml", "broken: [")
	write("b.test.yml", "broken: [")
	write("readme.md", "broken: [")
	write(".hidden.yaml", "broken: [")
	write(".git/x.yaml", "broken: [")
	write("..data/e.yaml", rule("e"))
	if err := os.Symlink("..data/e.yaml", filepath.Join(dir, "e.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("c", filepath.Join(dir, "f.yaml")); err != nil {
		t.Fatal(err)
	}
	write("other/z.txt", rule("z"))
	set, err := Files([]string{dir, filepath.Join(dir, "other"), filepath.Join(dir, "other", "z.txt")}, catalogue())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range set.Rules {
		got = append(got, r.Name)
	}
	if diff := cmp.Diff([]string{"a", "b", "d", "e", "z"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, want := set.Rules[2].Pos.File, filepath.Join(dir, "c", "d.yaml"); got != want {
		t.Errorf("file is %s, want %s", got, want)
	}
	if got, want := lines(set.Warnings), filepath.Join(dir, "other")+": no rule files in this directory\n"; got != want {
		t.Errorf("warnings are %q, want %q", got, want)
	}
}

func TestUnreadable(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "x.yaml")
	_, err := Files([]string{missing}, catalogue())
	if !errors.Is(err, os.ErrNotExist) || err.Error() != missing+": read rules: no such file or directory" {
		t.Errorf("got %v", err)
	}
	big := fstest.MapFS{"a.yaml": {Data: []byte(strings.Repeat("# x\n", source.MaxFile/4+1))}}
	if _, err := FS(big, "a.yaml", catalogue()); err == nil || err.Error() != "a.yaml: read rules: the file is larger than 8 MiB" {
		t.Errorf("got %v", err)
	}
	if _, err := FS(big, "b", catalogue()); err == nil || err.Error() != "b: read rules: file does not exist" {
		t.Errorf("got %v", err)
	}
}
