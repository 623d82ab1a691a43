package match

import (
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/match/text"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// effort is a guess at what it costs to evaluate a node, in nanoseconds, and how
// often it is true. It decides the order of the parts of and and or, and never what
// they come to.
type effort struct{ cost, chance float32 }

// effort guesses that of a predicate. The costs were measured with the package's
// benchmarks; what depends on the image is remembered for it, and costs a look.
func (p *pred) effort() effort {
	cost := float32(6)
	switch {
	case p.field.OfType: // left out when rules are compiled
		return effort{1, 0.1}
	case p.right != nil:
		cost = 30
	case p.field.Type == event.TypeString && p.test != nil:
		cost = 15
		if p.ofFewValues() {
			cost = 10
		}
		if p.text.Open {
			cost = 60
		}
		if p.source.Op == rule.OpRegex {
			cost += 200
		}
	}
	if p.each {
		cost *= 4
	}
	if p.isMade() {
		cost += 100
	}
	if p.scope == perImage {
		cost /= 8
	}
	return effort{cost, p.chance()}
}

// chance guesses how often a predicate is true.
func (p *pred) chance() float32 {
	if p.source == nil {
		return 0.9
	}
	switch op := p.source.Op; {
	case p.field.Type == event.TypeBool:
		return 0.3
	case op == rule.OpNe:
		return 0.9
	case op == rule.OpLt || op == rule.OpLe || op == rule.OpGt || op == rule.OpGe:
		return 0.6
	case p.ofFewValues():
		return 0.4
	}
	return 0.1
}

// isMade tells that the field's text is put together for each event.
func (p *pred) isMade() bool {
	return p.scope != perImage && p.arg.Given && p.field.Type == event.TypeString
}

// ofFewValues tells that a comparison is probably with one of the few values that a
// field such as fd.type has.
func (p *pred) ofFewValues() bool {
	if p.scope != perEvent || p.field.Type != event.TypeString || p.text.Open {
		return false
	}
	return !slices.ContainsFunc(p.text.Needs, func(n text.Pattern) bool { return n.Kind != text.Exact || strings.Contains(n.Text, "/") })
}

// arrange puts the parts of and and or into the order in which they decide soonest,
// and guesses the effort of the whole. The parts are sorted in place.
func (c *compiler) arrange(kind nodeKind, kids []int32) effort {
	of := func(id int32) effort { return c.set.nodes[id].effort }
	if kind == kindNot {
		return effort{of(kids[0]).cost, 1 - of(kids[0]).chance}
	}
	goesOn := func(e effort) float32 { // how often the next part is asked
		if kind == kindAnd {
			return e.chance
		}
		return 1 - e.chance
	}
	slices.SortStableFunc(kids, func(a, b int32) int {
		x, y := of(a), of(b)
		// What costs little for each decision that it makes comes first.
		left, right := x.cost*(1-goesOn(y)), y.cost*(1-goesOn(x))
		switch {
		case left < right:
			return -1
		case left > right:
			return 1
		}
		return 0
	})
	sum := effort{0, 1}
	for _, id := range kids {
		sum.cost += of(id).cost * sum.chance
		sum.chance *= goesOn(of(id))
	}
	if kind == kindOr {
		sum.chance = 1 - sum.chance
	}
	return sum
}
