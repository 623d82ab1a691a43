package graph

import (
	"slices"

	"github.com/goshawk-security/goshawk/internal/match/predicate"
)

// arrange puts the parts of and and or into the order in which they decide soonest,
// and guesses the effort of the whole. The parts are sorted in place.
func (c *compiler) arrange(kind Kind, kids []int32) predicate.Effort {
	of := func(id int32) predicate.Effort { return c.graph.Nodes[id].Effort }
	if kind == Not {
		return predicate.Effort{Cost: of(kids[0]).Cost, Chance: 1 - of(kids[0]).Chance}
	}
	goesOn := func(e predicate.Effort) float32 { // how often the next part is asked
		if kind == And {
			return e.Chance
		}
		return 1 - e.Chance
	}
	slices.SortStableFunc(kids, func(a, b int32) int {
		x, y := of(a), of(b)
		// What costs little for each decision that it makes comes first.
		left, right := x.Cost*(1-goesOn(y)), y.Cost*(1-goesOn(x))
		switch {
		case left < right:
			return -1
		case left > right:
			return 1
		}
		return 0
	})
	sum := predicate.Effort{Chance: 1}
	for _, id := range kids {
		sum.Cost += of(id).Cost * sum.Chance
		sum.Chance *= goesOn(of(id))
	}
	if kind == Or {
		sum.Chance = 1 - sum.Chance
	}
	return sum
}
