package check

import (
	"math/bits"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// typeSet is a set of event types.
type typeSet [(event.TypeCount + 63) / 64]uint64

func (s *typeSet) add(t event.Type) { s[t/64] |= 1 << (t % 64) }

func (s typeSet) and(o typeSet) typeSet {
	for i := range s {
		s[i] &= o[i]
	}
	return s
}

func (s typeSet) or(o typeSet) typeSet {
	for i := range s {
		s[i] |= o[i]
	}
	return s
}

// types lists the members in the order of the types.
func (s typeSet) types() []event.Type {
	var all []event.Type
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			all = append(all, event.Type(i*64+bits.TrailingZeros64(word)))
		}
	}
	return all
}

// names writes the members for people, a few of many.
func (s typeSet) names() string {
	var names []string
	for _, t := range s.types() {
		if len(names) == 5 {
			names = append(names, "…")
			break
		}
		names = append(names, t.String())
	}
	return strings.Join(names, ", ")
}

func setOf(types []event.Type) typeSet {
	var s typeSet
	for _, t := range types {
		s.add(t)
	}
	return s
}

// allTypes are the types that a rule can match.
var allTypes = setOf(event.Types())

// verdict says of a condition, looking at the type of the event alone, for which
// types it may be true and for which it may be false. Both are kept because not
// swaps them: either may say too much, never too little.
type verdict struct {
	yes, no typeSet
}

var (
	always = verdict{yes: allTypes}
	never  = verdict{no: allTypes}
	maybe  = verdict{yes: allTypes, no: allTypes}
)

func (v verdict) and(o verdict) verdict { return verdict{yes: v.yes.and(o.yes), no: v.no.or(o.no)} }
func (v verdict) or(o verdict) verdict  { return verdict{yes: v.yes.or(o.yes), no: v.no.and(o.no)} }
func (v verdict) not() verdict          { return verdict{yes: v.no, no: v.yes} }

// carriers are the types of event that can have a field.
func carriers(f *rule.FieldRef) typeSet {
	switch {
	case undelivered(f.Field) != "":
		return typeSet{}
	case f.Field.Types == nil:
		return allTypes
	}
	return setOf(f.Field.Types).and(allTypes)
}

// byType are the fields whose value depends on the type alone. False means
// that the type has none.
var byType = map[string]func(event.Type) (string, bool){
	"evt.type":     func(t event.Type) (string, bool) { return t.String(), true },
	"syscall.type": func(t event.Type) (string, bool) { return t.String(), t != event.ProcExit },
	"evt.category": func(t event.Type) (string, bool) { return t.Info().Category, true },
	"evt.dir":      func(event.Type) (string, bool) { return "<", true },
	"evt.source":   func(event.Type) (string, bool) { return rule.SourceSyscall, true },
}

// existsVerdict is the verdict of a test for a value.
func existsVerdict(f *rule.FieldRef) verdict {
	get := byType[f.Name]
	if get == nil {
		return verdict{yes: carriers(f), no: allTypes}
	}
	return verdictOf(func(t event.Type) bool {
		_, ok := get(t)
		return ok
	})
}

func verdictOf(holds func(event.Type) bool) verdict {
	var v verdict
	for _, t := range event.Types() {
		if holds(t) {
			v.yes.add(t)
		} else {
			v.no.add(t)
		}
	}
	return v
}

// compareVerdict is the verdict of a comparison.
func (c *checker) compareVerdict(e *rule.Comparison) verdict {
	if e.Field.Name == "evt.dir" {
		c.warn(e.Pos, rule.CodeDeprecated, "", "evt.dir is deprecated: every event is the end of its call, and %s", dirMeaning(e))
	}
	get := byType[e.Field.Name]
	if get == nil || !isPlain(e) {
		return verdict{yes: carriers(&e.Field), no: allTypes}
	}
	return verdictOf(func(t event.Type) bool {
		s, ok := get(t)
		return ok && textHolds(e, s)
	})
}

func dirMeaning(e *rule.Comparison) string {
	if textHolds(e, "<") {
		return rule.OneLine(e.Text) + " is always true"
	}
	return rule.OneLine(e.Text) + " can never be true"
}

// isPlain tells a comparison that textHolds decides. The rest is the matcher's.
func isPlain(e *rule.Comparison) bool {
	switch e.Op {
	case rule.OpEq, rule.OpIn, rule.OpIntersects, rule.OpNe, rule.OpContains, rule.OpIContains, rule.OpStartsWith, rule.OpEndsWith:
		return e.Right == nil
	}
	return false
}

// textHolds compares a text with the values of a comparison.
func textHolds(e *rule.Comparison, s string) bool {
	n := 0
	for i := range e.Values {
		if holds(e.Op, s, e.Values[i].Text) {
			n++
		}
	}
	switch e.Quant {
	case rule.QuantOneOf:
		return n == 1
	case rule.QuantAllOf:
		return n > 0 && n == len(e.Values)
	}
	return n > 0
}

func holds(op rule.Op, s, text string) bool {
	switch op {
	case rule.OpEq, rule.OpIn, rule.OpIntersects:
		return s == text
	case rule.OpNe:
		return s != text
	case rule.OpContains:
		return strings.Contains(s, text)
	case rule.OpIContains:
		return strings.Contains(strings.ToLower(s), strings.ToLower(text))
	case rule.OpStartsWith:
		return strings.HasPrefix(s, text)
	case rule.OpEndsWith:
		return strings.HasSuffix(s, text)
	}
	return false
}

// context looks for parts that cannot be true where they stand: ctx are the
// types for which the rest of the condition can be. inside says that a not is
// around.
func (c *checker) context(e rule.Expr, ctx typeSet, inside bool) {
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
		yes := c.said[e].yes
		if !inside && ctx != (typeSet{}) && yes != (typeSet{}) && yes.and(ctx) == (typeSet{}) {
			c.warn(e.Pos, rule.CodeFieldNotCarried, "", "macro %s can never be true here: it needs an event of %s, and the rest one of %s",
				e.Name, yes.names(), ctx.names())
		}
	case *rule.Exists:
		c.carried(&e.Field, ctx)
	case *rule.Comparison:
		c.carried(&e.Field, ctx)
	}
}

// contextAnd looks at each part with what the others leave.
func (c *checker) contextAnd(e *rule.And, ctx typeSet, inside bool) {
	n := len(e.Parts)
	after := make([]typeSet, n+1) // what the parts from i on leave
	after[n] = allTypes
	own := make([]typeSet, n)
	for i := n - 1; i >= 0; i-- {
		own[i] = c.said[e.Parts[i]].yes
		after[i] = after[i+1].and(own[i])
	}
	for i, p := range e.Parts {
		c.context(p, ctx.and(after[i+1]), inside)
		ctx = ctx.and(own[i])
	}
}

// carried warns of a field that no event of these types has.
func (c *checker) carried(f *rule.FieldRef, ctx typeSet) {
	if f.Field == nil || ctx == (typeSet{}) || undelivered(f.Field) != "" {
		return
	}
	if f.Name == "evt.arg" || f.Name == "evt.rawarg" {
		c.hasParam(f, ctx)
	}
	if f.Field.Types == nil {
		return
	}
	if carriers(f).and(ctx) == (typeSet{}) {
		c.warn(f.Pos, rule.CodeFieldNotCarried, c.insteadOf(f, ctx),
			"no event of %s has the field %s: the comparison is always false here", ctx.names(), f.Text)
	}
}
