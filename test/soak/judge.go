package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goshawk-security/goshawk/test/bench/daemon"
)

// result is everything that a run says.
type result struct {
	cfg     *config
	samples []sample
	load    loadResult
	marks   account
	alerts  *alerts
	metrics daemon.Metrics // the last ones
	faults  []string       // what was wrong before judging
}

// gauge is a number that must not grow after the warm-up.
type gauge struct {
	name  string
	of    func(sample) float64
	unit  float64 // to print
	part  float64 // that it may grow by, of itself
	above float64 // and beyond that
	each  float64 // and for each process that is known beyond those after the warm-up
}

// perProcess is about what the table holds for a process, garbage included: other
// programs on the machine may start more of them later. That the table itself does
// not grow without end is a line of its own.
const perProcess = 4 << 10

// gauges lists what is compared. A table of processes follows the load, which is
// never quite the same: its limit only tells a table that is never emptied.
func gauges() []gauge {
	const mb = 1 << 20
	return []gauge{
		{"memory without rings, MiB", func(s sample) float64 { return float64(s.memory.Own()) }, mb, 0.05, 2 * mb, perProcess},
		{"Go heap in use, MiB", func(s sample) float64 { return s.inUse }, mb, 0.05, 2 * mb, perProcess},
		{"goroutines", func(s sample) float64 { return s.goroutines }, 1, 0, 5, 0},
		{"open files", func(s sample) float64 { return s.files }, 1, 0, 5, 0},
		{"processes known", func(s sample) float64 { return s.processes }, 1, 1, 500, 0},
		{"containers known", func(s sample) float64 { return s.containers }, 1, 0, 5, 0},
		{"alerts waiting", func(s sample) float64 { return s.waiting }, 1, 0, 100, 0},
	}
}

// judge prints a summary and returns an error that says what is wrong.
func (r *result) judge(out io.Writer) error {
	var wrong []error
	for _, f := range r.faults {
		wrong = append(wrong, errors.New(f))
	}
	if r.load.err != nil {
		wrong = append(wrong, fmt.Errorf("the load itself: %w", r.load.err))
	}
	d := r.cfg.duration
	fmt.Fprintf(out, "\nMedians after the warm-up (%v to %v) and at the end (%v to %v)\n", d/5, 2*d/5, 4*d/5, d)
	known := func(s sample) float64 { return s.processes }
	more := max(0, r.median(known, 4*d/5, d)-r.median(known, d/5, 2*d/5))
	for _, g := range gauges() {
		warm, end := r.median(g.of, d/5, 2*d/5), r.median(g.of, 4*d/5, d)
		limit := warm*(1+g.part) + g.above + more*g.each
		verdict := "ok"
		if end > limit {
			verdict = "GREW"
			wrong = append(wrong, fmt.Errorf("%s grew from %.1f to %.1f, at most %.1f are allowed", g.name, warm/g.unit, end/g.unit, limit/g.unit))
		}
		fmt.Fprintf(out, "  %-28s %8.1f  ->  %8.1f  (at most %.1f)  %s\n", g.name, warm/g.unit, end/g.unit, limit/g.unit, verdict)
	}
	fmt.Fprintf(out, "Highest memory without rings: %.1f MiB\n", r.peak()/(1<<20))
	a := r.marks
	fmt.Fprintf(out, "Load: %s\n", r.load)
	fmt.Fprintf(out, "Marked calls: %d made = %d received + %d lost", a.made, a.received, a.made-min(a.made, a.received))
	if a.foreign > 0 {
		fmt.Fprintf(out, " (others made %d such calls)", a.foreign)
	}
	fmt.Fprintln(out)
	wrong = append(wrong, a.check(), r.alerts.check(a.made, a.lost), r.checkCounters())
	r.printAlerts(out)
	r.printEvents(out)
	if err := errors.Join(wrong...); err != nil {
		fmt.Fprintln(out, "FAILED")
		return err
	}
	fmt.Fprintln(out, "PASSED: nothing grew, nothing is unaccounted for, every alert arrived exactly once")
	return nil
}

// peak is the highest of all samples, which a median does not show.
func (r *result) peak() (highest float64) {
	for _, s := range r.samples {
		highest = max(highest, float64(s.memory.Own()))
	}
	return highest
}

// median of a number over the samples of a time.
func (r *result) median(of func(sample) float64, from, to time.Duration) float64 {
	var values []float64
	for _, s := range r.samples {
		if s.at >= from && s.at <= to {
			values = append(values, of(s))
		}
	}
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// checkCounters tells of things that must not happen whatever the load.
func (r *result) checkCounters() error {
	var errs []error
	for _, name := range []string{"goshawk_records_malformed_total", "goshawk_alerts_shed_total", "goshawk_alerts_rejected_total",
		"goshawk_processes_shed_total"} {
		if n := r.metrics.Sum(name); n > 0 {
			errs = append(errs, fmt.Errorf("%s is %.0f, want 0", name, n))
		}
	}
	return errors.Join(errs...)
}

func (r *result) printAlerts(out io.Writer) {
	fmt.Fprintf(out, "Alerts in the file: %d of marked calls", len(r.alerts.marked))
	if len(r.alerts.others) == 0 {
		fmt.Fprint(out, ", no other rule fired")
	}
	fmt.Fprintln(out)
	for _, name := range slices.Sorted(maps.Keys(r.alerts.others)) {
		f := r.alerts.others[name]
		fmt.Fprintf(out, "  %6d  %s; the first: %s\n", f.count, name, f.first)
	}
}

// printEvents lists the types of events that came through, the most first.
func (r *result) printEvents(out io.Writer) {
	byType := r.metrics.Label("goshawk_events_total", "type")
	names := slices.SortedFunc(maps.Keys(byType), func(a, b string) int {
		return cmp.Or(cmp.Compare(byType[b], byType[a]), cmp.Compare(a, b))
	})
	fmt.Fprintf(out, "Events: %.0f received, %.0f lost:", r.metrics.Sum("goshawk_events_total"), r.metrics.Sum("goshawk_events_lost_total"))
	for i, name := range names {
		if i > 0 {
			fmt.Fprint(out, ",")
		}
		fmt.Fprintf(out, " %s %.0f", name, byType[name])
	}
	fmt.Fprintln(out)
	for _, series := range slices.Sorted(maps.Keys(r.metrics)) {
		if strings.HasPrefix(series, "goshawk_events_lost_total") && r.metrics[series] > 0 {
			fmt.Fprintf(out, "  %s %.0f\n", series, r.metrics[series])
		}
	}
}
