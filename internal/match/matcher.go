package match

import (
	"slices"
	"time"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// Hit is a rule that an event made true.
type Hit struct {
	Rule       *rule.Rule
	Conditions []alert.Condition // the comparisons that decided it; they borrow nothing
	// Name is the index of the event's name with which the rule fired: whoever
	// reads the event's fields for this hit selects it first. It is 0 for rules that
	// ask for no name.
	Name int
}

// Matcher evaluates a Set. It is for one goroutine.
type Matcher struct {
	set    *Set
	memos  [scopes]memo // what is known of nodes, for the image, the event and the name
	stale  [scopes]bool // the memo is of another event or name
	images images       // where the first comes from
	texts  texts        // what was read of the event
	hits   []Hit

	found   []finding // by the event
	pending []int32   // rules of which the event leaves open whether they are true
	named   []int32   // targets to try with each name
	asked   []*trigger
	tried   []uint64 // by target, the age at which it was tried last
	timed   bool     // the event is measured

	explainer explainer
	counters  counters
	first     bool // only the first rule fires
}

// memo holds the results of all nodes, 32 in a word.
type memo []uint64

func memoWords(nodes int) int { return (nodes + 31) / 32 }

func (m memo) get(id int32) result { return result(m[uint32(id)/32] >> (uint32(id) % 32 * 2) & 3) }

// set notes the result of a node that has none.
func (m memo) set(id int32, r result) { m[uint32(id)/32] |= uint64(r) << (uint32(id) % 32 * 2) }

// Option changes what a matcher does.
type Option func(*Matcher)

// FirstOnly is the option that of all rules which an event makes true only the
// first in the order of the files fires.
func FirstOnly(m *Matcher) { m.first = true }

// NewMatcher makes a matcher for one goroutine.
func (s *Set) NewMatcher(options ...Option) *Matcher {
	words := memoWords(len(s.nodes))
	m := &Matcher{set: s, images: newImages(words), texts: newTexts(s), explainer: newExplainer(s), counters: newCounters(len(s.rules))}
	for i := range s.byType {
		m.tried = append(m.tried, make([]uint64, max(0, len(s.byType[i].targets)-len(m.tried)))...)
	}
	for _, o := range options {
		o(m)
	}
	m.memos[perEvent], m.memos[perName] = make(memo, words), make(memo, words)
	return m
}

// Match returns the rules that the event makes true, in the order of the
// files. The slice is valid until the next call. Nothing is allocated when no
// rule is true. The event's first name is selected afterwards, or that of the
// hit if there is one hit.
func (m *Matcher) Match(ev *event.Event) []Hit {
	m.found, m.pending = m.found[:0], m.pending[:0]
	if int(ev.Type) >= len(m.set.byType) {
		return nil
	}
	d := &m.set.byType[ev.Type]
	if len(d.targets) == 0 {
		return nil
	}
	m.timed = m.counters.sample(ev.Type)
	m.texts.newEvent()
	m.stale[perEvent], m.stale[perName] = true, true
	ev.SelectName(0)
	m.named = m.named[:0]
	open := m.open(ev, d)
	m.tryAll(ev, d, open.targets)
	triggers := &d.triggers
	if open.events > patience {
		triggers = &open.triggers
	}
	for i := range triggers[perEvent] {
		if t := &triggers[perEvent][i]; m.allows(ev, &t.guards) {
			m.search(ev, d, t, m.tryAll)
		}
	}
	m.asked = m.asked[:0]
	for i := range triggers[perName] {
		if t := &triggers[perName][i]; m.allows(ev, &t.guards) {
			m.asked = append(m.asked, t)
		}
	}
	if len(m.named)+len(m.asked) > 0 {
		m.tryNames(ev, d)
	}
	return m.report(ev)
}

// allows tells that one of the guards is not false, or that there are none.
func (m *Matcher) allows(ev *event.Event, g *guards) bool {
	if g.n == 0 {
		return true
	}
	m.refresh()
	for _, id := range g.list[:g.n] {
		if m.eval(ev, id) != isFalse {
			return true
		}
	}
	return false
}

// refresh forgets the results of another event or name. It is done late, since most
// events need none.
func (m *Matcher) refresh() {
	for s, stale := range m.stale {
		if stale {
			clear(m.memos[s])
			m.stale[s] = false
		}
	}
}

// Pending returns how many rules are neither true nor false of the event that was
// matched last, since a value is on its way. Whoever can wait holds the event and
// matches it again.
func (m *Matcher) Pending() int { return len(m.pending) }

// finding is a rule that is true with a name.
type finding struct{ rule, name int32 }

// open returns the targets that the event's image leaves open.
func (m *Matcher) open(ev *event.Event, d *dispatch) *openTargets {
	im := m.images.of(ev.Image)
	m.memos[perImage] = im.memo
	open, ok := im.find(ev.Type)
	if open.events++; ok {
		if open.events == patience+1 {
			m.specialise(ev, d, open)
		}
		return open
	}
	add := func(ev *event.Event, d *dispatch, targets []int32) {
		for _, i := range targets {
			if m.once(i) && m.imageAllows(ev, &d.targets[i]) {
				open.targets = append(open.targets, i)
			}
		}
	}
	add(ev, d, d.listed)
	for i := range d.triggers[perImage] {
		m.search(ev, d, &d.triggers[perImage][i], add)
	}
	m.texts.newEvent() // the targets are tried again
	return open
}

// specialise leaves out of the triggers what the image decides.
func (m *Matcher) specialise(ev *event.Event, d *dispatch, open *openTargets) {
	for _, scope := range [...]scope{perEvent, perName} {
		open.triggers[scope] = open.triggers[scope][:0]
		for i := range d.triggers[scope] {
			t, needed := d.triggers[scope][i], false
			t.guards = guards{}
			for _, target := range t.byBit {
				if to := &d.targets[target]; m.imageAllows(ev, to) {
					needed = true
					t.guards.add(to.guard)
				}
			}
			if needed {
				open.triggers[scope] = append(open.triggers[scope], t)
			}
		}
	}
}

// imageAllows tells that no part of a condition that the image decides is false.
func (m *Matcher) imageAllows(ev *event.Event, t *target) bool {
	for _, id := range t.image {
		if m.eval(ev, id) == isFalse {
			return false
		}
	}
	return true
}

// search calls do with the targets of each comparison of a slot that an index finds;
// with all, if the text is pending.
func (m *Matcher) search(ev *event.Event, d *dispatch, t *trigger, do func(*event.Event, *dispatch, []int32)) {
	s := m.texts.search(ev, t.slot)
	if s.pending {
		do(ev, d, t.byBit)
		return
	}
	for _, bit := range s.hits.List() {
		if targets := t.of(bit); len(targets) > 0 {
			do(ev, d, targets)
		}
	}
}

// once tells that a target was not tried before at this age.
func (m *Matcher) once(i int32) bool {
	age := m.texts.clock
	if m.tried[i] == age {
		return false
	}
	m.tried[i] = age
	return true
}

// tryAll tries targets with the event, those that ask for a name later.
func (m *Matcher) tryAll(ev *event.Event, d *dispatch, targets []int32) {
	for _, i := range targets {
		switch t := &d.targets[i]; {
		case !m.once(i):
		case t.perName:
			m.named = append(m.named, i)
		default:
			m.try(ev, 0, t)
		}
	}
}

// tryNames tries targets with each name of the event: those that were found
// already, and those that an index of the name finds.
func (m *Matcher) tryNames(ev *event.Event, d *dispatch) {
	names := max(ev.Names(), 1)
	for name := range names {
		ev.SelectName(name)
		m.texts.newName()
		m.stale[perName] = true
		try := func(ev *event.Event, d *dispatch, targets []int32) {
			for _, i := range targets {
				if m.once(i) {
					m.try(ev, name, &d.targets[i])
				}
			}
		}
		try(ev, d, m.named)
		for _, t := range m.asked {
			m.search(ev, d, t, try)
		}
	}
}

// try evaluates a target with the name that is selected.
func (m *Matcher) try(ev *event.Event, name int, t *target) {
	m.refresh()
	if m.timed {
		m.tryTimed(ev, name, t)
		return
	}
	m.tryOne(ev, name, t)
}

// tryTimed is tryOne with the clock.
func (m *Matcher) tryTimed(ev *event.Event, name int, t *target) {
	start := time.Now()
	m.tryOne(ev, name, t)
	m.counters.rules[t.rule].nanos.Add(uint64(time.Since(start)))
}

func (m *Matcher) tryOne(ev *event.Event, name int, t *target) {
	switch r := m.eval(ev, t.root); {
	case r == isFalse || name > 0 && m.fired(t.rule):
	case r == isTrue:
		m.found = append(m.found, finding{t.rule, int32(name)})
	case !slices.Contains(m.pending, t.rule):
		m.pending = append(m.pending, t.rule)
	}
}

// fired tells that a rule is true with an earlier name. Hits are few.
func (m *Matcher) fired(rule int32) bool {
	return slices.ContainsFunc(m.found, func(f finding) bool { return f.rule == rule })
}

// report makes hits of what was found.
func (m *Matcher) report(ev *event.Event) []Hit {
	m.pending = slices.DeleteFunc(m.pending, m.fired)
	for _, r := range m.pending {
		m.counters.rules[r].pending.Add(1)
	}
	m.hits = m.hits[:0]
	if len(m.found) > 1 {
		slices.SortFunc(m.found, func(a, b finding) int { return int(a.rule - b.rule) })
	}
	if m.first && len(m.found) > 1 {
		m.found = m.found[:1]
	}
	for _, f := range m.found {
		c := &m.set.rules[f.rule]
		m.counters.rules[f.rule].matched.Add(1)
		ev.SelectName(int(f.name))
		m.hits = append(m.hits, Hit{Rule: c.rule, Conditions: m.explain(ev, c), Name: int(f.name)})
	}
	ev.SelectName(0)
	if len(m.hits) == 1 {
		ev.SelectName(m.hits[0].Name)
	}
	return m.hits
}

// eval evaluates a node unless it has been.
func (m *Matcher) eval(ev *event.Event, id int32) result {
	n := &m.set.nodes[id]
	memo := m.memos[n.scope]
	r := memo.get(id)
	if r != unevaluated {
		return r
	}
	switch n.kind {
	case kindPred:
		if n.pred.slotted {
			r = m.texts.judge(ev, n.pred)
		} else {
			r = n.pred.eval(ev)
		}
	case kindAnd:
		r = m.evalAll(ev, n.kids, isTrue, isFalse)
	case kindOr:
		r = m.evalAll(ev, n.kids, isFalse, isTrue)
	case kindNot:
		r = negated(m.eval(ev, n.kids[0]))
	}
	if r != isPending || n.scope != perImage { // what is pending comes before the image ends
		memo.set(id, r)
	}
	return r
}

// evalAll evaluates the parts of and or or until one decides: r is the result
// if none does.
func (m *Matcher) evalAll(ev *event.Event, kids []int32, r, decides result) result {
	for _, kid := range kids {
		switch m.eval(ev, kid) {
		case decides:
			return decides
		case isPending:
			r = isPending
		}
	}
	return r
}
