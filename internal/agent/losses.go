package agent

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// LostRule is the rule name of the alert about events that were lost. It is no
// rule of a file: the agent itself makes it, with the source LostSource.
const (
	LostRule   = "Goshawk lost events"
	LostSource = "goshawk"
)

// reportInterval is the least time between two reports of losses. With the time
// between two looks (watchInterval) it keeps each loss from waiting longer than
// five seconds.
const reportInterval = 4 * time.Second

// kernelCounts is what the watch needs of capture.Source.
type kernelCounts interface {
	Losses() ([]capture.Loss, error)
	Usage() (states, events float64)
}

// lossKey names one counter of losses.
type lossKey struct {
	kind  event.Type
	cause string
}

// losses turns counters that grow into reports, and knows which rules a lost
// event may have hidden. Used by one goroutine at a time, but for replace.
type losses struct {
	mu       sync.Mutex
	rules    lookers            // in force
	gone     lookers            // in force when what is not reported yet may have been lost
	looks    int                // of counters, since gone was set
	reported map[lossKey]uint64 // counts in the last report
	last     time.Time          // of the last report; zero before the first
	failed   bool               // reading failed the last time
}

// report is what was lost between two reports.
type report struct {
	Total   uint64
	Lost    []capture.Loss // what was added, the most first
	Rules   []string       // that may have missed something, sorted
	State   bool           // births, images or ends were among it
	Elapsed time.Duration  // since the report before; 0 for the first

	hidden [][]string // for each of Lost, the rules that may have missed it
}

// lookers are the names of the rules that look at a type, and, at Unknown, of all.
type lookers map[event.Type][]string

func newLookers(rules []*rule.Rule) lookers {
	l := lookers{}
	for _, r := range rules {
		if !r.Enabled {
			continue
		}
		l[event.Unknown] = append(l[event.Unknown], r.ID())
		for _, t := range r.Types {
			l[t] = append(l[t], r.ID())
		}
	}
	return l
}

func newLosses(rules []*rule.Rule) *losses {
	return &losses{rules: newLookers(rules), reported: map[lossKey]uint64{}}
}

// replace says which rules are in force from now on. Those before are named once
// more: what was lost before now is not all reported.
func (l *losses) replace(rules []*rule.Rule) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for t, names := range l.rules {
		if l.gone == nil {
			l.gone = lookers{}
		}
		l.gone[t] = append(l.gone[t], names...)
	}
	l.rules, l.looks = newLookers(rules), 0
}

// update takes the counters as they are now. It returns a report when something
// was lost and the last report is long enough ago, or at the end.
func (l *losses) update(now time.Time, counts []capture.Loss, end bool) *report {
	if !l.last.IsZero() && now.Sub(l.last) < reportInterval && !end {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// The counters of the first look may have been read before the rules changed.
	if l.looks++; l.looks > 1 {
		defer func() { l.gone = nil }()
	}
	r := &report{}
	hidden := map[string]bool{}
	for _, c := range counts {
		key := lossKey{c.Type, c.Cause}
		added := c.Count - min(c.Count, l.reported[key])
		if added == 0 {
			continue
		}
		l.reported[key] = c.Count
		r.Total += added
		r.Lost = append(r.Lost, capture.Loss{Type: c.Type, Cause: c.Cause, Count: added})
		for _, name := range l.hidden(c.Type) {
			hidden[name] = true
		}
		info := c.Type.Info()
		r.State = r.State || info != nil && info.State
	}
	if r.Total == 0 {
		return nil
	}
	for name := range hidden {
		r.Rules = append(r.Rules, name)
	}
	slices.Sort(r.Rules)
	slices.SortStableFunc(r.Lost, func(a, b capture.Loss) int { return cmp.Compare(b.Count, a.Count) })
	for _, c := range r.Lost {
		r.hidden = append(r.hidden, l.hidden(c.Type))
	}
	if !l.last.IsZero() {
		r.Elapsed = now.Sub(l.last)
	}
	l.last = now
	return r
}

// hidden returns the rules that a lost event of this type may have hidden: those
// that look at it, and all when the type is not known. The caller holds mu.
func (l *losses) hidden(t event.Type) []string {
	names := slices.Concat(l.rules[t], l.gone[t])
	slices.Sort(names)
	return slices.Compact(names)
}

// count tells how many of the lost events each rule may have missed.
func (r *report) count(missed func(rules []string, events uint64)) {
	for i, l := range r.Lost {
		missed(r.hidden[i], l.Count)
	}
}

// text says what was lost: "openat 120 (ring_full), connect 3 (ring_full)".
func (r *report) text() string {
	parts := make([]string, len(r.Lost))
	for i, l := range r.Lost {
		parts[i] = fmt.Sprintf("%s %d (%s)", typeLabel(l.Type), l.Count, l.Cause)
	}
	return strings.Join(parts, ", ")
}

// typeLabel names a type in reports and metrics.
func typeLabel(t event.Type) string {
	if t == event.Unknown {
		return "any"
	}
	return t.String()
}

// maxNamed is how many rules the text of the alert names; lost.rules has all.
const maxNamed = 8

func abridged(names []string) string {
	if len(names) <= maxNamed {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
}

// alert makes the alert of a report.
func (r *report) alert(now time.Time, node alert.Node) *alert.Alert {
	var out strings.Builder
	fmt.Fprintf(&out, "Goshawk lost %d events: %s.", r.Total, r.text())
	if len(r.Rules) > 0 {
		fmt.Fprintf(&out, " Rules that may have missed something: %s.", abridged(r.Rules))
	} else {
		out.WriteString(" No rule looks at them.")
	}
	if r.State {
		out.WriteString(" Births or ends of processes were among them: the lineage of new alerts may have gaps.")
	}
	counts := map[string]any{}
	for _, l := range r.Lost {
		counts[typeLabel(l.Type)+"."+l.Cause] = l.Count
	}
	return &alert.Alert{
		ID:       digest(node.BootID, LostRule, now.UTC().Format(time.RFC3339Nano)),
		Output:   out.String(),
		Priority: rule.PriorityWarning.String(),
		Rule:     LostRule,
		Source:   LostSource,
		Tags:     []string{"goshawk", "visibility"},
		Time:     now.UTC(),
		Hostname: node.Hostname,
		OutputFields: map[string]any{
			"lost.total": r.Total, "lost.events": counts, "lost.rules": slices.Clone(r.Rules), "lost.state": r.State,
		},
		Fingerprint: digest(LostRule, node.Hostname),
		Lineage:     []alert.Ancestor{},
		Conditions:  []alert.Condition{},
	}
}

// digest hashes parts that hold no NUL.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// reportLosses reads the counters of the kernel side and, when they grew, logs it
// and sends an alert.
func (a *Agent) reportLosses(src kernelCounts, l *losses, end bool) {
	counts, err := src.Losses()
	if err != nil {
		if !l.failed {
			a.log.Error("read what was lost: losses are not reported until this works again", zap.Error(err))
		}
		l.failed = true
		return
	}
	l.failed = false
	states, events := src.Usage()
	a.metrics.setKernel(counts, states, events)
	now := time.Now()
	r := l.update(now, counts, end)
	if r == nil {
		return
	}
	a.log.Warn("events were lost: the machine makes more than the agent can take, or a rule asks for too much",
		zap.Uint64("lost", r.Total), zap.String("types", r.text()), zap.Strings("rules", r.Rules), zap.Duration("since", r.Elapsed))
	r.count(a.ruleStats.missed)
	a.out.Send(r.alert(now, a.node))
}
