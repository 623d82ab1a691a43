package loader

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// TestLintForms: what says the same as something simpler, and what is taken as a
// text. Places count from the condition's first character.
func TestLintForms(t *testing.T) {
	tests := []struct{ cond, want string }{
		{`proc.name regex "^sh$"`, `17: the regular expression says no more than = does; write proc.name = sh`},
		{`proc.name regex "sh.*"`, `17: the regular expression says no more than startswith does; write proc.name startswith sh`},
		{`proc.name regex ".*sh"`, `17: the regular expression says no more than endswith does; write proc.name endswith sh`},
		{`proc.name regex ".*a b.*"`, `17: the regular expression says no more than contains does; write proc.name contains "a b"`},
		{`proc.name regex ".*"`, `17: the regular expression says no more than exists does; write proc.name exists`},
		{`proc.name regex "sh|bash|zsh"`, `17: the regular expression says no more than in does; write proc.name in (sh, bash, zsh)`},
		{`proc.name regex "(ba|z)sh"`, `17: the regular expression says no more than in does; write proc.name in (bash, zsh)`},
		{`proc.name regex "(ba|z)sh.*"`, `17: the regular expression says no more than startswith does; write proc.name startswith anyof (bash, zsh)`},
		{`proc.name regex anyof ("a.*", "[bc]")`, `24: the regular expression says no more than startswith does; write proc.name startswith anyof (…)`},
		{`proc.name regex "a\\.b"`, `17: the regular expression says no more than = does; write proc.name = a.b`},
		{`proc.name regex "a.b" or proc.name regex "a+" or proc.name regex "[ab]" or proc.name regex "a.*b" or proc.name regex ".+a"`, ``},

		{`fd.name glob /etc/passwd`, `14: the pattern has no * or ?, so that it stands for itself; write fd.name = /etc/passwd`},
		{`fd.name glob "/etc/pass\\?"`, ``},

		{`proc.name = "<NA>"`, `13: proc.name is never <NA>: where it is missing it is absent, no comparison with it is true, and a not before one is; write proc.name exists, or not proc.name exists`},
		{`not user.name in ("<NA>", root)`, `19: user.name is never <NA>: where it is missing it is absent, no comparison with it is true, and a not before one is; write user.name exists, or not user.name exists`},
		{`proc.name != "<NA>"`, `14: proc.name is never <NA>: where it is missing it is absent, and this is true whenever it is there; write proc.name exists`},

		{`proc.name = proc.pname`, `13: proc.pname is the name of a field, and is taken as a text here; write val(proc.pname) to compare with the field`},
		{`proc.name in ("proc.aname[2]", sh)`, `15: proc.aname[2] is the name of a field, and is taken as a text here; write val(proc.aname[2]) to compare with the field`},
		{`proc.name = "tolower(proc.pname)"`, `13: "tolower(proc.pname)" looks like a transformer, and is taken as a text here; write it without quotes`},
		{`proc.name = no.field or proc.name = "f(x)"`, ``},

		{`evt.arg.mode > 10`, `16: evt.arg.mode is a text, and texts are compared letter by letter: 9 comes after 10; evt.rawarg.mode is a number`},
		{`proc.name > a`, ``},

		{`proc.name in (a, b, "a", c)`, `21: a is in the list already, at 9:66; take one out`},
		{`proc.name contains ""`, `20: proc.name contains "" is true for every value`},
		{`proc.name bcontains ""`, `21: proc.name bcontains "" is true for every value`},

		{`fd.name startswith /proc/self/`, `20: /proc/self is usually a link to the directory of the process that asks: files that are opened through it for reading have the name behind it`},
		{`fd.name in (/etc/mtab, /etc/mtab2, /dev/fdx)`, `13: /etc/mtab is usually a link to /proc/PID/mounts: files that are opened through it for reading have the name behind it`},
		{`fd.name glob "/proc/self/*"`, `14: /proc/self is usually a link to the directory of the process that asks: files that are opened through it for reading have the name behind it`},
		{`fd.name contains /proc/self or proc.cwd startswith /proc/self or fd.nameraw = /dev/fd`, ``},
	}
	for _, tt := range tests {
		t.Run(tt.cond, func(t *testing.T) {
			const before = "evt.type = open and (proc.pid = 1 or "
			got := lintLines(t, before+tt.cond+")", before)
			if got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestTrueIfAbsent: a rule that is true because its events have no such field.
func TestTrueIfAbsent(t *testing.T) {
	const execs = "every event of execve makes the condition true: it has no fd.name, and what is denied of a missing value is true; add fd.name exists, or leave out these event types"
	tests := []struct{ cond, want string }{
		{`evt.type in (open, execve) and not fd.name startswith /tmp`, "36: " + execs},
		{`evt.type in (open, execve) and not (fd.name startswith /tmp or proc.name = x)`, ""}, // another condition is left
		{`evt.type in (open, execve) and not fd.name startswith /tmp and proc.name = x`, ""},
		{`evt.type in (open, execve) and fd.name exists and not fd.name startswith /tmp`, ""},
		{`evt.type in (open, execve) and not fd.name exists`, ""},
		{`evt.type = execve or (evt.type = open and not fd.name = /tmp)`, ""},
		{`evt.type = open and not fd.name = /tmp`, ""},
		{`evt.type in (open, execve) and fd.name != /tmp`, ""},
		{`evt.type in (open, execve) and not (fd.name = /tmp and proc.name = x)`, "37: " + execs},
	}
	for _, tt := range tests {
		t.Run(tt.cond, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, lintLines(t, tt.cond, "")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestUnused: what nobody names, directly; disabled rules count.
func TestUnused(t *testing.T) {
	set := mustLoad(t, `
- list: inner
  items: [a]
- list: outer
  items: [inner, b]
- list: nobody
  items: [c]
- list: of_unused
  items: [d]
- macro: used
  condition: proc.name in (outer)
- macro: also
  condition: used
- macro: alone
  condition: also and proc.name in (of_unused)
`+withCondition("evt.type = open and used")+"  enabled: false\n")
	want := `a.yaml:6:3: list "nobody": no rule, macro or list uses it; take it out unless another file needs it
a.yaml:14:3: macro "alone": no rule and no macro uses it; take it out unless another file needs it
`
	if diff := cmp.Diff(want, lines(set.Warnings)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// What a rule of another source uses is used.
	set = mustLoad(t, "- list: l\n  items: [a]\n- macro: m\n  condition: ka.verb in (l)\n- macro: n\n  condition: not ka.x = y\n"+
		withCondition("(ka.user in (l) or m) and n")+"  source: k8s_audit\n")
	if len(set.Warnings) != 1 || set.Warnings[0].Code != rule.CodeUnknownSource {
		t.Errorf("of another source: %v", set.Warnings)
	}
	// Files without rules are for others.
	if set := mustLoad(t, "- list: l\n  items: [a]\n- macro: m\n  condition: proc.name = x\n"); len(set.Warnings) > 0 {
		t.Errorf("without rules: %v", set.Warnings)
	}
}

// TestImplied: a rule that is true only when another is.
func TestImplied(t *testing.T) {
	tests := []struct {
		name, a, b string // conditions behind evt.type = open
		severe     bool   // the first is more severe than the second
		want       string // the rule that is implied
	}{
		{"equal", "proc.name = x", "proc.name = x", false, "B"},
		{"equal and more severe", "proc.name = x", "proc.name = x", true, "B"},
		{"another order", "proc.name = x and proc.pname = y", "proc.pname = y and proc.name = x", false, "B"},
		{"one condition more", "proc.name = x and user.name = y", "proc.name = x", false, "A"},
		{"one condition more, on purpose", "proc.name = x and user.name = y", "proc.name = x", true, ""},
		{"one less", "proc.name = x", "proc.name = x and user.name = y", false, "B"},
		{"fewer values", "proc.name in (x, y)", "proc.name in (z, y, x)", false, "A"},
		{"one value", "proc.name = x", "proc.name in (z, x)", false, "A"},
		{"other values", "proc.name in (x, y, w)", "proc.name in (z, y, x)", false, ""},
		{"part of an or", "proc.name = x", "(proc.name = x or user.name = y)", false, "A"},
		{"an or of less", "(proc.name = x or proc.name = y)", "proc.name in (x, y, z)", false, "A"},
		{"denied more", "not proc.name in (x, y)", "not proc.name = x", false, "A"},
		{"denied less", "not proc.name = x", "not proc.name in (x, y)", false, "B"},
		{"longer beginning", "proc.name startswith abc", "proc.name startswith ab", false, "A"},
		{"equal to a longer text", "proc.name = abc", "proc.name contains b", false, "A"},
		{"exists", "proc.name = x", "proc.name exists", false, "A"},
		{"exists of several", "proc.aname = x", "proc.aname exists", false, ""},
		{"paths have other names", "fd.name startswith /lib/x", "fd.name startswith /lib", false, ""},
		{"other types", "proc.name = x", "proc.name = x and evt.type = openat", false, ""},
		{"unlike", "proc.name != x", "not proc.name = x", false, ""},
		{"macro", "named", "proc.name = x and user.name = y", false, "B"},
		{"twice denied", "not (not named)", "proc.name = x", false, "B"},
		{"exactly one", "proc.name startswith oneof (a, b)", "proc.name startswith oneof (a, b, c)", false, ""},
		{"all", "proc.name contains allof (a, b)", "proc.name contains allof (a, b, c)", false, ""},
		{"fields", "proc.name = val(proc.pname)", "proc.name = val(proc.pname)", false, "B"},
		{"other fields", "proc.name = val(proc.pname)", "proc.name = val(user.name)", false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			item := func(name, cond string, priority string) string {
				return "- rule: " + name + "\n  desc: D\n  priority: " + priority + "\n  condition: evt.type = open and " + cond + "\n  output: O\n"
			}
			first := "Info"
			if tt.severe {
				first = "Error"
			}
			set, err := loadSyscall("- macro: named\n  condition: proc.name = x\n" + item("A", tt.a, first) + item("B", tt.b, "Info"))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, w := range set.Warnings {
				if w.Code == rule.CodeRuleImplied {
					got += w.Rule
				}
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
