package match

import (
	"slices"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/match/text"
)

// dispatch is what is done with an event of one type. A target whose condition
// needs one of a few comparisons of texts to be true (its clause) is looked at when
// an index finds one of them; those of the image are asked once for the image. The
// others are listed.
type dispatch struct {
	targets  []target // in the order of the files
	listed   []int32  // those without a clause
	triggers [scopes][]trigger
}

// target is a rule and what is left of its condition for events of one type.
type target struct {
	rule    int32 // index of Set.rules
	root    int32
	perName bool    // asks for the event's name
	image   []int32 // the parts that the image decides; all must be true
	guard   int32   // a part that the event decides at little cost; noNode if there is none
}

// trigger says which targets a comparison of a slot's text may make true.
type trigger struct {
	slot int32
	// byBit has the targets of comparison b between from[b] and from[b+1].
	byBit  []int32
	from   []int32
	guards guards
}

// guards are parts of conditions that an event decides at little cost. If all are
// false, no target of a trigger is true, and its text need not be read; with none it
// must be.
type guards struct {
	list [maxGuards]int32
	n    int
	many bool // too many, or a target without: as if there were none
}

// maxGuards bounds guards: asking more costs more than the text.
const maxGuards = 4

func (g *guards) add(id int32) {
	switch {
	case id == noNode || g.n == maxGuards && !slices.Contains(g.list[:], id):
		g.n, g.many = 0, true
	case !g.many && !slices.Contains(g.list[:g.n], id):
		g.list[g.n] = id
		g.n++
	}
}

const noNode = -1

func (t *trigger) of(bit int32) []int32 { return t.byBit[t.from[bit]:t.from[bit+1]] }

// dispatch fills Set.byType, Set.types and Set.slots.
func (c *compiler) dispatch() {
	s := c.set
	folders := map[event.Type]*folder{}
	for i := range s.rules {
		for _, t := range s.rules[i].rule.Types {
			f := folders[t]
			if f == nil {
				f = &folder{compiler: c, ev: event.Event{Type: t}, done: map[int32]remainder{}}
				folders[t] = f
				s.types = append(s.types, t)
			}
			left := f.fold(s.rules[i].root)
			switch left.result {
			case isFalse:
				continue
			case isTrue:
				left.node = c.joined(kindAnd, nil) // nothing is asked
			}
			d := &s.byType[t]
			d.targets = append(d.targets, target{rule: int32(i), root: left.node,
				perName: s.nodes[left.node].scope == perName})
		}
	}
	slices.Sort(s.types)
	c.buildIndexes(c.triggering())
	for _, t := range s.types {
		c.trigger(&s.byType[t])
	}
}

// maxParts bounds the nodes that are looked at for the parts of a condition.
const maxParts = 64

// parts returns the parts of an and, and of ands in it: all must be true. Ands of a
// scope below whole are parts as they are.
func (s *Set) parts(root int32, whole scope) []int32 {
	var parts []int32
	seen := map[int32]bool{}
	var walk func(int32)
	walk = func(id int32) {
		n := &s.nodes[id]
		if seen[id] {
			return
		}
		seen[id] = true
		if n.kind != kindAnd || n.scope < whole || len(seen) > maxParts {
			parts = append(parts, id)
			return
		}
		for _, kid := range n.kids {
			walk(kid)
		}
	}
	walk(root)
	return parts
}

// triggering returns the comparisons of all clauses.
func (c *compiler) triggering() map[int32]bool {
	preds := map[int32]bool{}
	for t := range c.set.byType {
		for _, to := range c.set.byType[t].targets {
			for _, id := range c.clauseOf(to.root).preds {
				preds[id] = true
			}
		}
	}
	return preds
}

// buildIndexes makes the index of each slot: of the comparisons that are in a
// clause, and of all of the image, which are asked one by one for each new one. Others
// of the event are asked only when a clause is true, which is rare.
func (c *compiler) buildIndexes(triggering map[int32]bool) {
	s := c.set
	patterns := make([][]text.Pattern, len(s.slots))
	for _, id := range s.reachable() {
		p := s.nodes[id].pred
		if p == nil || !p.slotted || p.text.Open || p.scope != perImage && !triggering[id] {
			continue
		}
		slot := &s.slots[p.slot]
		p.indexed, p.bit = true, int32(slot.preds)
		slot.preds++
		for _, need := range p.text.Needs {
			need.ID = p.bit
			patterns[p.slot] = append(patterns[p.slot], need)
		}
	}
	for i := range s.slots {
		s.slots[i].index = text.NewIndex(patterns[i])
	}
}

// reachable returns the nodes below all targets, in order.
func (s *Set) reachable() []int32 {
	seen := make([]bool, len(s.nodes))
	var walk func(int32)
	walk = func(id int32) {
		if !seen[id] {
			seen[id] = true
			for _, kid := range s.nodes[id].kids {
				walk(kid)
			}
		}
	}
	for t := range s.byType {
		for _, to := range s.byType[t].targets {
			walk(to.root)
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
func (c *compiler) trigger(d *dispatch) {
	s := c.set
	s.divide(d)
	bySlot := map[int32][][]int32{} // targets by bit
	for i := range d.targets {
		clause := c.clauseOf(d.targets[i].root)
		if clause.preds == nil {
			d.listed = append(d.listed, int32(i))
			continue
		}
		for _, id := range clause.preds {
			p := s.nodes[id].pred
			if bySlot[p.slot] == nil {
				bySlot[p.slot] = make([][]int32, s.slots[p.slot].preds)
			}
			bySlot[p.slot][p.bit] = append(bySlot[p.slot][p.bit], int32(i))
		}
	}
	for i := range s.slots {
		byBit := bySlot[int32(i)]
		if byBit == nil {
			continue
		}
		t := trigger{slot: int32(i), from: make([]int32, 1, len(byBit)+1)}
		for _, targets := range byBit {
			t.byBit = append(t.byBit, targets...)
			t.from = append(t.from, int32(len(t.byBit)))
		}
		for _, target := range t.byBit {
			t.guards.add(d.targets[target].guard)
		}
		scope := s.slots[i].scope
		d.triggers[scope] = append(d.triggers[scope], t)
	}
}

// divide fills in the parts of each target that the image decides, and chooses its
// guard: the part that is false most often, of equal ones that which more targets
// have.
func (s *Set) divide(d *dispatch) {
	parts := make([][]int32, len(d.targets))
	uses := map[int32]int{}
	for i := range d.targets {
		parts[i] = s.parts(d.targets[i].root, perEvent)
		for _, id := range parts[i] {
			uses[id]++
		}
	}
	for i := range d.targets {
		t := &d.targets[i]
		t.guard = noNode
		best := effort{chance: guardChance}
		for _, id := range parts[i] {
			n := &s.nodes[id]
			switch e := n.effort; {
			case n.scope == perImage:
				t.image = append(t.image, id)
			case n.scope != perEvent || e.cost > guardCost || e.chance > best.chance:
			case e.chance < best.chance || t.guard == noNode || uses[id] > uses[t.guard]:
				best, t.guard = e, id
			}
		}
	}
}

// guardCost and guardChance bound what a part of a condition costs and how often it
// is true if it is to spare the reading of texts.
const guardCost, guardChance = 13, 0.75
