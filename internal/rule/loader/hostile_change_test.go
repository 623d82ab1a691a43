package loader

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// hostileRules are many rules of which each takes little room.
func hostileRules(n int) string {
	return repeat(n, func(i int) string {
		return fmt.Sprintf("- {rule: R%d, desc: D, output: O, priority: Info, condition: evt.type=open}\n", i)
	})
}

// withExceptions is the rule R with exceptions.
func withExceptions(exceptions string) string {
	return withCondition("evt.type = open") + "  exceptions: [" + exceptions + "]\n"
}

// hostileChanges are changes of rules that are made to cost much.
var hostileChanges = []hostileFile{
	{"many conditions appended", withCondition("evt.type = open") + repeat(20_000, func(i int) string {
		return fmt.Sprintf("- {rule: R, condition: or proc.name = x%d, override: {condition: append}}\n", i)
	}), ""},
	{"many conditions appended the old way", withCondition("evt.type = open") + repeat(20_000, func(i int) string {
		return fmt.Sprintf("- {rule: R, condition: and proc.name != x%d, append: true}\n", i)
	}), ""},
	{"many parts appended", withCondition("evt.type = open") + repeat(20_000, func(i int) string {
		return fmt.Sprintf("- {rule: R, desc: d%d, output: o%d, tags: [t%d], override: {desc: append, output: append, tags: append}}\n", i, i, i)
	}), ""},
	{"many conditions appended to a macro", "- {macro: m, condition: evt.type = open}\n" + oneRule + repeat(20_000, func(i int) string {
		return fmt.Sprintf("- {macro: m, condition: or proc.name = x%d, override: {condition: append}}\n", i)
	}), ""},
	{"many items appended", "- {list: l, items: [a]}\n" + withCondition("evt.type = open and proc.name in (l)") + repeat(20_000, func(i int) string {
		return fmt.Sprintf("- {list: l, items: [x%d], override: {items: append}}\n", i)
	}), ""},
	{"many replaced", withCondition("evt.type = open") + repeat(20_000, func(i int) string {
		return fmt.Sprintf("- {rule: R, condition: evt.type = open and proc.pid = %d, override: {condition: replace}}\n", i)
	}), ""},
	{"many tags", withCondition("evt.type = open") + "  tags: [" + repeat(200_000, func(i int) string { return fmt.Sprintf("t%d,", i) }) + "]\n", ""},
	{"many exceptions", withExceptions(repeat(30_000, func(i int) string { return fmt.Sprintf("{name: e%d, fields: proc.name, values: [a]},", i) })), ""},
	{"many exceptions of one name", withExceptions(repeat(30_000, func(i int) string { return "{name: e, fields: proc.name, values: [a]}," })), ""},
	{"many exceptions appended", withCondition("evt.type = open") + repeat(20_000, func(i int) string {
		return fmt.Sprintf("- {rule: R, exceptions: [{name: e%d, fields: proc.name, values: [a]}], override: {exceptions: append}}\n", i)
	}), ""},
	{"many values appended", withExceptions("{name: e, fields: proc.name}") + repeat(20_000, func(i int) string {
		return fmt.Sprintf("- {rule: R, exceptions: [{name: e, values: [a%d]}], override: {exceptions: append}}\n", i)
	}), ""},
	{"many tuples", withExceptions("{name: e, fields: [proc.name, proc.pid], values: [" + repeat(20_000, func(i int) string { return fmt.Sprintf("[a%d, %d],", i, i) }) + "]}"), ""},
	{"a long field and many tuples", withExceptions("{name: e, fields: ['concat(proc.name, \"" + strings.Repeat("a", 200_000) + "\")'], values: [" +
		strings.Repeat("[a],", 20_000) + "]}"), "stand for too many comparisons"},
	{"many fields and tuples with one too few", withExceptions("{name: e, fields: [" + strings.Repeat("proc.name,", 20_000) + "], values: [" +
		strings.Repeat("[a],", 20_000) + "]}"), "this tuple 1 values"},
	{"lists in values, named often", "- list: l\n  items: &c [[[" + strings.Repeat("a, ", 20_000) + "a]]]\n" + withExceptions(
		strings.Repeat("{name: e, fields: [proc.name], comps: [in], values: *c},", 5_000)), "x"},
	{"a list in many tuples", "- list: l\n  items: [" + repeat(20_000, func(i int) string { return fmt.Sprintf("a%d,", i) }) + "]\n" +
		withExceptions("{name: e, fields: [proc.name], comps: [in], values: ["+strings.Repeat("[[l, x]],", 500)+"]}"), "lists stand for more than 500000 values"},
	{"changes of what is not there", hostileRules(20_000) + repeat(20_000, func(i int) string { return fmt.Sprintf("- {rule: S%d, enabled: false}\n", i) }),
		"there is no rule of this name"},
	{"macros and lists that are not there", hostileRules(1) + repeat(10_000, func(i int) string {
		return fmt.Sprintf("- {macro: m%d, condition: evt.type=open}\n- {list: l%d, items: [a]}\n", i, i)
	}) + repeat(10_000, func(i int) string {
		return fmt.Sprintf("- {macro: n%d, condition: m, append: true}\n- {list: k%d, items: [b], append: true}\n", i, i)
	}), "to append to before this place"},
	{"values that are not there", withCondition("evt.type = open") + repeat(20_000, func(i int) string {
		return fmt.Sprintf("- {rule: R, exceptions: [{name: e%d, values: [a]}], override: {exceptions: append}}\n", i)
	}), "has no exception"},
	{"a field of many dots", withCondition(strings.Repeat("a.", 500_000) + "a = x"), "unknown field"},
	{"a large override", hostileRules(1) + "- {rule: R0, override: {" + repeat(100_000, func(i int) string { return fmt.Sprintf("condition%d: append,", i) }) + "}}\n", "cannot be overridden"},
	{"many unknown keys", "- {macro: m, condition: evt.type=open," + repeat(100_000, func(i int) string { return fmt.Sprintf("conditon%d: x,", i) }) + "}\n" + oneRule, ""},
	{"one rule again and again", strings.Repeat("- {rule: R, desc: D, output: O, priority: Info, condition: evt.type=open}\n", 20_000), ""},
	{"plugins", "- required_plugin_versions: [" + strings.Repeat("{name: a, version: 1.0.0, alternatives: [{name: b, version: 1.0.0}]},", 20_000) + "]\n", ""},
	{"plugins in plugins", "- required_plugin_versions: [" + strings.Repeat("{name: a, version: 1.0.0, alternatives: [", 3_000) + strings.Repeat("]}", 3_000) + "]\n", ""},
	{"plugins in a circle", "- required_plugin_versions: [&a {name: a, version: 1.0.0, alternatives: [*a, *a]}]\n", "x"},
}

// TestManyProblems: of millions of mistakes and warnings some thousands are kept.
func TestManyProblems(t *testing.T) {
	set, err := loadTexts(strings.Repeat("- rule: a\n", 20_000) + "- list: l\n  items: [" + strings.Repeat("a,", 20_000) + "]\n")
	errs := rule.Errors(err)
	for what, all := range map[string][]*rule.Error{"mistakes": errs, "warnings": set.Warnings} {
		if len(all) > 10_001 || !strings.Contains(lines(all), "there are more than 10000 "+what+": the others are not shown") {
			t.Errorf("%d %s", len(all), what)
		}
	}
}
