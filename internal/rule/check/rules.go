package check

import (
	"errors"
	"slices"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/lint"
	"github.com/goshawk-security/goshawk/internal/rule/verdict"
)

// run checks the rules, then the macros that no rule uses. Those may name what
// is not there, as in Falco: that is a warning.
func (c *checker) run() {
	c.report = c.Fail
	for _, d := range c.Rules {
		if !d.Foreign && !d.SkipUnknown {
			c.rule(d)
		}
	}
	// After the others: a macro with an unknown name is a mistake if one of them
	// uses it.
	for _, d := range c.Rules {
		if !d.Foreign && d.SkipUnknown {
			c.skippable(d)
		}
	}
	c.foreign()
	c.nobodyUses()
	c.unused()
	for _, name := range c.Order {
		if m := c.Macros[name]; m != nil {
			c.sayOfMacro(m)
		}
	}
	for _, m := range c.OldMacros {
		c.sayOfMacro(m)
	}
	c.implied()
}

// foreign goes through rules of sources that are not there, for what they use.
// What only they use cannot be checked here.
func (c *checker) foreign() {
	c.report = func(*rule.Error) {}
	var silent []*rule.Error
	c.hold = &silent
	before := map[*rule.Macro]bool{}
	for m := range c.macro {
		before[m] = true
	}
	for _, d := range c.Rules {
		if d.Foreign && d.Condition != nil {
			c.expr(d.Condition)
			c.mentions(d.Condition) // behind fields that are not known, too
		}
	}
	for m, s := range c.macro {
		if !before[m] {
			s.held = nil
		}
	}
}

// unused checks what no rule uses, and takes away what cannot be used.
func (c *checker) unused() {
	unusable := map[string]bool{}
	for name, m := range c.Macros {
		if s := c.macro[m]; s != nil && s.mistakes {
			unusable[name] = true
		}
	}
	c.report = c.Warn
	for _, d := range c.Replaced {
		if !d.Foreign {
			c.rule(d)
		}
	}
	var none []*rule.Error
	c.hold = &none
	c.report = func(e *rule.Error) {
		e.Code = rule.CodeUnusableMacro
		c.Warn(e)
	}
	for _, m := range c.OldMacros {
		c.checkMacro(m)
	}
	for _, name := range c.Order {
		if s := c.checkMacro(c.Macros[name]); s.mistakes {
			unusable[name] = true
		}
	}
	for name := range unusable {
		delete(c.Macros, name) // an error was reported, or no rule uses it
	}
}

// nobodyUses warns of macros and lists that nothing names. As in Falco it is
// enough that something names them which itself is not used. Files without rules
// are for others to use.
func (c *checker) nobodyUses() {
	if len(c.Rules) == 0 || len(c.Errors) > 0 {
		return
	}
	for _, name := range c.Order { // a macro that only another names is checked with that
		c.mentions(c.Macros[name].Expr)
	}
	for _, name := range c.Order {
		if m := c.Macros[name]; !c.usedMacro[m] {
			c.Warn(&rule.Error{Code: rule.CodeUnusedMacro, Pos: m.Pos, Kind: rule.KindMacro, Rule: name,
				Err: errors.New("no rule and no macro uses it"), Hint: "take it out unless another file needs it"})
		}
	}
	for _, name := range c.listNames {
		if l := c.Lists[name]; !c.usedList[l] && !c.Outer.has(l) {
			c.Warn(&rule.Error{Code: rule.CodeUnusedList, Pos: l.Pos, Kind: rule.KindList, Rule: name,
				Err: errors.New("no rule, macro or list uses it"), Hint: "take it out unless another file needs it"})
		}
	}
}

// mentions notes what a condition names that is perhaps never checked.
func (c *checker) mentions(e rule.Expr) {
	switch e := e.(type) {
	case *rule.And:
		for _, p := range e.Parts {
			c.mentions(p)
		}
	case *rule.Or:
		for _, p := range e.Parts {
			c.mentions(p)
		}
	case *rule.Not:
		c.mentions(e.X)
	case *rule.MacroRef:
		c.usedMacro[c.Macros[e.Name]] = true
	case *rule.Comparison:
		for _, v := range e.Values {
			if l := c.Lists[v.Text]; l != nil && v.Bare {
				c.usedList[l] = true
			}
		}
	}
}

