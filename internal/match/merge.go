package match

import (
	"slices"
	"strings"

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
	n := &c.set.nodes[id]
	if n.kind != kindPred || n.pred.source == nil || n.pred.right != nil || n.pred.source.Quant != rule.QuantNone {
		return ""
	}
	switch op := n.pred.source.Op; op {
	case rule.OpEq, rule.OpIn:
		if !n.pred.isList() {
			return refKey(&n.pred.source.Field) + " in"
		}
	case rule.OpContains, rule.OpIContains, rule.OpStartsWith, rule.OpEndsWith, rule.OpGlob, rule.OpPMatch,
		rule.OpIGlob, rule.OpBContains, rule.OpBStartsWith:
		return refKey(&n.pred.source.Field) + " " + op.String()
	}
	return ""
}

// mergeGroup returns the node of the comparison with all literals of a group.
func (c *compiler) mergeGroup(group []int32) int32 {
	all := *c.set.nodes[group[0]].pred.source
	all.Values = slices.Clone(all.Values)
	for _, id := range group[1:] {
		all.Values = append(all.Values, c.set.nodes[id].pred.source.Values...)
	}
	if all.Op == rule.OpEq {
		all.Op = rule.OpIn
	}
	slices.SortFunc(all.Values, func(a, b rule.Literal) int { return strings.Compare(a.Text, b.Text) })
	id, err := c.comparison(&all)
	if err != nil {
		panic("match: merge comparisons that compiled: " + err.Error())
	}
	return id
}
