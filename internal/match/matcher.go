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
	images images       // where the first comes from
	texts  texts        // what was read of the event
	hits   []Hit

	found   []finding // by the event
	pending []int32   // rules of which the event leaves open whether they are true
	timed   bool      // the event is measured

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
	m := &Matcher{set: s, images: newImages(words), texts: texts{slots: make([]textSlot, s.slots)}, explainer: newExplainer(s),
		counters: newCounters(len(s.rules))}
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
	if len(d.once)+len(d.perName) == 0 {
		return nil
	}
	m.timed = m.counters.sample(ev.Type)
	m.texts.newEvent()
	clear(m.memos[perEvent])
	m.memos[perImage] = m.images.of(ev.Image)
	if len(d.perName) == 0 {
		m.try(ev, 0, d.once)
		return m.report(ev)
	}
	names := max(ev.Names(), 1)
	for i := range names {
		ev.SelectName(i)
		m.texts.newName()
		clear(m.memos[perName])
		if i == 0 {
			m.try(ev, 0, d.once)
		}
		m.try(ev, i, d.perName)
	}
	return m.report(ev)
}

// Pending returns how many rules are neither true nor false of the event that was
// matched last, since a value is on its way. Whoever can wait holds the event and
// matches it again.
func (m *Matcher) Pending() int { return len(m.pending) }

// finding is a rule that is true with a name.
type finding struct{ rule, name int32 }

// try evaluates rules with the name that is selected.
func (m *Matcher) try(ev *event.Event, name int, targets []target) {
	for i := range targets {
		t := &targets[i]
		if m.timed {
			m.tryTimed(ev, name, t)
			continue
		}
		m.tryOne(ev, name, t)
	}
}

// tryTimed is tryOne with the clock.
func (m *Matcher) tryTimed(ev *event.Event, name int, t *target) {
	start := time.Now()
	m.tryOne(ev, name, t)
	m.counters.rules[t.rule].nanos.Add(uint64(time.Since(start)))
}

func (m *Matcher) tryOne(ev *event.Event, name int, t *target) {
	r := m.eval(ev, t.guard)
	if r != isFalse {
		r = m.eval(ev, t.root)
	}
	switch {
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
