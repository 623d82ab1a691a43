package main

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/goshawk-security/goshawk/test/bench/daemon"
)

// pace makes workers rest after each piece of work, longer the busier the machine
// is: together they use what is left of the share. Once the warm-up is over a
// worker does not go faster than it did towards its end: memory that follows the
// load must not look like a leak when other programs on the machine end.
type pace struct {
	share  float64
	start  time.Time
	warmUp time.Duration
	rest   atomic.Uint64 // a float: rest after work, in units of what the work took
}

// The bounds of rest: the workers never stop, and never run without a pause.
const (
	leastRest = 0.1
	mostRest  = 10

	longestRest = 5 * time.Second // so that slow work is done often enough, too
)

func newPace(share float64, warmUp time.Duration) *pace {
	p := &pace{share: share, start: time.Now(), warmUp: warmUp}
	p.set(1)
	return p
}

func (p *pace) set(rest float64) { p.rest.Store(math.Float64bits(min(mostRest, max(leastRest, rest)))) }
func (p *pace) get() float64     { return math.Float64frombits(p.rest.Load()) }

// hold keeps to the share until the context ends.
func (p *pace) hold(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	busy, all, _ := daemon.MachineTicks()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		busyNow, allNow, err := daemon.MachineTicks()
		if err != nil || allNow == all {
			continue
		}
		p.adjust((busyNow - busy) / (allNow - all))
		busy, all = busyNow, allNow
	}
}

// adjust moves the rest towards what would meet the share, gently: the work of a
// second differs from that of the next.
func (p *pace) adjust(busy float64) {
	p.set(p.get() * min(1.25, max(0.8, busy/p.share)))
}

// work repeats f, with rests, until the context ends or f fails.
func (p *pace) work(ctx context.Context, f func(ctx context.Context, i int) error) (n int, err error) {
	var speed gait
	for ; ctx.Err() == nil; n++ {
		start := time.Now()
		if err := f(ctx, n); err != nil {
			if ctx.Err() != nil {
				return n, nil // it was cut short
			}
			return n, err
		}
		took := time.Since(start)
		rest := min(longestRest, time.Duration(float64(took)*p.get()))
		least := speed.done(time.Since(p.start), p.warmUp)
		select {
		case <-ctx.Done():
		case <-time.After(max(rest, least-took)):
		}
	}
	return n, nil
}

// gait is how fast one worker went in the second half of the warm-up.
type gait struct {
	first, last time.Duration // ends of pieces of work
	pieces      int           // between them
}

// done notes that a piece of work ended, and returns the least time from the start
// of a piece to that of the next; 0 during the warm-up.
func (g *gait) done(now, warmUp time.Duration) time.Duration {
	switch {
	case now < warmUp/2:
	case g.first == 0:
		g.first, g.last = now, now
	case now < warmUp || g.pieces == 0: // slow work may need longer to show its speed
		g.last = now
		g.pieces++
	}
	if now < warmUp || g.pieces == 0 {
		return 0
	}
	return (g.last - g.first) / time.Duration(g.pieces)
}