// skippable checks a rule that is left out, with a warning, if it asks for what
// this version does not know.
func (c *checker) skippable(d *Draft) {
	report := c.report
	var found []*rule.Error
	c.report = func(e *rule.Error) { found = append(found, e) }
	warnings := len(c.Warnings)
	c.rule(d)
	c.report = report
	cause := c.skipped
	for _, e := range found {
		if !isUnknownName(e.Code) {
			for _, e := range found {
				c.report(e)
			}
			return
		}
		cause = e
	}
	if cause == nil {
		return
	}
	c.Warnings = c.Warnings[:warnings]
	d.Skipped = true
	c.kind, c.name = "", d.Name
	c.Warn(c.at(cause.Pos, rule.CodeUnknownFilter, &skippedError{cause.Err}))
}

// skippedError says why a rule was left out.
type skippedError struct{ cause error }

func (e *skippedError) Error() string {
	return e.cause.Error() + ": the rule is left out, as its skip-if-unknown-filter says"
}

func (e *skippedError) Unwrap() error { return e.cause }

// rule checks one rule and works out its types.
func (c *checker) rule(d *Draft) {
	c.kind, c.name, c.broken, c.skipped = "", d.Name, false, nil
	var held []*rule.Error
	c.hold = &held
	defer func() {
		for _, w := range held {
			c.Warn(w)
		}
	}()
	if d.Output != nil {
		for i := range d.Output.Parts {
			if f := &d.Output.Parts[i].Field; f.Text != "" && c.field(f) && f.Name == fieldDir {
				c.warn(f.Pos, rule.CodeDeprecated, "take it out of the output", "evt.dir is deprecated: every event is the end of its call")
			}
		}
	}
	if d.Condition == nil {
		return // reported
	}
	v := c.expr(d.Condition)
	if d.Unread != "" {
		c.named(d.Unread)
		return
	}
	if c.broken {
		return // what is said of the types would mislead
	}
	d.Types = v.Yes.List()
	c.context(d.Condition, verdict.All(), false)
	c.need(d.Condition, len(d.Types) > 0)
	switch {
	case len(d.Types) == 0:
		why := c.neverMatches(d, held)
		held = append(slices.DeleteFunc(held, sameCause), why)
	case c.Outer != nil && !d.Narrows && 2*len(d.Types) > len(event.Types()):
		c.wrong(d.Condition.Position(), rule.CodeNoEventType, "begin it with evt.type in (...)",
			errors.New("the condition may be true for most types of event: every node would watch all of them for a rule of one namespace"))
	case (v.Yes == verdict.All() || len(d.Types) > manyTypes) && !d.NoTypeWarn && !d.Narrows:
		c.warn(d.Condition.Position(), rule.CodeNoEventType, "begin it with evt.type in (...)",
			"no event type restricts the condition: it is tried on every event")
	}
	c.trueIfAbsent(d.Condition, v)
	for _, x := range d.Exceptions {
		if x.Values == 0 {
			c.warn(x.Pos, rule.CodeExceptionUnused, "give it values, or take it out", "exception %q has no values: it excepts nothing", x.Name)
		}
	}
}

// manyTypes is the number of event types from which on Falco warns.
const manyTypes = 100

// sameCause tells warnings that say in part why a rule can never match.
func sameCause(e *rule.Error) bool {
	switch e.Code {
	case rule.CodeFieldNotCarried, rule.CodeFieldNotDelivered, rule.CodeEventNotDelivered, rule.CodeImpossibleValue:
		return true
	}
	return false
}

// need notes for the macros that a rule uses whether the rule can match.
func (c *checker) need(e rule.Expr, matches bool) {
	switch e := e.(type) {
	case *rule.And:
		for _, p := range e.Parts {
			c.need(p, matches)
		}
	case *rule.Or:
		for _, p := range e.Parts {
			c.need(p, matches)
		}
	case *rule.Not:
		c.need(e.X, matches)
	case *rule.MacroRef:
		s := c.macro[e.Macro]
		if s == nil || s.needed || s.idle && !matches {
			return
		}
		s.needed, s.idle = matches, !matches
		c.need(e.Macro.Expr, matches)
	}
}

// sayOfMacro adds what was held back of a macro. If only rules use it that can
// never match, they have said why.
func (c *checker) sayOfMacro(m *rule.Macro) {
	s := c.macro[m]
	if s == nil {
		return
	}
	for _, e := range s.held {
		if !s.idle || s.needed || !sameCause(e) {
			c.Warn(e)
		}
	}
	s.held = nil
}

// implied warns of rules that are true only when another is.
func (c *checker) implied() {
	if len(c.Errors) > 0 {
		return
	}
	var rules []*rule.Rule
	for _, d := range c.Rules {
		if !d.Foreign && !d.Skipped && !d.Narrows && d.Enabled && len(d.Types) > 0 {
			rules = append(rules, d.Rule)
		}
	}
	for _, e := range lint.Implied(rules) {
		c.Warn(e)
	}
}
