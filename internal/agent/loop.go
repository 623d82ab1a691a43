package agent

import (
	"errors"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/decode"
	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/match"
)

// source is what the loop needs of capture.Source.
type source interface {
	// Next returns os.ErrDeadlineExceeded when nothing came for a while and
	// os.ErrClosed when nothing will.
	Next(*capture.Record) error
}

// loop takes events from the kernel to the destinations until the source is
// closed and empty. It alone touches the process table.
func (a *Agent) loop(src source) error {
	var rec capture.Record
	var ev event.Event
	for {
		a.health.turned()
		if a.handover.Load() != nil {
			a.takeOver()
		}
		a.held.Release(a.enricher.Advance(), a.judge)
		switch err := src.Next(&rec); {
		case err == nil:
			a.handle(&rec, &ev)
		case errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, os.ErrClosed):
			a.held.Flush(a.judge)
			a.sources.peers.close()
			a.publish()
			return nil
		default:
			return fmt.Errorf("read events: %w", err)
		}
		if a.metrics.wanted.CompareAndSwap(true, false) {
			a.publish()
		}
	}
}

// handle is the way of one event.
func (a *Agent) handle(rec *capture.Record, ev *event.Event) {
	if err := decode.Record(rec.Bytes, ev); err != nil {
		a.malformed(err)
		return
	}
	ev.BootOffset = rec.BootOffset
	a.metrics.events[ev.Type].Add(1)
	if ev.Type == event.Heartbeat {
		a.beat.seen(ev.Args[1])
		return
	}
	a.sources.peers.learn(ev.Time, a.enricher.Unified)
	a.enricher.Apply(ev)
	m := a.rules.matcher
	hits := m.Match(ev)
	if len(hits) == 0 && m.Pending() == 0 {
		return
	}
	ev.Peer() // an alert names it: ask now
	if !ev.Waits() {
		a.send(ev, hits)
		return
	}
	m.TakeBack()
	if !a.held.Keep(rec.Bytes, ev) {
		ev.Partial = true
		a.judge(ev)
	}
}

// judge is called for an event that was held, once it waits no longer.
func (a *Agent) judge(ev *event.Event) { a.send(ev, a.rules.matcher.Match(ev)) }

// send makes the alerts of an event.
func (a *Agent) send(ev *event.Event, hits []match.Hit) {
	for _, hit := range hits {
		ev.SelectName(hit.Name)
		a.out.Send(a.builder.New(ev, hit.Rule, hit.Conditions))
	}
}

// malformed counts a record that makes no sense, and logs the first one: one
// means that kernel side and agent do not fit together, and there may be many.
func (a *Agent) malformed(err error) {
	if a.metrics.malformed.Add(1) == 1 {
		a.log.Error("record from the kernel makes no sense; counted, and this is logged once", zap.Error(err))
	}
}

// publish copies the numbers that only the loop may read.
func (a *Agent) publish() {
	stats := a.enricher.Stats()
	a.metrics.enrich.Store(&stats)
}

// watchInterval is how often the losses are read.
const watchInterval = time.Second

// watch makes heartbeats, and reads what the kernel side counts, until stop is
// closed.
func (a *Agent) watch(stop <-chan struct{}, src kernelCounts, lost *losses) {
	beats := time.NewTicker(a.cfg.Heartbeat.Interval)
	defer beats.Stop()
	reads := time.NewTicker(watchInterval)
	defer reads.Stop()
	a.sendHeartbeat()
	for {
		select {
		case <-stop:
			return
		case <-beats.C:
			a.sendHeartbeat()
		case <-reads.C:
			a.metrics.wanted.Store(true)
			a.health.check()
			a.reportLosses(src, lost, false)
		}
	}
}

// sendHeartbeat makes one and logs when the agent becomes blind or sees again.
func (a *Agent) sendHeartbeat() {
	if err := a.beat.send(); err != nil {
		a.log.Error("make a heartbeat", zap.Error(err))
	}
	switch blind, changed := a.health.blindness(); {
	case changed && blind:
		a.log.Error("heartbeats do not come through: the agent is blind or far behind",
			zap.Duration("since", a.beat.age()), zap.String("next", "run goshawk doctor, look at goshawk_events_lost_total, restart the agent"))
	case changed:
		a.log.Info("heartbeats come through again")
	}
}
