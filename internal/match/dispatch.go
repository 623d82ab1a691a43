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
}

// trigger says which targets a comparison of a slot's text may make true.
type trigger struct {
	slot int32
	// byBit has the targets of comparison b between from[b] and from[b+1].
	byBit []int32
	from  []int32
}

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
				perName: s.nodes[left.node].scope == perName, image: s.imageParts(left.node)})
		}
	}
	slices.Sort(s.types)
	c.buildIndexes()
	for _, t := range s.types {
		c.trigger(&s.byType[t])
	}
}

// maxParts bounds the parts of a condition that the image is asked for at once.
const maxParts = 32

// imageParts returns those parts of an and, and of ands in it, that the image
// decides.
func (s *Set) imageParts(root int32) []int32 {
	var parts []int32
	seen := map[int32]bool{}
	var walk func(int32)
	walk = func(id int32) {
		n := &s.nodes[id]
		switch {
		case seen[id] || len(seen) > 2*maxParts:
		case n.scope == perImage:
			parts = append(parts, id)
		case n.kind == kindAnd:
			for _, kid := range n.kids {
				walk(kid)
			}
		}
		seen[id] = true
	}
	walk(root)
	return parts
}

// buildIndexes makes the index of each slot, of those comparisons that events are
// held against.
func (c *compiler) buildIndexes() {
	s := c.set
	patterns := make([][]text.Pattern, len(s.slots))
	for _, id := range s.reachable() {
		p := s.nodes[id].pred
		if p == nil || !p.slotted || p.text.Open {
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
		scope := s.slots[i].scope
		d.triggers[scope] = append(d.triggers[scope], t)
	}
}
