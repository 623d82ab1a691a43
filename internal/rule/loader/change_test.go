package loader

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// base is what the tests of changes change.
const base = `- list: l
  items: [a, b]
- macro: m
  condition: evt.type = open or evt.type = openat
- rule: R
  desc: D
  condition: m and proc.name in (l)
  output: o
  priority: Info
  tags: [x]
`

// TestChange shows what a later file makes of a rule: the second text is a file of
// its own.
func TestChange(t *testing.T) {
	tests := []struct{ name, change, want string }{
		{"nothing", "", `m and proc.name in (l) | D | o | Informational | [x] | true`},
		{"append all", "- rule: R\n  condition: or evt.type = connect\n  desc: E\n  output: '%proc.pid'\n  tags: [y, x]\n  override: {condition: append, desc: append, output: append, tags: append}\n",
			`m and proc.name in (l) or evt.type = connect | D E | o %proc.pid | Informational | [x y] | true`},
		{"replace all", "- rule: R\n  condition: m\n  desc: E\n  output: p\n  tags: [y]\n  priority: ERROR\n  enabled: false\n  warn_evttypes: false\n  skip-if-unknown-filter: true\n  override: {condition: replace, desc: replace, output: replace, tags: replace, priority: replace, enabled: replace, warn_evttypes: replace, skip-if-unknown-filter: replace}\n",
			`m | E | p | Error | [y] | false`},
		{"append and replace", "- rule: R\n  condition: and proc.pid = 1\n  priority: debug\n  override: {condition: append, priority: replace}\n",
			`m and proc.name in (l) and proc.pid = 1 | D | o | Debug | [x] | true`},
		{"the old way", "- rule: R\n  condition: and proc.pid = 1\n  append: true\n", `m and proc.name in (l) and proc.pid = 1 | D | o | Informational | [x] | true`},
		{"the old switch", "- rule: R\n  enabled: false\n", `m and proc.name in (l) | D | o | Informational | [x] | false`},
		{"append twice", "- rule: R\n  condition: and proc.pid = 1\n  override: {condition: append}\n- rule: R\n  condition: or m\n  override: {condition: append}\n",
			`m and proc.name in (l) and proc.pid = 1 or m | D | o | Informational | [x] | true`},
		{"defined anew", "- rule: R\n  desc: N\n  condition: m\n  output: n\n  priority: Alert\n", `m | N | n | Alert | [] | true`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := mustLoad(t, base, tt.change).Rules[0]
			got := []string{r.Condition.String(), r.Desc, r.Output.Text, r.Priority.String(), "[" + strings.Join(r.Tags, " ") + "]", strconv.FormatBool(r.Enabled)}
			if diff := cmp.Diff(tt.want, strings.Join(got, " | ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestChangeOthers: macros and lists that are changed are changed for all.
func TestChangeOthers(t *testing.T) {
	set := mustLoad(t, base, "- macro: m\n  condition: or evt.type = creat\n  override: {condition: append}\n- list: l\n  items: [c]\n  override: {items: append}\n")
	if got, want := set.Macros["m"].Expr.String(), "evt.type = open or evt.type = openat or evt.type = creat"; got != want {
		t.Errorf("the macro is %s, want %s", got, want)
	}
	if got := len(set.Rules[0].Types); got != 3 {
		t.Errorf("the rule is for %d event types, want 3", got)
	}
	var items []string
	for _, i := range set.Lists["l"].Items {
		items = append(items, i.Text)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, items); diff != "" {
		t.Error(diff)
	}
	set = mustLoad(t, base, "- list: l\n  items: [c]\n  override: {items: replace}\n- macro: m\n  condition: evt.type = creat\n  override: {condition: replace}\n")
	if len(set.Lists["l"].Items) != 1 || len(set.Rules[0].Types) != 1 {
		t.Errorf("replaced: %d items, %d types", len(set.Lists["l"].Items), len(set.Rules[0].Types))
	}
}

func TestChangeErrors(t *testing.T) {
	tests := []struct{ name, change, want string }{
		{"no such rule", "- rule: Q\n  tags: [y]\n  override: {tags: append}\n", `
b.yaml:1:9: rule "Q": there is no rule of this name to change before this place`},
		{"no such list", "- list: k\n  items: [y]\n  override: {items: append}\n", `
b.yaml:1:9: list "k": there is no list of this name to append to before this place`},
		{"both ways", "- rule: R\n  tags: [y]\n  append: true\n  override: {tags: append}\n", `
b.yaml:3:3: rule "R": append and override cannot stand together; leave append out`},
		{"what is not there", "- rule: R\n  tags: [y]\n  override: {tags: append, desc: replace}\n", `
b.yaml:3:28: rule "R": override says replace of desc, and the item has no desc`},
		{"what is not named", "- rule: R\n  tags: [y]\n  desc: E\n  override: {tags: append}\n", `
b.yaml:3:3: rule "R": key desc is not named in override, so that it is not clear what it is for; add desc: replace to it, or leave the key out`},
		{"no such way", "- rule: R\n  tags: [y]\n  override: {tags: apend}\n", `
b.yaml:3:20: rule "R": override of tags must be append or replace, not "apend"; did you mean append?`},
		{"no such key", "- rule: R\n  tags: [y]\n  override: {tag: append}\n", `
b.yaml:2:3: rule "R": key tags is not named in override, so that it is not clear what it is for; add tags: replace to it, or leave the key out
b.yaml:3:14: rule "R": key tag of a rule cannot be overridden; did you mean tags?`},
		{"nothing to append to a priority", "- rule: R\n  priority: Info\n  override: {priority: append}\n", `
b.yaml:3:24: rule "R": nothing can be appended to priority; write replace`},
		{"no mapping", "- rule: R\n  tags: [y]\n  override: tags\n", `
b.yaml:3:13: rule "R": override must be a mapping of keys to append or replace`},
		{"a condition of two files", "- rule: R\n  condition: >\n    and proc.pid = 1\n    or proc.nmae = x\n  override: {condition: append}\n", `
b.yaml:4:8: rule "R": unknown field proc.nmae; did you mean proc.name?`},
		{"grammar of two files", "- rule: R\n  condition: proc.pid = 1\n  override: {condition: append}\n", `
b.yaml:2:14: rule "R": expected and, or or the end, found "proc.pid"`},
		{"two ways", "- rule: R\n  tags: [y]\n  override: {tags: append, tags: replace}\n", `
b.yaml:3:28: rule "R": override says twice what to do with tags`},
		{"appends nothing", "- rule: R\n  append: true\n", `
b.yaml:1:3: rule "R": the rule appends neither a condition nor exceptions`},
		{"another source", "- rule: R\n  source: k8s_audit\n  desc: D\n  condition: m\n  output: o\n  priority: Info\n", ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := loadTexts(base, tt.change)
			if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), strings.TrimSuffix(lines(rule.Errors(err)), "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestManyChanges: appending to one rule again and again takes linear time.
func TestManyChanges(t *testing.T) {
	const change = "- rule: R\n  condition: or proc.pid = 1\n  exceptions: [{name: e, values: [x]}]\n  tags: [y]\n  override: {condition: append, tags: append, exceptions: append}\n"
	exception := "- rule: R\n  exceptions: [{name: e, fields: proc.name, values: [w]}]\n  override: {exceptions: append}\n"
	set := mustLoad(t, base, exception+strings.Repeat(change, 20_000))
	if got := set.Rules[0].Exceptions[0].Values; got != 20_001 {
		t.Errorf("the exception has %d values", got)
	}
}
