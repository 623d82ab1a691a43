package match

import (
	"slices"
	"time"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/match/graph"
	"github.com/goshawk-security/goshawk/internal/match/predicate"
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
	graph  *graph.Graph
	memos  [predicate.Scopes]memo // what is known of nodes, for the image, the event and the name
	stale  [predicate.Scopes]bool // the memo is of another event or name
	images images                 // where the first comes from
	texts  texts                  // what was read of the event
	hits   []Hit

	found   []finding // by the event
	pending []int32   // rules of which the event leaves open whether they are true
	named   []int32   // targets to try with each name
	asked   []*graph.Trigger
	tried   []uint64 // by target, the age at which it was tried last
	timed   bool     // the event is measured

	explainer explainer
	counters  counters
	first     bool // only the first rule fires
	last      int  // type of the event that was matched last, if it was counted; -1
}

// memo holds the results of all nodes, 32 in a word.
type memo []uint64

func memoWords(nodes int) int { return (nodes + 31) / 32 }

func (m memo) get(id int32) predicate.Result {
	return predicate.Result(m[uint32(id)/32] >> (uint32(id) % 32 * 2) & 3)
}

// set notes the result of a node that has none.
func (m memo) set(id int32, r predicate.Result) {
	m[uint32(id)/32] |= uint64(r) << (uint32(id) % 32 * 2)
}

// Option changes what a matcher does.
type Option func(*Matcher)

// FirstOnly is the option that of all rules which an event makes true only the
// first in the order of the files fires.
func FirstOnly(m *Matcher) { m.first = true }

// NewMatcher makes a matcher for one goroutine.
func (s *Set) NewMatcher(options ...Option) *Matcher {
	words := memoWords(len(s.graph.Nodes))
	m := &Matcher{graph: s.graph, images: newImages(words), texts: newTexts(s.graph.Slots), explainer: newExplainer(s.graph), counters: newCounters(len(s.graph.Rules))}
	for i := range s.graph.ByType {
		m.tried = append(m.tried, make([]uint64, max(0, len(s.graph.ByType[i].Targets)-len(m.tried)))...)
	}
	for _, o := range options {
		o(m)
	}
	m.memos[predicate.PerEvent], m.memos[predicate.PerName] = make(memo, words), make(memo, words)
	return m
}

// Match returns the rules that the event makes true, in the order of the
// files. The slice is valid until the next call. Nothing is allocated when no
// rule is true. The event's first name is selected afterwards, or that of the
// hit if there is one hit.
func (m *Matcher) Match(ev *event.Event) []Hit {
	m.found, m.pending, m.last = m.found[:0], m.pending[:0], -1
	if int(ev.Type) >= len(m.graph.ByType) {
		return nil
	}
	d := &m.graph.ByType[ev.Type]
	if len(d.Targets) == 0 {
		return nil
	}
	m.timed, m.last = m.counters.sample(ev.Type), int(ev.Type)
	m.texts.newEvent()
	m.stale[predicate.PerEvent], m.stale[predicate.PerName] = true, true
	ev.SelectName(0)
	m.named = m.named[:0]
	open := m.open(ev, d)
	m.tryAll(ev, d, open.targets)
	triggers := &d.Triggers
	if open.events > patience {
		triggers = &open.triggers
	}
	for i := range triggers[predicate.PerEvent] {
		if t := &triggers[predicate.PerEvent][i]; m.allows(ev, &t.Guards) {
			m.search(ev, d, t, m.tryAll)
		}
	}
	m.asked = m.asked[:0]
	for i := range triggers[predicate.PerName] {
		if t := &triggers[predicate.PerName][i]; m.allows(ev, &t.Guards) {
			m.asked = append(m.asked, t)
		}
	}
	if len(m.named)+len(m.asked) > 0 {
		m.tryNames(ev, d)
	}
	return m.report(ev)
}

