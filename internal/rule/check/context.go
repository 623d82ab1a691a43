package check

import (
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/verdict"
)

// context looks for parts that cannot be true where they stand: ctx are the
// types for which the rest of the condition can be. inside says that a not is
// around.
func (c *checker) context(e rule.Expr, ctx verdict.Types, inside bool) {
	switch e := e.(type) {
	case *rule.And:
		c.contextAnd(e, ctx, inside)
	case *rule.Or:
		for _, p := range e.Parts {
			c.context(p, ctx, inside)
		}
	case *rule.Not:
		c.context(e.X, ctx, true)
	case *rule.MacroRef:
		yes := c.saidOf(e).Yes
		if !inside && !ctx.IsEmpty() && !yes.IsEmpty() && yes.And(ctx).IsEmpty() {
			c.warn(e.Pos, rule.CodeFieldNotCarried, "", "macro %s can never be true here: it needs an event of %s, and the rest one of %s",
				e.Name, yes.Names(), ctx.Names())
		}
	case *rule.Exists:
		c.carried(&e.Field, ctx)
	case *rule.Comparison:
		c.carried(&e.Field, ctx)
	}
}

// contextAnd looks at each part with what the others leave.
func (c *checker) contextAnd(e *rule.And, ctx verdict.Types, inside bool) {
	n := len(e.Parts)
	after := make([]verdict.Types, n+1) // what the parts from i on leave
	after[n] = verdict.All()
	own := make([]verdict.Types, n)
	for i := n - 1; i >= 0; i-- {
		own[i] = c.saidOf(e.Parts[i]).Yes
		after[i] = after[i+1].And(own[i])
	}
	for i, p := range e.Parts {
		c.context(p, ctx.And(after[i+1]), inside)
		ctx = ctx.And(own[i])
	}
}

// carried warns of a field that no event of these types has.
func (c *checker) carried(f *rule.FieldRef, ctx verdict.Types) {
	if f.Field == nil || ctx.IsEmpty() || verdict.Undelivered(f.Field) != "" {
		return
	}
	if f.Name == "evt.arg" || f.Name == "evt.rawarg" {
		c.hasParam(f, ctx)
	}
	if f.Field.Types == nil {
		return
	}
	if verdict.Carriers(f).And(ctx).IsEmpty() {
		c.warn(f.Pos, rule.CodeFieldNotCarried, c.insteadOf(f, ctx),
			"no event of %s has the field %s: the comparison is always false here", ctx.Names(), f.Text)
	}
}

// fieldDir is the field that Falco has given up.
const fieldDir = "evt.dir"

// direction warns of a comparison with evt.dir.
func (c *checker) direction(e *rule.Comparison) {
	if e.Field.Name != fieldDir {
		return
	}
	meaning := "can never be true"
	if verdict.Holds(e, "<") {
		meaning = "is always true"
	}
	c.warn(e.Pos, rule.CodeDeprecated, "", "evt.dir is deprecated: every event is the end of its call, and %s %s", rule.OneLine(e.Text), meaning)
}
