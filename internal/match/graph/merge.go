package graph

import (
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/match/predicate"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// merge joins those parts of an or that compare one field by one operator: what
// any of them has among its literals, the one that stands for them has.
func (c *compiler) merge(kids []int32) []int32 {
	var merged []int32
	groups := map[string][]int32{} // by what is compared and how
	for _, id := range kids {
		key := c.mergeKey(id)
		if key == "" {
			merged = append(merged, id)
			continue
		}
		if groups[key] == nil {
			merged = append(merged, id) // the place of the group
		}
		groups[key] = append(groups[key], id)
	}
	for i, id := range merged {
		if group := groups[c.mergeKey(id)]; len(group) > 1 {
			merged[i] = c.mergeGroup(group)
		}
	}
	return merged
}

// mergeKey is the same for nodes that can be merged, "" for one that cannot.
func (c *compiler) mergeKey(id int32) string {
	n := &c.graph.Nodes[id]
	if n.Kind != Comparison || n.Pred.Source == nil || n.Pred.Source.Right != nil || n.Pred.Source.Quant != rule.QuantNone {
		return ""
	}
	switch op := n.Pred.Source.Op; op {
	case rule.OpEq, rule.OpIn:
		if !n.Pred.IsList() {
			return predicate.RefKey(&n.Pred.Source.Field) + " in"
		}
	case rule.OpContains, rule.OpIContains, rule.OpStartsWith, rule.OpEndsWith, rule.OpGlob, rule.OpPMatch,
		rule.OpIGlob, rule.OpBContains, rule.OpBStartsWith:
		return predicate.RefKey(&n.Pred.Source.Field) + " " + op.String()
	}
	return ""
}

// mergeGroup returns the node of the comparison with all literals of a group.
func (c *compiler) mergeGroup(group []int32) int32 {
	all := *c.graph.Nodes[group[0]].Pred.Source
	all.Values = slices.Clone(all.Values)
	for _, id := range group[1:] {
		all.Values = append(all.Values, c.graph.Nodes[id].Pred.Source.Values...)
	}
	if all.Op == rule.OpEq {
		all.Op = rule.OpIn
	}
	slices.SortFunc(all.Values, func(a, b rule.Literal) int { return strings.Compare(a.Text, b.Text) })
	id, err := c.comparison(&all)
	if err != nil {
		panic("graph: merge comparisons that compiled: " + err.Error())
	}
	return id
}
