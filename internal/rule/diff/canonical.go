package diff

import (
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/syntax"
)

// canonical writes a condition so that conditions which mean the same by the laws
// of and, or and not are written alike. Macros and lists stay names.
func canonical(e rule.Expr) string {
	text, _ := write(e)
	return text
}

// kinds of canonical text, by how tightly they bind.
const (
	one = iota
	anded
	ored
)

func write(e rule.Expr) (text string, kind int) {
	switch e := e.(type) {
	case nil:
		return "", one
	case *rule.And:
		return joinParts(flatten(e, anded), " and ", anded)
	case *rule.Or:
		return joinParts(flatten(e, ored), " or ", ored)
	case *rule.Not:
		if x := affirmed(e); x != rule.Expr(e) {
			return write(x)
		}
		return "not " + grouped(write(e.X)), one
	case *rule.MacroRef:
		return e.Name, one
	case *rule.Comparison:
		return comparison(e), one
	}
	return e.String(), one
}

// affirmed takes away what is denied twice.
func affirmed(e rule.Expr) rule.Expr {
	for {
		outer, ok := e.(*rule.Not)
		if !ok {
			return e
		}
		inner, ok := outer.X.(*rule.Not)
		if !ok {
			return e
		}
		e = inner.X
	}
}

func grouped(text string, kind int) string {
	if kind == one {
		return text
	}
	return "(" + text + ")"
}

// flatten writes the parts of an and within and, or of an or within or, each once,
// sorted.
func flatten(e rule.Expr, kind int) []string {
	var list []string
	var add func(rule.Expr)
	add = func(e rule.Expr) {
		e = affirmed(e)
		switch e := e.(type) {
		case *rule.And:
			if kind == anded {
				for _, p := range e.Parts {
					add(p)
				}
				return
			}
		case *rule.Or:
			if kind == ored {
				for _, p := range e.Parts {
					add(p)
				}
				return
			}
		}
		list = append(list, grouped(write(e)))
	}
	add(e)
	slices.Sort(list)
	return slices.Compact(list)
}

func joinParts(list []string, word string, kind int) (string, int) {
	if len(list) == 1 {
		return list[0], one
	}
	return strings.Join(list, word), kind
}

// parts are what a person reads one by one: those of an and at the top.
func parts(e rule.Expr) []string {
	if e == nil {
		return []string{}
	}
	return flatten(e, anded)
}

// changedParts are the parts that two conditions do not have both: if one is an or
// at the top and neither an and, its parts, so that a new case is seen alone.
func changedParts(old, next rule.Expr) (gone, come []string) {
	gone, come = parts(old), parts(next)
	if o, n := kindOf(old), kindOf(next); max(o, n) == ored && min(o, n) != anded && old != nil && next != nil {
		gone, come = alternatives(old), alternatives(next)
	}
	return without(gone, come), without(come, gone)
}

func alternatives(e rule.Expr) []string {
	list := flatten(e, ored)
	for i := range list {
		list[i] = "or " + list[i]
	}
	return list
}

func kindOf(e rule.Expr) int {
	switch affirmed(e).(type) {
	case *rule.And:
		return anded
	case *rule.Or:
		return ored
	}
	return one
}

// comparison writes a comparison with its values sorted, as a set. Its text has the
// names of lists, for which the tree has what they hold.
func comparison(e *rule.Comparison) string {
	written, err := syntax.ParseText("", e.Text)
	c, ok := written.(*rule.Comparison)
	if err != nil || !ok || c.Right != nil || len(c.Values) == 0 {
		return e.String()
	}
	left := c.Field.Text
	if e.Field.Call != nil {
		left = e.Field.Name
	}
	text := left + " " + c.Op.String()
	if c.Quant != rule.QuantNone {
		text += " " + c.Quant.String()
	}
	var values []string
	for _, v := range c.Values {
		values = append(values, rule.Quote(v.Text, true))
	}
	switch {
	case c.Values[0].ListName:
		return text + " (" + values[0] + ")"
	case !c.Op.TakesList() && c.Quant == rule.QuantNone:
		return text + " " + values[0]
	case c.Quant != rule.QuantOneOf: // exactly one of two equal values is none
		slices.Sort(values)
		values = slices.Compact(values)
	}
	return text + " (" + strings.Join(values, ", ") + ")"
}

// ownCondition is a rule's condition without its exceptions.
func ownCondition(r *rule.Rule) rule.Expr {
	and, ok := r.Condition.(*rule.And)
	if !ok || len(r.Exceptions) == 0 {
		return r.Condition
	}
	excepted := map[rule.Expr]bool{}
	for _, ex := range r.Exceptions {
		excepted[ex.Expr] = true
	}
	own := slices.DeleteFunc(slices.Clone(and.Parts), func(p rule.Expr) bool {
		not, ok := p.(*rule.Not)
		return ok && excepted[not.X]
	})
	if len(own) == 1 {
		return own[0]
	}
	return &rule.And{Pos: and.Pos, Parts: own}
}

// exceptionNames are those of two rules, in their order.
func exceptionNames(o, n *rule.Rule) []string {
	var names []string
	seen := map[string]bool{}
	for _, ex := range slices.Concat(o.Exceptions, n.Exceptions) {
		if !seen[ex.Name] {
			seen[ex.Name] = true
			names = append(names, ex.Name)
		}
	}
	return names
}

// exceptionCases are the cases of each exception, by name.
func exceptionCases(r *rule.Rule) map[string][]string {
	cases := map[string][]string{}
	for _, ex := range r.Exceptions {
		if ex.Expr == nil {
			cases[ex.Name] = append(cases[ex.Name], "no values")
		} else {
			cases[ex.Name] = append(cases[ex.Name], flatten(ex.Expr, ored)...)
		}
	}
	return cases
}
