package loader

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// state is everything of a base that a set of a namespace might change.
func state(rules []*rule.Rule, set *rule.Set) map[string]string {
	all := map[string]string{}
	for _, r := range rules {
		all["rule "+r.Name] = strings.Join(append([]string{r.Desc, r.Output.Text, r.Priority.String(), r.Source, rule.Dump(r.Condition)}, r.Tags...), "\n")
		if !r.Enabled {
			all["rule "+r.Name] += "off"
		}
	}
	for name, m := range set.Macros {
		all["macro "+name] = rule.Dump(m.Expr)
	}
	for name, l := range set.Lists {
		for _, i := range l.Items {
			all["list "+name] += i.Text + "\n"
		}
	}
	return all
}

// FuzzTenant: whatever the set of a namespace says, its rules are confined to the
// namespace, and of the rules of others nothing is changed but that cases of the
// namespace are taken away. What another namespace's set makes is the same.
func FuzzTenant(f *testing.F) {
	for _, text := range []string{
		"", "- rule: Shell\n  condition: and not proc.name = a or proc.name = b\n  override: {condition: append}\n",
		"- macro: shell\n  condition: or evt.type = open\n  append: true\n- list: shells\n  items: [x]\n  append: true\n",
		"- rule: Write\n  condition: and not shell\n  exceptions:\n    - {name: x, fields: proc.name, values: [shells]}\n  append: true\n",
		"- rule: Own\n  desc: D\n  condition: shell or evt.type = connect\n  output: O\n  priority: Info\n- rule: Own\n  enabled: false\n",
		"- rule: Shell\n  exceptions:\n    - {name: by_parent, values: [[a, b]]}\n  override: {exceptions: append}\n- rule: Shell\n  enabled: false\n",
	} {
		f.Add(text)
	}
	plain, _, err := loadSources()
	if err != nil {
		f.Fatal(err)
	}
	want := state(plain.Rules, plain)
	theirs := sourceOf("zz/set", "- rule: Theirs\n  desc: D\n  condition: evt.type = execve and shell\n  output: O\n  priority: Info\n")
	f.Fuzz(func(t *testing.T, text string) {
		set, results, err := loadSources(sourceOf("team/web", text), theirs)
		if err != nil || results[1].InForce != Current {
			t.Fatal(err, results[1].Errors)
		}
		if results[0].InForce == Current {
			match := []*rule.Rule{}
			for i, r := range set.Rules[:len(plain.Rules)] {
				match = append(match, widened(t, r, plain.Rules[i]))
			}
			if diff := cmp.Diff(want, state(match, set)); diff != "" {
				t.Fatal(diff)
			}
		}
		for _, r := range set.Rules[len(plain.Rules):] {
			first, ok := r.Condition.(*rule.And).Parts[0].(*rule.Comparison)
			if !ok || first.Field.Name != "k8s.ns.name" || first.Op != rule.OpEq || len(first.Values) != 1 || first.Values[0].Text != r.Namespace {
				t.Fatalf("%s is not confined: %s", r.ID(), r.Condition)
			}
			complete(t, r.Condition, map[*rule.Macro]bool{})
		}
		if last := set.Rules[len(set.Rules)-1]; last.ID() != "zz/set/Theirs" || last.Condition.String() != "k8s.ns.name = zz and evt.type = execve and shell" {
			t.Fatalf("%s: %s", last.ID(), last.Condition)
		}
	})
}

// widened takes the cases of namespace team back, and fails if there is anything else
// behind the condition of the plain rule.
func widened(t *testing.T, r, plain *rule.Rule) *rule.Rule {
	and, ok := r.Condition.(*rule.And)
	if !ok || r == plain {
		return r
	}
	n := 1
	if was, ok := plain.Condition.(*rule.And); ok {
		n = len(was.Parts)
	}
	for _, p := range and.Parts[n:] {
		not, ok := p.(*rule.Not)
		if !ok || !strings.HasPrefix(not.X.String(), "k8s.ns.name = team and ") {
			t.Fatalf("%s: %s", r.Name, p)
		}
		complete(t, p, map[*rule.Macro]bool{})
	}
	own := *r
	own.Condition = plain.Condition
	return &own
}
