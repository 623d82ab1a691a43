package match

import (
	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/match/graph"
	"github.com/goshawk-security/goshawk/internal/match/predicate"
	"github.com/goshawk-security/goshawk/internal/match/text"
)

// texts keeps what was read of the texts of an event, since conditions compare few
// of them with many literals: an index says at once which comparisons hold. What was
// read counts while its age is that of the event or of the selected name.
type texts struct {
	slots []graph.Slot
	read  []textSlot
	clock uint64 // counts events and names
	ages  [predicate.Scopes]uint64
}

// textSlot is what is known of a slot's text.
type textSlot struct {
	age      uint64
	presence event.Presence
	text     string // borrowed: to be used at this age only
	searched bool   // hits is filled
	pending  bool   // one of the values is
	hits     text.Hits
}

func newTexts(slots []graph.Slot) texts {
	t := texts{slots: slots, read: make([]textSlot, len(slots))}
	for i := range slots {
		t.read[i].hits = text.NewHits(slots[i].Bits)
	}
	return t
}

// newEvent forgets what was read of the event before.
func (t *texts) newEvent() {
	t.clock++
	t.ages = [predicate.Scopes]uint64{t.clock, t.clock, t.clock}
}

// newName forgets what depends on the name that was selected before.
func (t *texts) newName() {
	t.clock++
	t.ages[predicate.PerName] = t.clock
}

// get returns a slot, read for the event and the name that is selected.
func (t *texts) get(ev *event.Event, i int32) *textSlot {
	s, of := &t.read[i], &t.slots[i]
	if age := t.ages[of.Scope]; s.age != age {
		s.age, s.searched, s.pending = age, false, false
		if !of.Each {
			v := of.Get(ev)
			s.presence, s.text = v.Presence(), v.Str()
			s.pending = s.presence == event.Pending
		}
	}
	return s
}

// search returns a slot with the comparisons that its index finds.
func (t *texts) search(ev *event.Event, i int32) *textSlot {
	s := t.get(ev, i)
	if s.searched {
		return s
	}
	s.searched = true
	s.hits.Clear()
	of := &t.slots[i]
	if !of.Each {
		if s.presence == event.Present {
			of.Index.Find(s.text, &s.hits)
		}
		return s
	}
	for n := 0; ; n++ {
		v, more := of.Value(ev, n)
		if !more {
			return s
		}
		if v.IsPresent() {
			of.Index.Find(v.Str(), &s.hits)
		}
		s.pending = s.pending || v.Presence() == event.Pending
	}
}

// judge evaluates a comparison.
func (t *texts) judge(ev *event.Event, n *graph.Node) predicate.Result {
	switch p := n.Pred; {
	case n.Slot == graph.NoNode || p.Each && n.Bit == graph.NoNode:
		return p.Eval(ev)
	case n.Bit == graph.NoNode:
		s := t.get(ev, n.Slot)
		return p.JudgeText(s.presence, s.text)
	case p.Each:
		return t.judgeEach(ev, n)
	}
	s, p := t.search(ev, n.Slot), n.Pred
	hit := s.hits.Has(n.Bit)
	if s.presence != event.Present || hit && !p.Text.Exact {
		return p.JudgeText(s.presence, s.text)
	}
	return predicate.Truth(hit != p.Invert)
}

// judgeEach is judge for a field of several values.
func (t *texts) judgeEach(ev *event.Event, n *graph.Node) predicate.Result {
	s := t.search(ev, n.Slot)
	switch {
	case s.hits.Has(n.Bit) && n.Pred.Text.Exact:
		return predicate.True
	case s.hits.Has(n.Bit): // by which value is not known
		return n.Pred.Eval(ev)
	case s.pending:
		return predicate.Pending
	}
	return predicate.False
}
