package diff

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

const head = `- list: shells
  items: [sh, bash]
- macro: spawned
  condition: evt.type in (execve, execveat) and evt.failed = false
`

func item(condition string) string {
	return head + "- rule: R\n  desc: D\n  condition: " + condition + "\n  output: o\n  priority: Info\n  tags: [a, b]\n"
}

func load(t *testing.T, text string) *rule.Set {
	t.Helper()
	set, err := loader.Texts([]rule.File{{Name: "r.yaml", Text: text}}, field.New(field.Syscall()))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestSame: what is written otherwise and means the same.
func TestSame(t *testing.T) {
	tests := []struct{ name, old, next string }{
		{"order of parts", "spawned and proc.name = a and proc.pid = 1", "proc.pid = 1 and spawned and proc.name = a"},
		{"parentheses", "spawned and (proc.name = a and proc.pid = 1)", "(spawned and proc.name = a) and proc.pid = 1"},
		{"or", "spawned and (proc.name = a or proc.name = b or proc.pid = 1)", "spawned and (proc.pid = 1 or (proc.name = b or proc.name = a))"},
		{"twice", "spawned and proc.name = a", "spawned and proc.name = a and proc.name = a"},
		{"double not", "spawned and not not proc.name = a", "spawned and proc.name = a"},
		{"double not of more", "spawned and (proc.name = a and not not (proc.pid = 1 and not not not not proc.vpid = 2))", "proc.vpid = 2 and spawned and proc.pid = 1 and proc.name = a"},
		{"values", "spawned and proc.name in (a, b, shells)", "spawned and proc.name in (shells, b, a, a)"},
		{"name of a list", "spawned and proc.name in (shells)", "spawned and proc.name in shells"},
		{"quotes", `spawned and proc.name = "a"`, "spawned and proc.name='a'"},
		{"signs", "spawned and proc.name == a", "spawned and proc.name = a"},
		{"transformers", "spawned and tolower( proc.name ) = a", "spawned and tolower(proc.name) = a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Compare(load(t, item(tt.old)), load(t, item(tt.next)))
			if !r.Equal() {
				var b strings.Builder
				_ = Text(&b, r) // a Builder takes all
				t.Errorf("differ:\n%s", b.String())
			}
		})
	}
}

func TestDifferent(t *testing.T) {
	exception := "\n  exceptions: [{name: e, fields: proc.name, values: [x]}]"
	tests := []struct{ name, old, next, want string }{
		{"a part more", item("spawned"), item("spawned and not proc.name in (shells)"), `
changed rule "R" (r.yaml:5:3)
    condition
      + not proc.name in (shells)
rules: 0 added, 0 removed, 1 changed; macros: 0 added, 0 removed, 0 changed; lists: 0 added, 0 removed, 0 changed
`},
		{"not", item("spawned and proc.name = a"), item("spawned and not proc.name = a"), `
changed rule "R" (r.yaml:5:3)
    condition
      - proc.name = a
      + not proc.name = a
rules: 0 added, 0 removed, 1 changed; macros: 0 added, 0 removed, 0 changed; lists: 0 added, 0 removed, 0 changed
`},
		{"a case more", item("spawned"), item("spawned or evt.type = open and proc.name = a"), `
changed rule "R" (r.yaml:5:3)
    condition
      + or (evt.type = open and proc.name = a)
    event types
      + open
rules: 0 added, 0 removed, 1 changed; macros: 0 added, 0 removed, 0 changed; lists: 0 added, 0 removed, 0 changed
`},
		{"a case less, beside an exception", item("spawned or evt.type = open or evt.type = openat" + exception), item("not not (evt.type = openat or spawned)" + exception), `
changed rule "R" (r.yaml:5:3)
    condition
      - or evt.type = open
    event types
      - open
rules: 0 added, 0 removed, 1 changed; macros: 0 added, 0 removed, 0 changed; lists: 0 added, 0 removed, 0 changed
`},
		{"macro and list", item("spawned and proc.name in (shells)"), strings.NewReplacer("[sh, bash]", "[bash, zsh]", "(execve, execveat)", "(execve)").Replace(item("spawned and proc.name in (shells)")), `
changed rule "R" (r.yaml:5:3)
    event types
      - execveat
changed macro "spawned" (r.yaml:3:3)
    condition
      - evt.type in (execve, execveat)
      + evt.type in (execve)
    used by: R
changed list "shells" (r.yaml:1:3)
    items
      - sh
      + zsh
    used by: R
rules: 0 added, 0 removed, 1 changed; macros: 0 added, 0 removed, 1 changed; lists: 0 added, 0 removed, 1 changed
`},
		{"exceptions", item("spawned" + exception), item("spawned" + strings.Replace(exception, "[x]", "[x, y]", 1)), `
changed rule "R" (r.yaml:5:3)
    exception e
      - proc.name in (x)
      + proc.name in (x, y)
rules: 0 added, 0 removed, 1 changed; macros: 0 added, 0 removed, 0 changed; lists: 0 added, 0 removed, 0 changed
`},
		{"everything else", item("spawned"), strings.NewReplacer("desc: D", "desc: E", "output: o", "output: p", "Info", "ERROR\n  enabled: false", "[a, b]", "[b, c]").Replace(item("spawned")), `
changed rule "R" (r.yaml:5:3)
    output
      - o
      + p
    priority
      - Informational
      + Error
    enabled
      - true
      + false
    tags
      - a
      + c
    desc
      - D
      + E
rules: 0 added, 0 removed, 1 changed; macros: 0 added, 0 removed, 0 changed; lists: 0 added, 0 removed, 0 changed
`},
		{"another name", item("spawned"), strings.Replace(item("spawned"), "rule: R", "rule: S", 1), `
removed rule "R" (r.yaml:5:3)
added rule "S" (r.yaml:5:3)
    condition
      + spawned
    event types
      + execve
      + execveat
rules: 1 added, 1 removed, 0 changed; macros: 0 added, 0 removed, 0 changed; lists: 0 added, 0 removed, 0 changed
`},
		{"nothing left", item("spawned"), "", `
removed rule "R" (r.yaml:5:3)
removed macro "spawned" (r.yaml:3:3)
    used by: R
removed list "shells" (r.yaml:1:3)
rules: 0 added, 1 removed, 0 changed; macros: 0 added, 1 removed, 0 changed; lists: 0 added, 1 removed, 0 changed
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			if err := Text(&b, Compare(load(t, tt.old), load(t, tt.next))); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestDoubling: macros that double at each level are compared in linear time.
func TestDoubling(t *testing.T) {
	var b strings.Builder
	b.WriteString("- macro: m0\n  condition: evt.type = open\n")
	for i := 1; i < 100; i++ {
		n := string(rune('0'+(i-1)/10)) + string(rune('0'+(i-1)%10))
		if i == 1 {
			n = "0"
		}
		m := string(rune('0'+i/10)) + string(rune('0'+i%10))
		b.WriteString("- macro: m" + m + "\n  condition: m" + n + " and not m" + n + " or m" + n + "\n")
	}
	text := b.String() + "- rule: R\n  desc: D\n  condition: m99\n  output: o\n  priority: Info\n"
	if r := Compare(load(t, text), load(t, strings.Replace(text, "= open", "= creat", 1))); len(r.Macros) != 1 {
		t.Errorf("%d macros differ, want 1", len(r.Macros))
	}
}
