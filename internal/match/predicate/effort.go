package predicate

import (
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/match/text"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// Effort is a guess at what it costs to evaluate a node, in nanoseconds, and how
// often it is true. It decides the order of the parts of and and or, and never what
// they come to.
type Effort struct{ Cost, Chance float32 }

// Effort guesses that of the predicate. The costs were measured with the package's
// benchmarks; what depends on the image is remembered for it, and costs a look.
func (p *Predicate) Effort() Effort {
	cost := float32(6)
	switch {
	case p.Field.OfType: // left out when rules are compiled
		return Effort{1, 0.1}
	case p.right != nil:
		cost = 30
	case p.Field.Type == event.TypeString && p.test != nil:
		cost = 15
		if p.ofFewValues() {
			cost = 10
		}
		if p.Text.Open {
			cost = 60
		}
		if p.Source.Op == rule.OpRegex {
			cost += 200
		}
	}
	if p.Each {
		cost *= 4
	}
	if p.isMade() {
		cost += 100
	}
	if p.Scope == PerImage {
		cost /= 8
	}
	return Effort{cost, p.chance()}
}

// chance guesses how often a predicate is true.
func (p *Predicate) chance() float32 {
	if p.Source == nil {
		return 0.9
	}
	switch op := p.Source.Op; {
	case p.Field.Type == event.TypeBool:
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
func (p *Predicate) isMade() bool {
	return p.Scope != PerImage && p.arg.Given && p.Field.Type == event.TypeString
}

// ofFewValues tells that a comparison is probably with one of the few values that a
// field such as fd.type has.
func (p *Predicate) ofFewValues() bool {
	if p.Scope != PerEvent || p.Field.Type != event.TypeString || p.Text.Open {
		return false
	}
	return !slices.ContainsFunc(p.Text.Needs, func(n text.Pattern) bool { return n.Kind != text.Exact || strings.Contains(n.Text, "/") })
}

// NeedChance guesses how often a text has one of the patterns that a predicate
// needs.
func (p *Predicate) NeedChance() float32 {
	if p.ofFewValues() {
		return 0.4
	}
	sum := float32(0)
	for i := range p.Text.Needs {
		sum += patternChance(&p.Text.Needs[i])
	}
	if p.Each {
		sum *= 4 // values
	}
	if p.isMade() {
		sum *= 10 // not that it is more often true: it costs as much as several others
	}
	return min(sum, 1)
}

// patternChance guesses by the length of a pattern: short ones are common.
func patternChance(p *text.Pattern) float32 {
	n := len(p.Text)
	switch p.Kind {
	case text.Exact:
		if strings.Contains(p.Text, "/") {
			return 0.001
		}
		return 0.01
	case text.Substring, text.Suffix:
		if n <= 3 {
			return 0.4
		}
		return 0.3 / float32(n)
	}
	if n <= 1 {
		return 1
	}
	return 0.2 / float32(n)
}
