package match

import (
	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/match/text"
)

// slot is a text that comparisons ask for: a field with its argument, or all values
// of a field that has one for each index.
type slot struct {
	reader
	scope scope
	preds int // how many comparisons its index serves
	index *text.Index
}

// texts keeps what was read of the texts of an event, since conditions compare few
// of them with many literals: an index says at once which comparisons hold. What was
// read counts while its age is that of the event or of the selected name.
type texts struct {
	set   *Set
	slots []textSlot
	clock uint64 // counts events and names
	ages  [scopes]uint64
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

func newTexts(s *Set) texts {
	t := texts{set: s, slots: make([]textSlot, len(s.slots))}
	for i := range t.slots {
		t.slots[i].hits = text.NewHits(s.slots[i].preds)
	}
	return t
}

// newEvent forgets what was read of the event before.
func (t *texts) newEvent() {
	t.clock++
	t.ages = [scopes]uint64{t.clock, t.clock, t.clock}
}

// newName forgets what depends on the name that was selected before.
func (t *texts) newName() {
	t.clock++
	t.ages[perName] = t.clock
}

// read returns a slot, read for the event and the name that is selected.
func (t *texts) read(ev *event.Event, i int32) *textSlot {
	s, of := &t.slots[i], &t.set.slots[i]
	if age := t.ages[of.scope]; s.age != age {
		s.age, s.searched, s.pending = age, false, false
		if !of.each {
			v := of.get(ev, of.arg)
			s.presence, s.text = v.Presence(), v.Str()
			s.pending = s.presence == event.Pending
		}
	}
	return s
}

// search returns a slot with the comparisons that the index finds.
func (t *texts) search(ev *event.Event, i int32) *textSlot {
	s := t.read(ev, i)
	if s.searched {
		return s
	}
	s.searched = true
	s.hits.Clear()
	switch of := &t.set.slots[i]; {
	case !of.each:
		if s.presence == event.Present {
			of.index.Find(s.text, &s.hits)
		}
	default:
		for n := 0; ; n++ {
			v, more := of.value(ev, n)
			if !more {
				break
			}
			if v.IsPresent() {
				of.index.Find(v.Str(), &s.hits)
			}
			s.pending = s.pending || v.Presence() == event.Pending
		}
	}
	return s
}

// judge evaluates a predicate on a text.
func (t *texts) judge(ev *event.Event, p *pred) result {
	if p.each && !p.indexed {
		return p.eval(ev)
	}
	if !p.indexed {
		s := t.read(ev, p.slot)
		if s.presence == event.Present {
			return truth(p.text.Holds(s.text) != p.invert)
		}
		return p.judgeMissing(s.presence)
	}
	s := t.search(ev, p.slot)
	switch hit := s.hits.Has(p.bit); {
	case p.each:
		switch {
		case hit && p.text.Exact:
			return isTrue
		case hit: // by which value is not known
			return p.eval(ev)
		case s.pending:
			return isPending
		}
		return isFalse
	case s.presence != event.Present:
		return p.judgeMissing(s.presence)
	case hit && !p.text.Exact:
		return truth(p.text.Holds(s.text) != p.invert)
	default:
		return truth(hit != p.invert)
	}
}
