package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/goshawk-security/goshawk/test/bench/daemon"
)

// Rate is how many events per second the agent takes.
type Rate struct {
	Kept    float64 `json:"kept"`    // the highest rate without a loss
	Lost    float64 `json:"lost"`    // the lowest rate with one; 0 if the load could not be made so high
	Seconds float64 `json:"seconds"` // that each rate was held for
	Steps   []Step  `json:"steps"`
}

// Step is one rate that was tried.
type Step struct {
	Wanted   float64 `json:"wanted"` // events per second
	Made     float64 `json:"made"`   // what the load came to
	Calls    uint64  `json:"calls"`
	Received uint64  `json:"received"` // those of other programs included
	Lost     uint64  `json:"lost"`
	CPU      float64 `json:"cpu"`      // of one core, while the load ran
	PerEvent float64 `json:"perEvent"` // agent's nanoseconds per event
}

const (
	firstRate = 25_000
	maxRate   = 6_400_000
	bisects   = 4
)

// runRate doubles the rate of opens until the agent loses one, and then halves
// the interval.
func runRate(ctx context.Context, cfg *config, report *Report, out io.Writer) (err error) {
	cpu, agentCPUs, err := splitCPUs()
	if err != nil {
		return err
	}
	file, err := plainFile(cfg.dir)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(cfg.dir, "agent-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	d, err := daemon.Start(ctx, daemon.Options{Binary: cfg.agent, Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	if err := daemon.Pin(d.PID(), agentCPUs...); err != nil {
		return err
	}
	r := &Rate{Seconds: cfg.step.Seconds()}
	report.Rate = r
	try := func(rate float64) (Step, error) {
		s, err := step(ctx, d, load{Rate: rate, For: cfg.step, CPU: cpu, Path: file})
		r.Steps = append(r.Steps, s)
		return s, err
	}
	if err := r.search(try); err != nil {
		return err
	}
	printRate(out, r)
	return nil
}

// search finds the highest rate that is taken without a loss. try makes a rate.
func (r *Rate) search(try func(float64) (Step, error)) error {
	for rate := float64(firstRate); rate <= maxRate && r.Lost == 0; rate *= 2 {
		s, err := try(rate)
		if err != nil {
			return err
		}
		if s.Lost > 0 {
			r.Lost = s.Made
			break
		}
		atEnd := s.Made < 1.15*r.Kept
		r.Kept = max(r.Kept, s.Made)
		if atEnd {
			return nil // the load cannot be made higher
		}
	}
	if r.Lost == 0 {
		return nil
	}
	for range bisects {
		s, err := try((r.Kept + r.Lost) / 2)
		if err != nil {
			return err
		}
		if s.Lost > 0 {
			r.Lost = min(r.Lost, s.Made)
		} else {
			r.Kept = max(r.Kept, s.Made)
		}
	}
	return nil
}

// step makes one load and counts what became of it.
func step(ctx context.Context, d *daemon.Daemon, l load) (Step, error) {
	before, err := settled(ctx, d)
	if err != nil {
		return Step{}, err
	}
	cpu, err := daemon.ReadCPU(d.PID())
	if err != nil {
		return Step{}, err
	}
	calls, took, err := l.make(ctx)
	if err != nil {
		return Step{}, err
	}
	during, err := daemon.ReadCPU(d.PID())
	if err != nil {
		return Step{}, err
	}
	after, err := settled(ctx, d)
	if err != nil {
		return Step{}, err
	}
	end, err := daemon.ReadCPU(d.PID())
	if err != nil {
		return Step{}, err
	}
	s := Step{
		Wanted:   l.Rate,
		Made:     float64(calls) / took.Seconds(),
		Calls:    calls,
		Received: uint64(after.Sum("goshawk_events_total") - before.Sum("goshawk_events_total")),
		Lost:     uint64(after.Sum("goshawk_events_lost_total") - before.Sum("goshawk_events_lost_total")),
		CPU:      (during - cpu).Seconds() / took.Seconds(),
	}
	if s.Received > 0 {
		s.PerEvent = float64(end-cpu) / float64(s.Received)
	}
	return s, nil
}

// settled waits until the agent has handled what waits and has read its losses,
// which it does once per second, and returns its metrics.
func settled(ctx context.Context, d *daemon.Daemon) (daemon.Metrics, error) {
	var last daemon.Metrics
	for range 5 {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(1200 * time.Millisecond):
		}
		m, err := d.Metrics()
		if err != nil {
			return nil, err
		}
		if m.Sum("goshawk_ring_usage_ratio") < 0.02 && m.Sum("goshawk_heartbeat_age_seconds") < 2.5 {
			return m, nil
		}
		last = m
	}
	return last, nil // other programs keep it busy: the figures say so
}

func printRate(out io.Writer, r *Rate) {
	fmt.Fprintf(out, "Events per second before any is lost: openat of one process, each rate for %.0f s, the agent on the other CPU\n", r.Seconds)
	t := table(out)
	fmt.Fprintln(t, "  wanted/s\tmade/s\tcalls\treceived\tlost\tagent CPU\tns/event\t")
	for _, s := range r.Steps {
		fmt.Fprintf(t, "  %.0f\t%.0f\t%d\t%d\t%d\t%.0f%%\t%.0f\t\n", s.Wanted, s.Made, s.Calls, s.Received, s.Lost, 100*s.CPU, s.PerEvent)
	}
	_ = t.Flush()
	if r.Lost == 0 {
		fmt.Fprintf(out, "  %.0f events/s without a loss; one process cannot make more\n", r.Kept)
		return
	}
	fmt.Fprintf(out, "  %.0f events/s without a loss, the first loss at %.0f\n", r.Kept, r.Lost)
}

// make runs the load in a process of its own and returns how many calls it made
// in what time.
func (l load) make(ctx context.Context) (calls uint64, took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.For+10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Env = append(os.Environ(), loadVariable+"="+l.String())
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return 0, 0, fmt.Errorf("make load: %w", err)
	}
	f := strings.Fields(string(text))
	if len(f) != 2 {
		return 0, 0, fmt.Errorf("make load: it said %q", text)
	}
	calls, callsErr := strconv.ParseUint(f[0], 10, 64)
	ns, timeErr := strconv.ParseInt(f[1], 10, 64)
	return calls, time.Duration(ns), errors.Join(callsErr, timeErr)
}
