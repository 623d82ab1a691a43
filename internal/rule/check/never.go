package check

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/verdict"
)

// neverMatches says why a condition can never match. What was said of its parts
// is the same cause: it gives the hint.
func (c *checker) neverMatches(d *Draft, said []*rule.Error) *rule.Error {
	e, text := d.Condition, "the condition can never match"
	if d.Narrows {
		e, text = lastPart(e), "no event that makes the rule true is such a case"
	}
	if why := c.reason(d.Condition); why != "" {
		text += ": " + why
	}
	w := c.at(e.Position(), rule.CodeNeverMatches, errors.New(text))
	for _, s := range said {
		if s.Hint != "" && s.Code == rule.CodeFieldNotCarried {
			w.Hint = s.Hint
			break
		}
	}
	return w
}

// lastPart is what stands last in an and.
func lastPart(e rule.Expr) rule.Expr {
	if and, ok := e.(*rule.And); ok {
		return and.Parts[len(and.Parts)-1]
	}
	return e
}

// reason finds the part that no event can make true, beside those before it.
func (c *checker) reason(e rule.Expr) string {
	switch e := e.(type) {
	case *rule.And:
		ctx := verdict.All()
		for _, p := range e.Parts {
			yes := c.saidOf(p).Yes
			switch {
			case yes.IsEmpty():
				return c.reason(p)
			case ctx.And(yes).IsEmpty():
				return fmt.Sprintf("%s needs an event of %s, and what stands before it one of %s", short(p.String()), yes.Names(), ctx.Names())
			}
			ctx = ctx.And(yes)
		}
		return ""
	case *rule.Or:
		return c.noPart(e)
	case *rule.MacroRef:
		if why := c.reason(e.Macro.Expr); why != "" {
			return fmt.Sprintf("in macro %s, %s", e.Name, why)
		}
		return ""
	case *rule.Exists:
		if why := verdict.Undelivered(e.Field.Field); why != "" {
			return fmt.Sprintf("%s is not delivered: %s", e.Field.Name, why)
		}
	case *rule.Comparison:
		for _, f := range []*rule.FieldRef{&e.Field, e.Right} {
			if f == nil || f.Field == nil {
				continue
			}
			if why := verdict.Undelivered(f.Field); why != "" {
				return fmt.Sprintf("%s is not delivered: %s", f.Name, why)
			}
		}
		if names := missingEvents(e); len(names) > 0 {
			return eventsAre(names) + " not delivered by this version of goshawk"
		}
	}
	return short(e.String()) + " is never true"
}

// noPart says why no part of an or can be true.
func (c *checker) noPart(e *rule.Or) string {
	var names []string
	for _, p := range e.Parts {
		cmp, ok := p.(*rule.Comparison)
		if !ok || len(missingEvents(cmp)) == 0 {
			return "none of the parts of the or can be true"
		}
		names = append(names, missingEvents(cmp)...)
	}
	return eventsAre(names) + " not delivered by this version of goshawk"
}

// missingEvents are the values of a comparison with evt.type, if all of them are
// events that are not delivered.
func missingEvents(e *rule.Comparison) []string {
	if e.Field.Name != "evt.type" || e.Op != rule.OpEq && e.Op != rule.OpIn {
		return nil
	}
	var names []string
	for _, v := range e.Values {
		if _, ok := event.TypeByName(v.Text); ok || !verdict.IsEvent(v.Text) {
			return nil
		}
		names = append(names, v.Text)
	}
	return names
}

// trueIfAbsent warns of events that make a rule true whatever they are, because
// a field that the condition denies something of is one that they never have.
func (c *checker) trueIfAbsent(e rule.Expr, v verdict.Verdict) {
	all := v.Yes.Without(v.No)
	if all.IsEmpty() {
		return
	}
	f := (&denials{checker: c, seen: map[denial]bool{}}).find(e, all, false)
	if f == nil {
		return
	}
	for _, w := range *c.hold {
		if w.Pos == f.Pos {
			return // said
		}
	}
	c.warn(f.Pos, rule.CodeTrueIfAbsent, fmt.Sprintf("add %s exists, or leave out these event types", f.Text),
		"every event of %s makes the condition true: it has no %s, and what is denied of a missing value is true", all.Without(verdict.Carriers(f)).Names(), f.Text)
}

// denials looks for what a condition denies of fields that are not there.
type denials struct {
	*checker
	seen map[denial]bool
}

type denial struct {
	macro *rule.Macro
	not   bool
}

// find finds a comparison behind a not whose field some of these types do not
// have. The part e is true for all events of the types, or false if not says so.
func (d *denials) find(e rule.Expr, types verdict.Types, not bool) *rule.FieldRef {
	switch e := e.(type) {
	case *rule.And:
		return d.in(e.Parts, types, not, not)
	case *rule.Or:
		return d.in(e.Parts, types, not, !not)
	case *rule.Not:
		return d.find(e.X, types, !not)
	case *rule.MacroRef:
		key := denial{e.Macro, not}
		if e.Macro != nil && !d.seen[key] {
			d.seen[key] = true
			return d.find(e.Macro.Expr, types, not)
		}
	case *rule.Comparison:
		f := &e.Field
		if not && f.Field != nil && !verdict.ByType(f) && verdict.Undelivered(f.Field) == "" && verdict.Carriers(f).And(types) != types {
			return f
		}
	}
	return nil
}

// in looks at parts, one of which is enough if one says so.
func (d *denials) in(parts []rule.Expr, types verdict.Types, not, one bool) *rule.FieldRef {
	for _, p := range parts {
		t := types
		if one {
			v := d.saidOf(p)
			if not {
				v = v.Not()
			}
			t = t.And(v.Yes.Without(v.No))
		}
		if t.IsEmpty() {
			continue
		}
		if f := d.find(p, t, not); f != nil {
			return f
		}
	}
	return nil
}

// short cuts a long text for a message.
func short(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return strings.TrimRight(string(r[:most-1]), " ") + "…"
	}
	return s
}
