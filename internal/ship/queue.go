package ship

import (
	"slices"
	"sync"

	"github.com/goshawk-security/goshawk/internal/alert"
)

// queue holds the alerts that wait for one destination, oldest first. The
// front ones may be on their way: they stay in the queue until it is known what
// became of them, so that the limits hold for all of them together.
type queue struct {
	maxAlerts, maxBytes int

	mu      sync.Mutex
	items   []item
	bytes   int
	sending int // how many at the front are on their way
	closed  bool
	counts  counts

	// more has one element when alerts were added since it was last emptied.
	more chan struct{}
}

type item struct {
	alert *alert.Alert
	size  int
	tried bool // was sent before, and failed
}

// counts are the alerts that a queue has seen. At every moment
// accepted = sent + shed + rejected + len(items).
type counts struct {
	accepted, sent, shed, rejected, retried uint64
}

func newQueue(q Queue) *queue {
	if q.Alerts == 0 {
		q.Alerts = DefaultQueueAlerts
	}
	if q.Bytes == 0 {
		q.Bytes = DefaultQueueBytes
	}
	return &queue{maxAlerts: q.Alerts, maxBytes: q.Bytes, more: make(chan struct{}, 1)}
}

// push adds an alert and returns how many were shed for it, or were it.
func (q *queue) push(a *alert.Alert, size int) (shed int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.counts.accepted++
	if q.closed || size > q.maxBytes {
		q.counts.shed++
		return 1
	}
	drop, freed := 0, 0
	for len(q.items)-drop+1 > q.maxAlerts || q.bytes-freed+size > q.maxBytes {
		if q.sending+drop == len(q.items) {
			// All that is left is on its way: the new one has no place.
			q.remove(drop, freed)
			q.counts.shed++
			return drop + 1
		}
		freed += q.items[q.sending+drop].size
		drop++
	}
	q.remove(drop, freed)
	q.items = append(q.items, item{alert: a, size: size})
	q.bytes += size
	select {
	case q.more <- struct{}{}:
	default:
	}
	return drop
}

// remove sheds the oldest n that are not on their way.
func (q *queue) remove(n, freed int) {
	if q.sending == 0 {
		q.dropFront(n)
	} else {
		q.items = slices.Delete(q.items, q.sending, q.sending+n)
	}
	q.bytes -= freed
	q.counts.shed += uint64(n)
}

// dropFront forgets the first n without moving the others: append makes a new
// array when this one is used up, which is one copy for many alerts.
func (q *queue) dropFront(n int) {
	clear(q.items[:n])
	q.items = q.items[n:]
	if len(q.items) == 0 {
		q.items = nil // after a flood, give the memory back
	}
}

// take marks at most n alerts at the front, of at most bytes together but one
// at least, as on their way, and returns them.
func (q *queue) take(batch []*alert.Alert, n, bytes int) []*alert.Alert {
	q.mu.Lock()
	defer q.mu.Unlock()
	size := 0
	for i := range q.items {
		it := &q.items[i]
		if len(batch) == n || i > 0 && size+it.size > bytes {
			break
		}
		size += it.size
		if it.tried {
			q.counts.retried++
		}
		batch = append(batch, it.alert)
	}
	q.sending = len(batch)
	return batch
}

// settle ends a take: the alerts at the positions retry stay at the front, in
// order, those that were not rejected were sent. tried says whether a stay
// counts as a try.
func (q *queue) settle(retry []int, rejected int, tried bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.sending == 0 {
		return // abandoned meanwhile
	}
	for i := range q.sending {
		q.bytes -= q.items[i].size
	}
	gone := q.sending - len(retry)
	// From the last to the first: none is overwritten before it has moved.
	for j := len(retry) - 1; j >= 0; j-- {
		it := q.items[retry[j]]
		it.tried = it.tried || tried
		q.items[gone+j] = it
		q.bytes += it.size
	}
	q.sending = 0
	q.dropFront(gone)
	q.counts.rejected += uint64(rejected)
	q.counts.sent += uint64(gone - rejected)
}

// close refuses further alerts.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

// abandon sheds what is left and returns how many these are.
func (q *queue) abandon() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(q.items)
	q.counts.shed += uint64(n)
	q.items, q.bytes, q.sending, q.closed = nil, 0, 0, true
	return n
}

// waiting returns the number and the size of what is in the queue.
func (q *queue) waiting() (alerts, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items), q.bytes
}

func (q *queue) snapshot() (alerts, bytes int, c counts) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items), q.bytes, q.counts
}

// half tells that the queue is half full or more, so that a batch should not
// wait to grow.
func (q *queue) half(alerts, bytes int) bool {
	return alerts >= (q.maxAlerts+1)/2 || bytes >= q.maxBytes/2
}
