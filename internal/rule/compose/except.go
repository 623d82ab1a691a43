package compose

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/syntax"
)

// except joins a condition to what its exceptions leave of it: and not any tuple
// of one.
func (l *loader) except(d *draft) {
	parts := []rule.Expr{d.Condition}
	for _, ex := range d.exceptions.all {
		e := rule.Exception{Pos: ex.pos, Name: ex.name, Values: len(ex.values)}
		for _, f := range ex.fields {
			e.Fields = append(e.Fields, f.node.Value)
		}
		if len(ex.values) > 0 {
			if e.Expr = l.tuples(d, ex); e.Expr != nil {
				parts = append(parts, &rule.Not{Pos: ex.pos, X: e.Expr})
			}
		}
		d.Exceptions = append(d.Exceptions, e)
	}
	if len(parts) > 1 && d.Condition != nil {
		d.Condition = &rule.And{Pos: d.Condition.Position(), Parts: parts}
	}
}

// tuples makes the condition of an exception, nil with an error if values do not
// fit.
func (l *loader) tuples(d *draft, ex *exception) rule.Expr {
	if !ex.many {
		return l.oneOf(d, ex)
	}
	var all []rule.Expr
	for _, v := range ex.values {
		switch {
		case !v.list:
			l.badValue(d, v, fmt.Errorf("a value of exception %q must be a tuple: a list with a value for each of its %d fields", ex.name, len(ex.fields)))
			return nil
		case len(v.items) != len(ex.fields):
			l.badValue(d, v, fmt.Errorf("exception %q has %d fields, and this tuple %d values", ex.name, len(ex.fields), len(v.items)))
			return nil
		}
		var parts []rule.Expr
		for i := range ex.fields {
			c := l.compare(d, ex.fields[i], ex.comps[i], v.items[i])
			if c == nil {
				return nil
			}
			parts = append(parts, c)
		}
		all = append(all, joinExpr(parts, func(parts []rule.Expr) rule.Expr { return &rule.And{Pos: parts[0].Position(), Parts: parts} }))
	}
	return joinExpr(all, func(parts []rule.Expr) rule.Expr { return &rule.Or{Pos: parts[0].Position(), Parts: parts} })
}

func joinExpr(parts []rule.Expr, join func([]rule.Expr) rule.Expr) rule.Expr {
	if len(parts) == 1 {
		return parts[0]
	}
	return join(parts)
}

// oneOf compares the field that stands without a list with all values.
func (l *loader) oneOf(d *draft, ex *exception) rule.Expr {
	v := value{piece: ex.values[0].piece, list: true, items: ex.values}
	for _, item := range ex.values {
		if item.list {
			l.badValue(d, item, fmt.Errorf("exception %q has one field without a list, so that its values are texts", ex.name))
			return nil
		}
	}
	if c := l.compare(d, ex.fields[0], ex.comps[0], v); c != nil {
		return c
	}
	return nil
}

func (l *loader) badValue(d *draft, v value, err error) {
	l.Fail(&rule.Error{Code: rule.CodeBadException, Pos: v.pos(), Rule: d.Name, Err: err})
}

// compare makes one comparison of an exception, nil if it cannot be made. It
// stands where its value does: there is where a person has to edit.
func (l *loader) compare(d *draft, f piece, by comp, v value) *rule.Comparison {
	if !l.fits(d, f, v) {
		return nil
	}
	ref, errs := syntax.ParseField(f.node.Value, f.cursor())
	if len(errs) > 0 {
		l.failAll(d.Name, "", errs)
		return nil
	}
	c := &rule.Comparison{Pos: v.pos(), Field: ref, Op: by.op, Quant: by.quant}
	switch {
	case v.list && !by.takesList():
		l.badValue(d, v, fmt.Errorf("%s takes one value, and this is a list", by.op))
		return nil
	case v.list:
		for _, item := range v.items {
			if item.list {
				l.badValue(d, item, errors.New("a list in a list of values"))
				return nil
			}
			c.Values = append(c.Values, l.literal(item.piece))
		}
	case by.takesList() && strings.HasPrefix(v.node.Value, "("): // a list as text
		if c.Values, errs = syntax.ParseList(v.node.Value, v.cursor()); len(errs) > 0 {
			l.failAll(d.Name, "", errs)
			return nil
		}
	case !by.takesList() && !strings.ContainsAny(v.node.Value, " \t\n"): // with blanks it is a text
		if c.Right, errs = syntax.ParseRight(v.node.Value, v.cursor()); len(errs) > 0 {
			l.failAll(d.Name, "", errs)
			return nil
		}
		if c.Right != nil {
			c.Text = ref.Text + " " + by.op.String() + " " + v.node.Value
			return c
		}
		fallthrough
	default:
		c.Values = []rule.Literal{l.literal(v.piece)}
	}
	c.Text = comparisonText(ref.Text, by, c.Values)
	return c
}

// maxExceptions bounds what the exceptions of one load are made into: some hundred
// thousand comparisons. The text of its field counts for each, which is read as
// often, so that a long one times many tuples would be without bounds.
const (
	maxExceptions  = 16 << 20
	comparisonSize = 32 // without its field
)

// fits tells that there is room for one more comparison; the first without is
// reported.
func (l *loader) fits(d *draft, f piece, v value) bool {
	if l.room < 0 {
		return false
	}
	if l.room -= comparisonSize + len(f.node.Value); l.room < 0 {
		e := &rule.Error{Code: rule.CodeTooLarge, Pos: v.pos(), Rule: d.Name, Err: errors.New("the exceptions of all rules stand for too many comparisons")}
		l.Fail(e)
	}
	return l.room >= 0
}

// comparisonText writes a comparison as a condition would have it.
func comparisonText(field string, by comp, values []rule.Literal) string {
	var texts []string
	for _, v := range values {
		texts = append(texts, rule.Quote(v.Text, v.Bare))
	}
	text := field + " " + by.op.String()
	if by.quant != rule.QuantNone {
		text += " " + by.quant.String()
	}
	if by.takesList() {
		return text + " (" + strings.Join(texts, ", ") + ")"
	}
	return text + " " + strings.Join(texts, ", ")
}
