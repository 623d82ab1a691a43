package compose

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/check"
	"github.com/goshawk-security/goshawk/internal/rule/source"
	"github.com/goshawk-security/goshawk/internal/rule/syntax"
)

// namespaceField is what the rules of a namespace's set are held against.
const namespaceField = "k8s.ns.name"

// within makes the condition that the event is of the tenant's namespace.
func (t *tenant) within(pos rule.Pos) rule.Expr {
	return &rule.Comparison{
		Pos: pos, Text: namespaceField + " = " + rule.Quote(t.namespace, true), Op: rule.OpEq,
		Field:  rule.FieldRef{Pos: pos, Text: namespaceField, Name: namespaceField},
		Values: []rule.Literal{{Pos: pos, Text: t.namespace}},
	}
}

// confine makes a rule of the tenant one of its namespace alone.
func (t *tenant) confine(d *draft) {
	d.Namespace, d.Set = t.namespace, t.set
	if d.Condition != nil {
		parts := append([]rule.Expr{t.within(d.Pos)}, conjuncts(d.Condition)...)
		d.Condition = &rule.And{Pos: d.Condition.Position(), Parts: parts}
	}
}

// buildCases makes what a draft takes away from a rule of the base, and hands each
// case to the checker, together with the rule.
func (l *loader) buildCases(d *draft) cases {
	c := cases{rule: d.Name}
	if d.Foreign {
		l.Warn(&rule.Error{Code: rule.CodeNoEffect, Pos: d.Pos, Rule: d.Name, Err: errors.New("the rule is left out, so that what is said of it has no effect")})
	}
	for _, p := range d.condition {
		if e := l.appended(d, p); e != nil {
			c.parts = append(c.parts, l.oneCase(d, e, negated(e)))
		}
	}
	for _, ex := range d.exceptions.all {
		if len(ex.values) == 0 {
			continue
		}
		x := rule.Exception{Pos: ex.pos, Name: ex.name, Values: len(ex.values), Namespace: l.tenant.namespace}
		for _, f := range ex.fields {
			x.Fields = append(x.Fields, f.node.Value)
		}
		if x.Expr = l.tuples(d, ex); x.Expr == nil {
			continue // reported
		}
		c.exceptions = append(c.exceptions, x)
		c.parts = append(c.parts, l.oneCase(d, x.Expr, x.Expr))
	}
	return c
}

// oneCase hands what was written to the checker, which sees it as a part of the rule,
// and returns the case that is taken away.
func (l *loader) oneCase(d *draft, written, taken rule.Expr) rule.Expr {
	within := l.tenant.within(written.Position())
	parts := []rule.Expr{within, written}
	if of := l.tenant.base.byRule[d.Name]; !d.Foreign && of.Condition != nil {
		stands := &rule.MacroRef{Pos: d.Pos, Name: d.Name, Macro: &rule.Macro{Pos: of.Pos, Name: of.Name, Expr: of.Condition}}
		parts = append([]rule.Expr{stands}, parts...)
	}
	checked := &check.Draft{Narrows: true, Foreign: d.Foreign, Rule: &rule.Rule{Pos: d.Pos, Name: d.Name,
		Condition: &rule.And{Pos: written.Position(), Parts: parts}}}
	l.Rules = append(l.Rules, checked)
	return &rule.And{Pos: written.Position(), Parts: append([]rule.Expr{within}, conjuncts(taken)...)}
}

// negated makes the opposite of a condition.
func negated(e rule.Expr) rule.Expr {
	if not, ok := e.(*rule.Not); ok {
		return not.X
	}
	return &rule.Not{Pos: e.Position(), X: e}
}

// ruleItself is what stands for the rule before a condition that is appended.
const ruleItself = "rule"

// appended reads a condition that is appended to a rule of the base: and …, which can
// make it true less often and never more. It is nil if there is a mistake.
func (l *loader) appended(d *draft, p piece) rule.Expr {
	wrong := func(pos rule.Pos, format string, args ...any) {
		l.Fail(&rule.Error{Code: rule.CodeNotOwn, Pos: pos, Rule: d.Name, Err: fmt.Errorf(format, args...), Hint: l.tenant.hint()})
	}
	if words := strings.Fields(p.node.Value); len(words) > 0 && words[0] != "and" {
		wrong(p.cursor().Pos(0), "the rule holds everywhere and is not of this set: a condition that is appended here must begin with and, not %s", words[0])
		return nil
	}
	text := source.Join(source.TextCursor("", ruleItself), p.cursor())
	e, errs := syntax.Parse(text.Value(), text)
	if len(errs) > 0 {
		l.failAll(d.Name, "", errs)
		return nil
	}
	and, ok := e.(*rule.And)
	if or, isOr := e.(*rule.Or); isOr {
		wrong(or.Parts[1].Position(), "the rule holds everywhere and is not of this set: or would make it true for more events")
		return nil
	}
	if !ok {
		return nil // not reached: what begins with and has two parts
	}
	if rest := and.Parts[1:]; len(rest) > 1 {
		return &rule.And{Pos: rest[0].Position(), Parts: rest}
	}
	return and.Parts[1]
}
