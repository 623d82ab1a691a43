package match

import (
	"sync/atomic"
	"time"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// RuleStats is what a matcher did for one rule.
type RuleStats struct {
	Rule *rule.Rule
	// Evaluated counts the events of the types that can make the rule true. An event
	// with several names counts once, and so does one that an index ruled out before
	// the condition was looked at.
	Evaluated uint64
	Matched   uint64 // events that made the rule true
	Pending   uint64 // events for which a value was on its way that would have decided it
	// Time is an estimate: one event in sampleEvery is timed and stands for the
	// others. What several rules share is put down to the first that asked for it.
	Time time.Duration
}

// sampleEvery is the number of events of which one is timed. It is prime, so that it
// does not run in step with a program that repeats itself.
const sampleEvery = 1021

// counters are written by the goroutine that matches and read by any.
type counters struct {
	events [event.TypeCount]atomic.Uint64 // that were held against rules
	rules  []ruleCounters
	until  int // the next sample; of the goroutine that matches alone
}

type ruleCounters struct{ matched, pending, nanos atomic.Uint64 }

func newCounters(rules int) counters {
	return counters{rules: make([]ruleCounters, rules), until: sampleEvery}
}

// sample counts an event and tells whether it is to be timed.
func (c *counters) sample(t event.Type) bool {
	c.events[t].Add(1)
	if c.until--; c.until > 0 {
		return false
	}
	c.until = sampleEvery
	return true
}

// Stats returns the counters of all rules, in the order of the files. Any
// goroutine may call it. A matcher that was made after a reload begins with zeros.
func (m *Matcher) Stats() []RuleStats {
	g := m.graph
	list := make([]RuleStats, len(g.Rules))
	for i := range g.Rules {
		c := &m.counters.rules[i]
		list[i] = RuleStats{Rule: g.Rules[i].Rule, Matched: c.matched.Load(), Pending: c.pending.Load(),
			Time: time.Duration(c.nanos.Load() * sampleEvery)}
	}
	for t := range g.ByType {
		n := m.counters.events[t].Load()
		for _, to := range g.ByType[t].Targets {
			list[to.Rule].Evaluated += n
		}
	}
	return list
}
