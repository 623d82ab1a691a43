package match

import (
	"strings"

	"github.com/goshawk-security/goshawk/internal/match/text"
)

// clause is a set of comparisons that an index can find, of which one must be true, or pending, for
// a node to be. The smaller its chance the less often the node is looked at in vain.
type clause struct {
	preds  []int32 // nil if there is none
	chance float32
}

// maxClause bounds the comparisons of a clause.
const maxClause = 16

// uselessChance is the chance from which on a clause rules out too little.
const uselessChance = 0.5

// clauseOf returns the best clause of a node.
func (c *compiler) clauseOf(id int32) clause {
	if have, ok := c.clause[id]; ok {
		return have
	}
	var best clause
	switch n := &c.set.nodes[id]; n.kind {
	case kindPred:
		if n.pred.slotted && !n.pred.text.Open && !n.pred.invert {
			best = clause{[]int32{id}, n.pred.needChance()}
		}
	case kindAnd:
		for _, kid := range n.kids {
			if k := c.clauseOf(kid); k.preds != nil && (best.preds == nil || k.chance < best.chance) {
				best = k
			}
		}
	case kindOr:
		best = c.clauseOfOr(n.kids)
	}
	if best.chance > uselessChance {
		best = clause{}
	}
	c.clause[id] = best
	return best
}

// clauseOfOr joins the clauses of all parts.
func (c *compiler) clauseOfOr(kids []int32) clause {
	var all clause
	for _, kid := range kids {
		k := c.clauseOf(kid)
		if k.preds == nil || len(all.preds)+len(k.preds) > maxClause {
			return clause{}
		}
		all.preds = append(all.preds[:len(all.preds):len(all.preds)], k.preds...)
		all.chance += k.chance
	}
	return all
}

// needChance guesses how often a text has one of the patterns that a predicate
// needs.
func (p *pred) needChance() float32 {
	if p.ofFewValues() {
		return 0.4
	}
	sum := float32(0)
	for i := range p.text.Needs {
		sum += patternChance(&p.text.Needs[i])
	}
	if p.each {
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
