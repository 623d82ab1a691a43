package diff

import (
	"slices"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/syntax"
)

// use is a macro or a list that a rule uses.
type use struct{ kind, name string }

// usersOf lists the rules that use each macro and list of a set, also by way of
// macros, sorted by name.
func usersOf(set *rule.Set) map[use][]string {
	users := map[use][]string{}
	for _, r := range set.Rules {
		seen := map[use]bool{}
		uses(set, r.Condition, seen)
		for u := range seen {
			users[u] = append(users[u], r.ID())
		}
	}
	for _, names := range users {
		slices.Sort(names)
	}
	return users
}

// uses collects what a condition uses. A macro is walked once.
func uses(set *rule.Set, e rule.Expr, seen map[use]bool) {
	switch e := e.(type) {
	case *rule.And:
		for _, p := range e.Parts {
			uses(set, p, seen)
		}
	case *rule.Or:
		for _, p := range e.Parts {
			uses(set, p, seen)
		}
	case *rule.Not:
		uses(set, e.X, seen)
	case *rule.MacroRef:
		if u := (use{rule.KindMacro, e.Name}); !seen[u] {
			seen[u] = true
			uses(set, e.Macro.Expr, seen)
		}
	case *rule.Comparison:
		written, err := syntax.ParseText("", e.Text)
		if c, ok := written.(*rule.Comparison); ok && err == nil {
			for _, v := range c.Values {
				if v.Bare && set.Lists[v.Text] != nil && (c.Op.TakesList() || c.Quant != rule.QuantNone) {
					seen[use{rule.KindList, v.Text}] = true
				}
			}
		}
	}
}
