package loader

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// ruleItem is a rule with a name and a condition.
func ruleItem(name, cond, more string) string {
	return "- rule: " + name + "\n  desc: D\n  priority: Info\n  condition: " + cond + "\n  output: O\n" + more
}

// said writes codes and names.
func said(errs []*rule.Error) string {
	var all []string
	for _, e := range errs {
		all = append(all, string(e.Code)+" "+e.Kind+" "+e.Rule)
	}
	return strings.Join(all, "\n")
}

// TestSkipUnknown: a rule that asks for what is not known is left out, if it says
// so, wherever it asks for it. What another rule uses is a mistake.
func TestSkipUnknown(t *testing.T) {
	const skip = "  skip-if-unknown-filter: true\n"
	const macro = "- macro: m\n  condition: no.such = 1\n- macro: outer\n  condition: m or evt.type = open\n"
	tests := []struct{ name, text, errors, warnings string }{
		{"field", ruleItem("A", "evt.type = open and no.such = 1", skip), "", "unknown-filter  A"},
		{"output", strings.Replace(ruleItem("A", "evt.type = open", skip), "output: O", "output: '%no.such'", 1), "", "unknown-filter  A"},
		{"event type", ruleItem("A", "evt.type = opne", skip), "", "unknown-filter  A"},
		{"macro", macro + ruleItem("A", "evt.type = open and m", skip) + ruleItem("B", "evt.type = open and outer", skip), "", "unknown-filter  A\nunknown-filter  B"},
		{"another mistake", ruleItem("A", "evt.type = open and no.such = 1 and proc.pid = x", skip), "unknown-field  A\nbad-value  A", ""},
		{"another rule", macro + ruleItem("A", "evt.type = open and outer", skip) + ruleItem("B", "evt.type = open and outer", ""), "unknown-field macro m", "unknown-filter  A"},
		{"nothing unknown", ruleItem("A", "evt.type = open", skip), "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, err := loadTexts(tt.text + ruleItem("Z", "evt.type = execve and proc.name = z", ""))
			if diff := cmp.Diff(tt.errors, said(rule.Errors(err))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.warnings, said(set.Warnings)); err == nil && diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			if err == nil && set.Rules[len(set.Rules)-1].Name != "Z" {
				t.Errorf("rules are %v", set.Rules)
			}
		})
	}
}

// TestOneCause: what cannot match is said once, however many parts of a condition
// say so.
func TestOneCause(t *testing.T) {
	const lost = "- macro: lost\n  condition: evt.type in (page_fault, signaldeliver)\n"
	tests := []struct{ name, text, want string }{
		{"types", ruleItem("A", "evt.type in (page_fault, signaldeliver) and proc.name = x", ""),
			`the condition can never match: events of type page_fault and signaldeliver are not delivered by this version of goshawk`},
		{"types one by one", ruleItem("A", "(evt.type = page_fault or evt.type = signaldeliver) and proc.name = x", ""),
			`the condition can never match: events of type page_fault and signaldeliver are not delivered by this version of goshawk`},
		{"macro", lost + ruleItem("A", "lost and proc.name = x", ""),
			`the condition can never match: in macro lost, events of type page_fault and signaldeliver are not delivered by this version of goshawk`},
		{"macro that another rule needs not", lost + ruleItem("A", "(lost or evt.type = open) and proc.name = x", ""),
			`events of type page_fault and signaldeliver are not delivered by this version of goshawk: they never match`},
		{"one of the types", ruleItem("A", "evt.type in (open, page_fault) and proc.name = x", ""),
			`events of type page_fault are not delivered by this version of goshawk: it never matches`},
		{"field", ruleItem("A", "evt.type = execve and thread.cpu > 50 and thread.cpu < 90", ""),
			`the condition can never match: thread.cpu is not delivered: it would need a hook on every context switch, which costs the whole machine too much`},
		{"field in a transformer", ruleItem("A", "evt.type = execve and tolower(evt.buffer) contains x", ""),
			`the condition can never match: tolower(evt.buffer) is not delivered: what calls read and write is not sent from the kernel yet`},
		{"field denied twice", ruleItem("A", "evt.type = execve and proc.name = x and not thread.cpu > 50 and not thread.cpu < 9", ""),
			`the value of thread.cpu is not delivered, so that it is always absent: it would need a hook on every context switch, which costs the whole machine too much`},
		{"field in the output", strings.Replace(ruleItem("A", "evt.type = execve and proc.name = x", ""), "output: O", "output: '%thread.cpu %thread.cpu'", 1),
			`the value of thread.cpu is not delivered, so that it is always absent: it would need a hook on every context switch, which costs the whole machine too much`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, err := loadSyscall(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range set.Warnings {
				got = append(got, w.Err.Error())
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
