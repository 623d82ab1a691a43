package agent

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// phase is where the agent is between start and end.
type phase int32

const (
	phaseStarting phase = iota
	phaseRunning
	phaseStopping
)

// stuckTime is how long the loop may take for one event before the agent counts
// as dead. The slowest thing in it is a read of /proc.
const stuckTime = 30 * time.Second

// health answers whether the agent is alive and whether it sees. The loop tells
// it that it moves, by a counter: reading the clock for each event would cost
// more.
type health struct {
	beat    *heartbeat
	timeout time.Duration
	now     func() time.Time
	phase   atomic.Int32
	turns   atomic.Uint64

	mu    sync.Mutex
	seen  uint64    // turns at the last check
	moved time.Time // when it was found changed
	blind bool      // as said last
}

func newHealth(beat *heartbeat, timeout time.Duration, now func() time.Time) *health {
	return &health{beat: beat, timeout: timeout, now: now, moved: now()}
}

// run says that the start is over, unless the end has begun already.
func (h *health) run() { h.phase.CompareAndSwap(int32(phaseStarting), int32(phaseRunning)) }

// stop says that the end has begun.
func (h *health) stop() { h.phase.Store(int32(phaseStopping)) }

// turned is called by the loop before each event.
func (h *health) turned() { h.turns.Add(1) }

// check notes whether the loop moved since the last check.
func (h *health) check() {
	turns := h.turns.Load()
	h.mu.Lock()
	defer h.mu.Unlock()
	if turns != h.seen || phase(h.phase.Load()) == phaseStarting {
		h.seen, h.moved = turns, h.now()
	}
}

// alive is nil while the loop moves.
func (h *health) alive() error {
	h.check()
	h.mu.Lock()
	defer h.mu.Unlock()
	if d := h.now().Sub(h.moved); d > stuckTime {
		return fmt.Errorf("no event was finished for %v: the loop hangs", d.Round(time.Second))
	}
	return nil
}

// ready is nil while the agent sees what happens.
func (h *health) ready() error {
	switch phase(h.phase.Load()) {
	case phaseStarting:
		return fmt.Errorf("starting: reading what runs already")
	case phaseStopping:
		return fmt.Errorf("stopping")
	}
	return h.sees()
}

// sees is nil while heartbeats come through.
func (h *health) sees() error {
	age := h.beat.age()
	if _, any := h.beat.arrived(); !any {
		return fmt.Errorf("no heartbeat came through yet, %v after the start", age.Round(time.Second))
	}
	if age > h.timeout {
		return fmt.Errorf("the last heartbeat that came through is %v old, %v is the limit: events are not seen, or seen late",
			age.Round(time.Second), h.timeout)
	}
	return nil
}

// blindness tells whether heartbeats fail to arrive, and whether that is news.
// Before the timeout has passed once, and outside of running, it is not known.
func (h *health) blindness() (blind, changed bool) {
	if phase(h.phase.Load()) != phaseRunning {
		return false, false
	}
	blind = h.beat.age() > h.timeout
	h.mu.Lock()
	defer h.mu.Unlock()
	changed = blind != h.blind
	h.blind = blind
	return blind, changed
}
