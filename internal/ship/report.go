package ship

import (
	"sync"
	"time"
)

// reportEvery is how often the same thing may be logged.
const reportEvery = time.Minute

// report counts what happens too often to log each time.
type report struct {
	mu    sync.Mutex
	count int
	last  time.Time
}

// add counts n and returns the sum since the last report when a report is due.
func (r *report) add(n int, now time.Time) (sum int, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count += n
	if !r.last.IsZero() && now.Sub(r.last) < reportEvery {
		return 0, false
	}
	sum, r.count, r.last = r.count, 0, now
	return sum, true
}
