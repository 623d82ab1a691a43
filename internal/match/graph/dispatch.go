package graph

import (
	"slices"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/match/predicate"
)

// Dispatch is what is done with an event of one type. A target whose condition
// needs one of a few comparisons of texts to be true is looked at when an index finds
// one of them; those of the image are asked once for the image. The others are listed.
type Dispatch struct {
	Targets  []Target // in the order of the files
	Listed   []int32  // those that need no comparison
	Triggers [predicate.Scopes][]Trigger
}

// Target is a rule and what is left of its condition for events of one type.
type Target struct {
	Rule    int32 // index of Graph.Rules
	Root    int32
	PerName bool    // asks for the event's name
	Needs   []int32 // the comparisons of which one must be true; none for a listed one
	Image   []int32 // the parts that the image decides; all must be true
	Guard   int32   // a part that the event decides at little cost; NoNode if there is none
}

// Trigger says which targets a comparison of a slot's text may make true.
type Trigger struct {
	Slot int32
	// Targets has those of comparison b from from[b] to from[b+1].
	Targets []int32
	from    []int32
	Guards  Guards
}

// Of returns the targets of the comparison with a number in the slot's index.
func (t *Trigger) Of(bit int32) []int32 { return t.Targets[t.from[bit]:t.from[bit+1]] }

// Guards are parts of conditions that an event decides at little cost. If all are
// false, no target of a trigger is true, and its text need not be read; with none it
// must be.
type Guards struct {
	list [maxGuards]int32
	n    int
	none bool // too many, or a target without: as if there were none
}

// maxGuards bounds guards: asking more costs more than the text.
const maxGuards = 4

// Nodes returns the guards.
func (g *Guards) Nodes() []int32 { return g.list[:g.n] }

// Add adds the guard of a target.
func (g *Guards) Add(id int32) {
	switch {
	case g.none || slices.Contains(g.Nodes(), id):
	case id == NoNode || g.n == maxGuards:
		g.n, g.none = 0, true
	default:
		g.list[g.n] = id
		g.n++
	}
}

// dispatch fills ByType, Types and Slots of the graph.
func (c *compiler) dispatch() {
	g := c.graph
	folders := map[event.Type]*folder{}
	for i := range g.Rules {
		for _, t := range g.Rules[i].Rule.Types {
			f := folders[t]
			if f == nil {
				f = &folder{compiler: c, ev: event.Event{Type: t}, done: map[int32]remainder{}}
				folders[t] = f
				g.Types = append(g.Types, t)
			}
			left := f.fold(g.Rules[i].Root)
			switch left.result {
			case predicate.False:
				continue
			case predicate.True:
				left.node = c.joined(And, nil) // nothing is asked
			}
			d := &g.ByType[t]
			d.Targets = append(d.Targets, Target{Rule: int32(i), Root: left.node,
				PerName: g.Nodes[left.node].Scope == predicate.PerName, Needs: c.clauseOf(left.node).preds})
		}
	}
	slices.Sort(g.Types)
	c.buildIndexes()
	for _, t := range g.Types {
		c.trigger(&g.ByType[t])
	}
}

// maxParts bounds the nodes that are looked at for the parts of a condition.
const maxParts = 64

// parts returns the parts of an and, and of ands in it: all must be true. Ands of a
// scope below whole are parts as they are.
func (g *Graph) parts(root int32, whole predicate.Scope) []int32 {
	var parts []int32
	seen := map[int32]bool{}
	var walk func(int32)
	walk = func(id int32) {
		n := &g.Nodes[id]
		if seen[id] {
			return
		}
		seen[id] = true
		if n.Kind != And || n.Scope < whole || len(seen) > maxParts {
			parts = append(parts, id)
			return
		}
		for _, kid := range n.Kids {
			walk(kid)
		}
	}
	walk(root)
	return parts
}

// divide fills in the parts of each target that the image decides, and chooses its
// guard: the part that is false most often, of equal ones that which more targets
// have.
func (g *Graph) divide(d *Dispatch) {
	parts := make([][]int32, len(d.Targets))
	uses := map[int32]int{}
	for i := range d.Targets {
		parts[i] = g.parts(d.Targets[i].Root, predicate.PerEvent)
		for _, id := range parts[i] {
			uses[id]++
		}
	}
	for i := range d.Targets {
		t := &d.Targets[i]
		t.Guard = NoNode
		best := predicate.Effort{Chance: guardChance}
		for _, id := range parts[i] {
			n := &g.Nodes[id]
			switch e := n.Effort; {
			case n.Scope == predicate.PerImage:
				t.Image = append(t.Image, id)
			case n.Scope != predicate.PerEvent || e.Cost > guardCost || e.Chance > best.Chance:
			case e.Chance < best.Chance || t.Guard == NoNode || uses[id] > uses[t.Guard]:
				best, t.Guard = e, id
			}
		}
	}
}

// guardCost and guardChance bound what a part of a condition costs and how often it
// is true if it is to spare the reading of texts.
const guardCost, guardChance = 13, 0.75
