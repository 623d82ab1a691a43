package graph

import (
	"github.com/goshawk-security/goshawk/internal/match/predicate"
	"github.com/goshawk-security/goshawk/internal/match/text"
)

// buildIndexes makes the index of each slot: of the comparisons that targets need,
// and of all of the image, which are asked one by one for each new one. Others of the
// event are asked only when one that is needed is true, which is rare.
func (c *compiler) buildIndexes() {
	g := c.graph
	needed := map[int32]bool{}
	for t := range g.ByType {
		for _, to := range g.ByType[t].Targets {
			for _, id := range to.Needs {
				needed[id] = true
			}
		}
	}
	patterns := make([][]text.Pattern, len(g.Slots))
	for _, id := range g.reachable() {
		n := &g.Nodes[id]
		if n.Kind != Comparison || n.Slot == NoNode || n.Pred.Text.Open || n.Scope != predicate.PerImage && !needed[id] {
			continue
		}
		slot := &g.Slots[n.Slot]
		n.Bit = int32(slot.Bits)
		slot.Bits++
		for _, need := range n.Pred.Text.Needs {
			need.ID = n.Bit
			patterns[n.Slot] = append(patterns[n.Slot], need)
		}
	}
	for i := range g.Slots {
		g.Slots[i].Index = text.NewIndex(patterns[i])
	}
}

// reachable returns the nodes below all targets, in order.
func (g *Graph) reachable() []int32 {
	seen := make([]bool, len(g.Nodes))
	var walk func(int32)
	walk = func(id int32) {
		if !seen[id] {
			seen[id] = true
			for _, kid := range g.Nodes[id].Kids {
				walk(kid)
			}
		}
	}
	for t := range g.ByType {
		for _, to := range g.ByType[t].Targets {
			walk(to.Root)
		}
	}
	var list []int32
	for id, is := range seen {
		if is {
			list = append(list, int32(id))
		}
	}
	return list
}

// trigger sorts the targets of a dispatch by what can make them true.
func (c *compiler) trigger(d *Dispatch) {
	g := c.graph
	g.divide(d)
	bySlot := map[int32][][]int32{} // targets by bit
	for i := range d.Targets {
		if d.Targets[i].Needs == nil {
			d.Listed = append(d.Listed, int32(i))
		}
		for _, id := range d.Targets[i].Needs {
			n := &g.Nodes[id]
			if bySlot[n.Slot] == nil {
				bySlot[n.Slot] = make([][]int32, g.Slots[n.Slot].Bits)
			}
			bySlot[n.Slot][n.Bit] = append(bySlot[n.Slot][n.Bit], int32(i))
		}
	}
	for i := range g.Slots {
		byBit := bySlot[int32(i)]
		if byBit == nil {
			continue
		}
		t := Trigger{Slot: int32(i), from: make([]int32, 1, len(byBit)+1)}
		for _, targets := range byBit {
			t.Targets = append(t.Targets, targets...)
			t.from = append(t.from, int32(len(t.Targets)))
		}
		for _, target := range t.Targets {
			t.Guards.Add(d.Targets[target].Guard)
		}
		scope := g.Slots[i].Scope
		d.Triggers[scope] = append(d.Triggers[scope], t)
	}
}
