package graph

// clause is a set of comparisons that an index can find, of which one must be true,
// or pending, for a node to be. The smaller its chance the less often the node is
// looked at in vain.
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
	switch n := &c.graph.Nodes[id]; n.Kind {
	case Comparison:
		if n.Slot != NoNode && !n.Pred.Text.Open && !n.Pred.Invert {
			best = clause{[]int32{id}, n.Pred.NeedChance()}
		}
	case And:
		for _, kid := range n.Kids {
			if k := c.clauseOf(kid); k.preds != nil && (best.preds == nil || k.chance < best.chance) {
				best = k
			}
		}
	case Or:
		best = c.clauseOfOr(n.Kids)
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
