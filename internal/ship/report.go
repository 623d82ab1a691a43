package ship

import (
	"sync"
	"time"
)

// reportEvery is how often the same thing may be logged.
const reportEvery = time.Minute

// report counts what happens too often to log each time: the first is said at
// once, what follows in sums. The last sum of a burst is said too, by a timer.
type report struct {
	say func(n int) // called without a lock, from any goroutine

	mu    sync.Mutex
	count int
	last  time.Time
	timer *time.Timer // runs while count is not said
}

func newReport(say func(n int)) *report { return &report{say: say} }

// add counts n.
func (r *report) add(n int) {
	r.mu.Lock()
	r.count += n
	wait := reportEvery - time.Since(r.last)
	if wait > 0 && r.timer == nil {
		r.timer = time.AfterFunc(wait, r.flush)
	}
	r.mu.Unlock()
	if wait <= 0 {
		r.flush()
	}
}

// flush says what was counted and not said yet.
func (r *report) flush() {
	r.mu.Lock()
	n := r.count
	r.count = 0
	if n > 0 {
		r.last = time.Now()
	}
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
	r.mu.Unlock()
	if n > 0 {
		r.say(n)
	}
}
