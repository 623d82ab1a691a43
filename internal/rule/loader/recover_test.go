package loader

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// TestRecover: after a mistake of grammar the rest of the condition is read as
// well, and nothing is said of what only follows from the mistake.
func TestRecover(t *testing.T) {
	tests := []struct{ name, cond, want string }{
		{"symbol", `evt.type = open && proc.nmae = a || proc.pdi = 1`, `
4:30: unexpected "&&"; write and
4:33: unknown field proc.nmae; did you mean proc.name?
4:47: unexpected "||"; write or
4:50: unknown field proc.pdi; did you mean proc.pid?`},
		{"expression that is none", `proc.nmae = a and (proc.name regex "x and (y" or proc.pdi = 1)`, `
4:14: unknown field proc.nmae; did you mean proc.name?
4:49: no regular expression: missing closing ): x and (y
4:63: unknown field proc.pdi; did you mean proc.pid?`},
		{"transformer", `tolower(proc.name) = a and proc.nmae = b`, `
4:41: unknown field proc.nmae; did you mean proc.name?`},
		{"open parenthesis", `evt.type = open and (proc.nmae = a or (proc.pdi = 1`, `
4:35: unknown field proc.nmae; did you mean proc.name?
4:52: parenthesis is not closed
4:53: unknown field proc.pdi; did you mean proc.pid?`},
		{"closed too often", `proc.name = a) and proc.nmae = b) or (proc.pdi = 1)`, `
4:27: expected and, or or the end, found ")"
4:33: unknown field proc.nmae; did you mean proc.name?
4:52: unknown field proc.pdi; did you mean proc.pid?`},
		{"no operator", `proc.name and proc.nmae = b`, `
4:24: expected an operator after proc.name, found "and"
4:28: unknown field proc.nmae; did you mean proc.name?`},
		{"bad list", `(proc.name in (a b, "c)") and proc.nmae = b)`, `
4:31: expected a comma or ), found "b"
4:44: unknown field proc.nmae; did you mean proc.name?`},
		{"open list", `proc.name in (a, b and proc.nmae = b`, `
4:33: expected a comma or ), found "and"
4:37: unknown field proc.nmae; did you mean proc.name?`},
		{"open string", `(proc.nmae = b and proc.name = "a) and b`, `
4:15: unknown field proc.nmae; did you mean proc.name?
4:45: string is not closed`},
		{"upper case", `proc.nmae = b AND proc.pdi = 1 OR no_macro`, `
4:14: unknown field proc.nmae; did you mean proc.name?
4:28: expected and, or or the end, found "AND"; did you mean and?
4:32: unknown field proc.pdi; did you mean proc.pid?
4:45: expected and, or or the end, found "OR"; did you mean or?
4:48: unknown macro no_macro; if another file defines it, name that file first`},
		{"value with a blank", `proc.cmdline = rm -rf / and proc.nmae = b`, `
4:14: unknown field proc.cmdline
4:32: expected and, or or the end, found "-rf"; put a value with blanks in quotes: "rm -rf /"
4:42: unknown field proc.nmae; did you mean proc.name?`},
		{"begun name", `proc.nam = a and proc.d < 5s`, `
4:14: unknown field proc.nam; did you mean proc.name?
4:31: unknown field proc.d; did you mean proc.duration?`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := loadTexts(withCondition(tt.cond))
			got := strings.ReplaceAll(strings.ReplaceAll(lines(rule.Errors(err)), "a.yaml:", ""), "rule \"R\": ", "")
			if diff := cmp.Diff(tt.want[1:], strings.TrimSuffix(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestEveryKey: each key of an item is checked, whatever is wrong with others.
func TestEveryKey(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"all at once", "- rule: R\n  desc: D\n  output: '%proc.nmae'\n  priority: Loud\n  condition: no.such = a\n  exceptions: []\n  enabled: maybe\n", `
a.yaml:3:12: rule "R": unknown field proc.nmae; did you mean proc.name?
a.yaml:4:13: rule "R": unknown priority "Loud": use one of Emergency, Alert, Critical, Error, Warning, Notice, Informational, Debug
a.yaml:5:14: rule "R": unknown field no.such
a.yaml:7:12: rule "R": enabled must be true or false`},
		{"no name", "- rule:\n  condition: no.such = a\n- macro:\n  condition: a b\n", `
a.yaml:1:8: rule is empty
a.yaml:2:14: unknown field no.such
a.yaml:3:9: macro is empty
a.yaml:4:16: expected and, or or the end, found "b"`},
		{"changes of others", "- rule: R\n  condition: and no.such = a\n  append: true\n- macro: m\n  condition: or x\n  override: {condition: append}\n- list: l\n  append: true\n", `
a.yaml:1:9: rule "R": there is no rule of this name to append to before this place
a.yaml:4:10: macro "m": there is no macro of this name to append to before this place
a.yaml:7:3: list "l": the list has no items; write items: [] for none
a.yaml:7:9: list "l": there is no list of this name to append to before this place`},
		{"macro of a failing rule", "- macro: m\n  condition: no.such = a\n- macro: n\n  condition: no.more = a\n- macro: o\n  condition: (n\n" +
			head + "  condition: evt.type regex a (m and o\n", `
a.yaml:2:14: macro "m": unknown field no.such
a.yaml:4:14: macro "n": unknown field no.more
a.yaml:6:14: macro "o": parenthesis is not closed
a.yaml:11:31: rule "R": expected and, or or the end, found "("; put a value with blanks in quotes: "a (m and o"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := loadTexts(tt.text)
			if diff := cmp.Diff(tt.want[1:]+"\n", lines(rule.Errors(err))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestTwice: the second of a name in one file counts, and both are named; what is
// wrong with the first is a warning.
func TestTwice(t *testing.T) {
	set := mustLoad(t, withCondition("no.such = a")+withCondition("evt.type = open and m and proc.name in (l)")+
		"- macro: m\n  condition: no.macro.field = b\n- macro: m\n  condition: proc.name = b\n- list: l\n  items: [x]\n- list: l\n  items: [y]\n",
		withCondition("evt.type = execve"))
	want := `a.yaml:4:14: rule "R": unknown field no.such
a.yaml:6:9: rule "R": the rule at a.yaml:1:3 has the same name: this one replaces it; give one of them another name
a.yaml:12:14: macro "m": unknown field no.macro.field
a.yaml:13:3: macro "m": no rule and no macro uses it; take it out unless another file needs it
a.yaml:13:10: macro "m": the macro at a.yaml:11:3 has the same name: this one replaces it; give one of them another name
a.yaml:17:3: list "l": no rule, macro or list uses it; take it out unless another file needs it
a.yaml:17:9: list "l": the list at a.yaml:15:3 has the same name: this one replaces it; give one of them another name
`
	if diff := cmp.Diff(want, lines(set.Warnings)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(set.Rules) != 1 || set.Rules[0].Pos.File != "b.yaml" {
		t.Errorf("rules are %v", set.Rules)
	}
}

// TestNoRegularFile: a named pipe would wait for its writer.
func TestNoRegularFile(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "a.yaml")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/null", filepath.Join(dir, "b.yaml")); err != nil {
		t.Fatal(err)
	}
	_, err := Files([]string{dir, fifo, "/dev/null"}, catalogue())
	want := "/dev/null: read rules: a device is no regular file\n" +
		fifo + ": read rules: a named pipe is no regular file\n" +
		filepath.Join(dir, "b.yaml") + ": read rules: a device is no regular file\n"
	if diff := cmp.Diff(want, lines(rule.Errors(err))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
