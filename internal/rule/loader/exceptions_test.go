package loader

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// TestExceptions shows the condition that exceptions make of evt.type = open.
func TestExceptions(t *testing.T) {
	tests := []struct{ name, exceptions, change, want string }{
		{"none", "[]", "", `evt.type = open`},
		{"no values", "[{name: e, fields: [proc.name]}]", "", `evt.type = open`},
		{"one field", "[{name: e, fields: proc.name, values: [a, b c]}]", "", `evt.type = open and not proc.name in (a, "b c")`},
		{"one field, another operator", "[{name: e, fields: proc.name, comps: startswith anyof, values: [a, b]}]", "", `evt.type = open and not proc.name startswith anyof (a, b)`},
		{"tuples", "[{name: e, fields: [proc.name, proc.pid], values: [[a, 1], [b, 2]]}]", "",
			`evt.type = open and not (proc.name = a and proc.pid = 1 or proc.name = b and proc.pid = 2)`},
		{"operators", "[{name: e, fields: [proc.name, proc.pid], comps: [endswith, '<'], values: [[a, 0x10]]}]", "",
			`evt.type = open and not (proc.name endswith a and proc.pid < 0x10)`},
		{"list in a tuple", "[{name: e, fields: [proc.name, proc.pid], comps: [in, in], values: [[[a, b], 1], [c, [2, 3]]]}]", "",
			`evt.type = open and not (proc.name in (a, b) and proc.pid in (1) or proc.name in (c) and proc.pid in (2, 3))`},
		{"list as text", "[{name: e, fields: [proc.name], comps: [in], values: [['(a, \"b c\")']]}]", "", `evt.type = open and not proc.name in (a, "b c")`},
		{"name of a list", "[{name: e, fields: [proc.name], comps: [in], values: [[l]]}]", "", `evt.type = open and not proc.name in (l)`},
		{"quoted", "[{name: e, fields: [proc.name], values: [['\"l\"'], [\"it's\"]]}]", "", `evt.type = open and not (proc.name = "l" or proc.name = "it's")`},
		{"argument and transformer", "[{name: e, fields: ['proc.aname[2]', tolower(proc.name)], values: [[a, b]]}]", "",
			`evt.type = open and not (proc.aname[2] = a and tolower(proc.name) = b)`},
		{"another field on the right", "[{name: e, fields: [proc.name, proc.name], values: [['toupper(proc.aname[1])', 'val(proc.aname[2])']]}]", "",
			`evt.type = open and not (proc.name = toupper(proc.aname[1]) and proc.name = val(proc.aname[2]))`},
		{"a text that looks like one", "[{name: e, fields: [proc.name], values: [[toupper( proc.name)]]}]", "",
			`evt.type = open and not proc.name = "toupper( proc.name)"`},
		{"two", "[{name: e, fields: proc.name, values: [a]}, {name: f, fields: proc.pid, values: [1]}]", "",
			`evt.type = open and not proc.name in (a) and not proc.pid in (1)`},
		{"values appended", "[{name: e, fields: proc.name, values: [a]}]", "[{name: e, values: [b]}]", `evt.type = open and not proc.name in (a, b)`},
		{"tuples appended", "[{name: e, fields: [proc.name]}]", "[{name: e, values: [[b]]}]", `evt.type = open and not proc.name = b`},
		{"exception appended", "[{name: e, fields: proc.name, values: [a]}]", "[{name: f, fields: proc.pid, values: [1]}]",
			`evt.type = open and not proc.name in (a) and not proc.pid in (1)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			change := ""
			if tt.change != "" {
				change = "- rule: R\n  exceptions: " + tt.change + "\n  override: {exceptions: append}\n"
			}
			set := mustLoad(t, "- list: l\n  items: [x, y]\n"+withCondition("evt.type = open")+"  exceptions: "+tt.exceptions+"\n", change)
			if diff := cmp.Diff(tt.want, set.Rules[0].Condition.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	or := mustLoad(t, withCondition("evt.type = open or evt.type = creat")+"  exceptions: [{name: e, fields: proc.name, values: [a]}]\n")
	if got, want := or.Rules[0].Condition.String(), "(evt.type = open or evt.type = creat) and not proc.name in (a)"; got != want {
		t.Errorf("an or is excepted as %s, want %s", got, want)
	}
}

func TestExceptionErrors(t *testing.T) {
	tests := []struct{ name, exceptions, change, want string }{
		{"no list", "{name: e}", "", `a.yaml:6:15: rule "R": exceptions must be a list`},
		{"no mapping", "[e]", "", `a.yaml:6:16: rule "R": an exception is a mapping with name, fields and values`},
		{"no name", "[{fields: proc.name}]", "", `a.yaml:6:16: rule "R": the exception has no name`},
		{"a key twice", "[{name: e, fields: [proc.name], values: [[a]], values: [[b]]}]", "", `a.yaml:6:62: rule "R": key values of an exception is given twice`},
		{"no fields", "[{name: e, values: [a]}]", "", `a.yaml:6:16: rule "R": exception "e" has no fields`},
		{"fewer comps", "[{name: e, fields: [proc.name, proc.pid], comps: [=]}]", "", `a.yaml:6:64: rule "R": exception "e" has 2 fields and 1 comps`},
		{"comps without a list", "[{name: e, fields: [proc.name], comps: =}]", "", `a.yaml:6:54: rule "R": fields and comps of exception "e" must both be lists, or neither`},
		{"unknown comp", "[{name: e, fields: [proc.name], comps: [startwith]}]", "", `a.yaml:6:55: rule "R": unknown operator "startwith"; did you mean startswith?`},
		{"one value", "[{name: e, fields: proc.name, comps: =}]", "",
			`a.yaml:6:52: rule "R": exception "e" has one field without a list, and = compares with one value; write fields and comps as lists, or use in, pmatch, intersects, or an operator with oneof, anyof or allof`},
		{"short tuple", "[{name: e, fields: [proc.name, proc.pid], values: [[a]]}]", "", `a.yaml:6:66: rule "R": exception "e" has 2 fields, and this tuple 1 values`},
		{"no tuple", "[{name: e, fields: [proc.name], values: [a]}]", "",
			`a.yaml:6:56: rule "R": a value of exception "e" must be a tuple: a list with a value for each of its 1 fields`},
		{"tuple for one field", "[{name: e, fields: proc.name, values: [[a]]}]", "", `a.yaml:6:54: rule "R": exception "e" has one field without a list, so that its values are texts`},
		{"list for one value", "[{name: e, fields: [proc.name], values: [[[a]]]}]", "", `a.yaml:6:57: rule "R": = takes one value, and this is a list`},
		{"unknown field", "[{name: e, fields: [proc.nmae], values: [[a]]}]", "", `a.yaml:6:35: rule "R": unknown field proc.nmae; did you mean proc.name?`},
		{"value of another type", "[{name: e, fields: [proc.pid], values: [[a]]}]", "", `a.yaml:6:56: rule "R": "a" is not a number, as proc.pid needs`},
		{"fields appended", "[{name: e, fields: proc.name}]", "[{name: e, fields: proc.name, values: [a]}]",
			`b.yaml:2:16: rule "R": values alone can be appended to exception "e", which is there at a.yaml:6:16; leave fields and comps out`},
		{"appended to none", "[]", "[{name: e, values: [a]}]", `b.yaml:2:16: rule "R": the rule has no exception "e" to append values to, and a new one needs fields`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			change := ""
			if tt.change != "" {
				change = "- rule: R\n  exceptions: " + tt.change + "\n  override: {exceptions: append}\n"
			}
			_, err := loadTexts(withCondition("evt.type = open")+"  exceptions: "+tt.exceptions+"\n", change)
			if diff := cmp.Diff(tt.want, strings.TrimSuffix(lines(rule.Errors(err)), "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
