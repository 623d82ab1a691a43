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
		if inner, double := e.X.(*rule.Not); double {
			return write(inner.X)
		}
		return "not " + grouped(write(e.X)), one
	case *rule.MacroRef:
		return e.Name, one
	case *rule.Comparison:
		return comparison(e), one
	}
	return e.String(), one
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

// parts are the parts of an and at the top, which a person reads one by one.
func parts(e rule.Expr) []string {
	if e == nil {
		return []string{}
	}
	return flatten(e, anded)
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

// conditionParts are the parts of a rule's condition without its exceptions.
func conditionParts(r *rule.Rule) []string {
	and, ok := r.Condition.(*rule.And)
	if !ok || len(r.Exceptions) == 0 {
		return parts(r.Condition)
	}
	own := slices.DeleteFunc(slices.Clone(and.Parts), func(p rule.Expr) bool {
		not, ok := p.(*rule.Not)
		return ok && slices.ContainsFunc(r.Exceptions, func(ex rule.Exception) bool { return ex.Expr == not.X })
	})
	return parts(&rule.And{Pos: and.Pos, Parts: own})
}

// exceptionNames are those of two rules, in their order.
func exceptionNames(o, n *rule.Rule) []string {
	var names []string
	for _, ex := range append(slices.Clone(o.Exceptions), n.Exceptions...) {
		if !slices.Contains(names, ex.Name) {
			names = append(names, ex.Name)
		}
	}
	return names
}

// exceptionParts are the cases of an exception, by name.
func exceptionParts(r *rule.Rule, name string) []string {
	var cases []string
	for _, ex := range r.Exceptions {
		if ex.Name != name {
			continue
		}
		if ex.Expr == nil {
			cases = append(cases, "no values")
		} else {
			cases = append(cases, flatten(ex.Expr, ored)...)
		}
	}
	return cases
}