// allows tells that one of the guards is not false, or that there are none.
func (m *Matcher) allows(ev *event.Event, g *graph.Guards) bool {
	guards := g.Nodes()
	if len(guards) == 0 {
		return true
	}
	m.refresh()
	for _, id := range guards {
		if m.eval(ev, id) != predicate.False {
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
// matched last, since a value is on its way. Whoever can wait holds the event, takes
// the counts back and matches it again.
func (m *Matcher) Pending() int { return len(m.pending) }

// TakeBack undoes what the counters say of the event that was matched last: it is
// going to be matched again. The hits of that call must not be used any more.
func (m *Matcher) TakeBack() {
	if m.last >= 0 {
		m.counters.events[m.last].Add(^uint64(0))
	}
	for _, f := range m.found {
		m.counters.rules[f.rule].matched.Add(^uint64(0))
	}
	m.last, m.hits, m.found = -1, m.hits[:0], m.found[:0]
}

// finding is a rule that is true with a name.
type finding struct{ rule, name int32 }

// open returns the targets that the event's image leaves open.
func (m *Matcher) open(ev *event.Event, d *graph.Dispatch) *openTargets {
	im := m.images.of(ev.Image)
	m.memos[predicate.PerImage] = im.memo
	open, ok := im.find(ev.Type)
	if open.events++; ok {
		if open.events == patience+1 {
			m.specialise(ev, d, open)
		}
		return open
	}
	add := func(ev *event.Event, d *graph.Dispatch, targets []int32) {
		for _, i := range targets {
			if m.once(i) && m.imageAllows(ev, &d.Targets[i]) {
				open.targets = append(open.targets, i)
			}
		}
	}
	add(ev, d, d.Listed)
	for i := range d.Triggers[predicate.PerImage] {
		m.search(ev, d, &d.Triggers[predicate.PerImage][i], add)
	}
	m.texts.newEvent() // the targets are tried again
	return open
}

// specialise leaves out of the triggers what the image decides.
func (m *Matcher) specialise(ev *event.Event, d *graph.Dispatch, open *openTargets) {
	for _, scope := range [...]predicate.Scope{predicate.PerEvent, predicate.PerName} {
		open.triggers[scope] = open.triggers[scope][:0]
		for i := range d.Triggers[scope] {
			t, needed := d.Triggers[scope][i], false
			t.Guards = graph.Guards{}
			for _, target := range t.Targets {
				if to := &d.Targets[target]; m.imageAllows(ev, to) {
					needed = true
					t.Guards.Add(to.Guard)
				}
			}
			if needed {
				open.triggers[scope] = append(open.triggers[scope], t)
			}
		}
	}
}

// imageAllows tells that no part of a condition that the image decides is false.
func (m *Matcher) imageAllows(ev *event.Event, t *graph.Target) bool {
	for _, id := range t.Image {
		if m.eval(ev, id) == predicate.False {
			return false
		}
	}
	return true
}

// search calls do with the targets of each comparison of a slot that an index finds;
// with all, if the text is pending.
func (m *Matcher) search(ev *event.Event, d *graph.Dispatch, t *graph.Trigger, do func(*event.Event, *graph.Dispatch, []int32)) {
	s := m.texts.search(ev, t.Slot)
	if s.pending {
		do(ev, d, t.Targets)
		return
	}
	for _, bit := range s.hits.List() {
		if targets := t.Of(bit); len(targets) > 0 {
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
func (m *Matcher) tryAll(ev *event.Event, d *graph.Dispatch, targets []int32) {
	for _, i := range targets {
		switch t := &d.Targets[i]; {
		case !m.once(i):
		case t.PerName:
			m.named = append(m.named, i)
		default:
			m.try(ev, 0, t)
		}
	}
}

// tryNames tries targets with each name of the event: those that were found
// already, and those that an index of the name finds.
func (m *Matcher) tryNames(ev *event.Event, d *graph.Dispatch) {
	names := max(ev.Names(), 1)
	for name := range names {
		ev.SelectName(name)
		m.texts.newName()
		m.stale[predicate.PerName] = true
		try := func(ev *event.Event, d *graph.Dispatch, targets []int32) {
			for _, i := range targets {
				if m.once(i) {
					m.try(ev, name, &d.Targets[i])
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
func (m *Matcher) try(ev *event.Event, name int, t *graph.Target) {
	m.refresh()
	if m.timed {
		m.tryTimed(ev, name, t)
		return
	}
	m.tryOne(ev, name, t)
}

// tryTimed is tryOne with the clock.
func (m *Matcher) tryTimed(ev *event.Event, name int, t *graph.Target) {
	start := time.Now()
	m.tryOne(ev, name, t)
	m.counters.rules[t.Rule].nanos.Add(uint64(time.Since(start)))
}

func (m *Matcher) tryOne(ev *event.Event, name int, t *graph.Target) {
	switch r := m.eval(ev, t.Root); {
	case r == predicate.False || name > 0 && m.fired(t.Rule):
	case r == predicate.True:
		m.found = append(m.found, finding{t.Rule, int32(name)})
	case !slices.Contains(m.pending, t.Rule):
		m.pending = append(m.pending, t.Rule)
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
		c := &m.graph.Rules[f.rule]
		m.counters.rules[f.rule].matched.Add(1)
		ev.SelectName(int(f.name))
		m.hits = append(m.hits, Hit{Rule: c.Rule, Conditions: m.explain(ev, c), Name: int(f.name)})
	}
	ev.SelectName(0)
	if len(m.hits) == 1 {
		ev.SelectName(m.hits[0].Name)
	}
	return m.hits
}

// eval evaluates a node unless it has been.
func (m *Matcher) eval(ev *event.Event, id int32) predicate.Result {
	n := &m.graph.Nodes[id]
	memo := m.memos[n.Scope]
	r := memo.get(id)
	if r != predicate.Unevaluated {
		return r
	}
	switch n.Kind {
	case graph.Comparison:
		r = m.texts.judge(ev, n)
	case graph.And:
		r = m.evalAll(ev, n.Kids, predicate.True, predicate.False)
	case graph.Or:
		r = m.evalAll(ev, n.Kids, predicate.False, predicate.True)
	case graph.Not:
		r = m.eval(ev, n.Kids[0]).Not()
	}
	if r != predicate.Pending || n.Scope != predicate.PerImage { // what is pending comes before the image ends
		memo.set(id, r)
	}
	return r
}

// evalAll evaluates the parts of and or or until one decides: r is the predicate.Result
// if none does.
func (m *Matcher) evalAll(ev *event.Event, kids []int32, r, decides predicate.Result) predicate.Result {
	for _, kid := range kids {
		switch m.eval(ev, kid) {
		case decides:
			return decides
		case predicate.Pending:
			r = predicate.Pending
		}
	}
	return r
}
