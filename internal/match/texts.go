package match

import "github.com/goshawk-security/goshawk/internal/event"

// texts keeps the texts of an event that were read, since conditions compare few
// fields with many literals. A text has a slot for each field and argument; it
// counts while its age is that of the event or of the selected name.
type texts struct {
	slots []textSlot
	clock uint64 // counts events and names
	ages  [scopes]uint64
}

// textSlot is the part of a value that a comparison of texts needs.
type textSlot struct {
	age      uint64
	presence event.Presence
	text     string // borrowed: to be used at this age only
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

// judge evaluates a predicate on a text.
func (t *texts) judge(ev *event.Event, p *pred) result {
	s := &t.slots[p.slot]
	if age := t.ages[p.scope]; s.age != age {
		v := p.get(ev, p.arg)
		*s = textSlot{age: age, presence: v.Presence(), text: v.Str()}
	}
	if s.presence == event.Present {
		return truth(p.text(s.text))
	}
	return p.judgeMissing(s.presence)
}
