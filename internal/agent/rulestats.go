package agent

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// outcome is how a reload ended.
type outcome string

const (
	outcomeSuccess   outcome = "success"
	outcomeFailure   outcome = "failure"   // the old rules are in force
	outcomeUnchanged outcome = "unchanged" // they are what is in force already
)

var outcomes = [...]outcome{outcomeSuccess, outcomeFailure, outcomeUnchanged}

// totals are the numbers of one rule.
type totals struct {
	evaluated, matched, missed uint64
	time                       time.Duration
}

// ruleStats are the numbers of the rules and of their reloads. A rule's numbers go
// on when the rules are loaded again, and go with the rule.
type ruleStats struct {
	mu      sync.Mutex
	current *ruleset
	before  map[string]totals // what matchers that are gone counted, and what was missed
	reloads map[outcome]uint64
	failure string // why the last reload failed, "" when it did not
}

func newRuleStats(r *ruleset) *ruleStats {
	return &ruleStats{current: r, before: map[string]totals{}, reloads: map[outcome]uint64{}}
}

// replace takes the numbers of the rules in force over to those that are in force
// from now on. The old matcher must be at rest.
func (s *ruleStats) replace(next *ruleset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.totals()
	s.before = map[string]totals{}
	for _, r := range next.rules {
		if t, ok := now[r.ID()]; ok && r.Enabled {
			s.before[r.ID()] = t
		}
	}
	s.current = next
}

// totals adds up the numbers of each rule in force. The caller holds mu.
func (s *ruleStats) totals() map[string]totals {
	now := map[string]totals{}
	for _, r := range s.current.matcher.Stats() {
		t := s.before[r.Rule.ID()]
		t.evaluated += r.Evaluated
		t.matched += r.Matched
		t.time += r.Time
		now[r.Rule.ID()] = t
	}
	return now
}

// missed notes events that were lost and that these rules look at.
func (s *ruleStats) missed(rules []string, events uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range rules {
		t := s.before[name]
		t.missed += events
		s.before[name] = t
	}
}

// ended notes the outcome of a reload. why is that of a failure.
func (s *ruleStats) ended(o outcome, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reloads[o]++
	s.failure = why
}

// failed returns why the last reload failed, "" if it did not, and the rules that
// are in force.
func (s *ruleStats) failed() (why string, inForce *ruleset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure, s.current
}

// The descriptions of what ruleStats gives.
var (
	matchesDesc = prometheus.NewDesc("goshawk_rule_matches_total",
		"Events that made the rule true.", []string{"rule"}, nil)
	evaluatedDesc = prometheus.NewDesc("goshawk_rule_evaluated_total",
		"Events of the types that can make the rule true.", []string{"rule"}, nil)
	ruleTimeDesc = prometheus.NewDesc("goshawk_rule_seconds_total",
		"Time that the rule's condition took, estimated from samples.", []string{"rule"}, nil)
	missedDesc = prometheus.NewDesc("goshawk_rule_possibly_missed_total",
		"Events of the types that can make the rule true and that were lost.", []string{"rule"}, nil)
	rulesInfoDesc = prometheus.NewDesc("goshawk_rules_info",
		"Always 1; the label names the rules in force by their content.", []string{"hash"}, nil)
	rulesLoadedDesc = prometheus.NewDesc("goshawk_rules_loaded",
		"Rules in force, those that are switched off included.", nil, nil)
	rulesEnabledDesc = prometheus.NewDesc("goshawk_rules_enabled",
		"Rules in force that are switched on.", nil, nil)
	reloadsDesc = prometheus.NewDesc("goshawk_rules_reloads_total",
		"Times that the rules were read again, by what came of it.", []string{"result"}, nil)
	reloadedDesc = prometheus.NewDesc("goshawk_rules_last_reload_successful",
		"0 if the rules as they are now could not be loaded, so that older ones are in force.", nil, nil)
	sinceDesc = prometheus.NewDesc("goshawk_rules_last_success_timestamp_seconds",
		"When the rules in force were loaded.", nil, nil)
)

// Describe implements prometheus.Collector.
func (s *ruleStats) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{matchesDesc, evaluatedDesc, ruleTimeDesc, missedDesc, rulesInfoDesc,
		rulesLoadedDesc, rulesEnabledDesc, reloadsDesc, reloadedDesc, sinceDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s *ruleStats) Collect(ch chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	counter := func(d *prometheus.Desc, n float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, n, labels...)
	}
	gauge := func(d *prometheus.Desc, n float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, n, labels...)
	}
	for name, t := range s.totals() {
		counter(matchesDesc, float64(t.matched), name)
		counter(evaluatedDesc, float64(t.evaluated), name)
		counter(ruleTimeDesc, t.time.Seconds(), name)
		counter(missedDesc, float64(t.missed), name)
	}
	for _, o := range outcomes {
		counter(reloadsDesc, float64(s.reloads[o]), string(o))
	}
	successful := 1.0
	if s.failure != "" {
		successful = 0
	}
	gauge(reloadedDesc, successful)
	gauge(rulesInfoDesc, 1, s.current.hash)
	gauge(rulesLoadedDesc, float64(len(s.current.rules)))
	gauge(rulesEnabledDesc, float64(s.current.set.Len()))
	gauge(sinceDesc, float64(s.current.since.UnixMilli())/1000)
}
