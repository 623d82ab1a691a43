package ship

import (
	"slices"
	"sync"

	"github.com/goshawk-security/goshawk/internal/alert"
)

// queue holds the alerts that wait for one destination, oldest first. Those on
// their way stay in the queue until it is known what became of them, so that the
// limits hold for all of them together. They are kept apart, in head, so that
// shedding is a step at the front of items and does not move thousands: push is on
// the path of the kernel's events.
type queue struct {
	maxAlerts, maxBytes int

	mu      sync.Mutex
	head    []item // the oldest: on their way, or back from it; a batch at most
	items   []item // the rest
	bytes   int    // of both
	sending int    // how many at the front of head are on their way
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
// accepted = sent + shed + rejected + waiting.
type counts struct {
	accepted, sent, rejected, retried uint64

	shed [causes]uint64
}

// cause is why an alert was shed.
type cause uint8

const (
	causeFull     cause = iota // the queue was
	causeTooLarge              // the alert alone is larger than the queue may be
	causeEnd                   // it came after close, or was left at the end
	causes
)

// String is the cause as metrics name it.
func (c cause) String() string { return [causes]string{"queue_full", "too_large", "end"}[c] }

func newQueue(q Queue) *queue {
	if q.Alerts == 0 {
		q.Alerts = DefaultQueueAlerts
	}
	if q.Bytes == 0 {
		q.Bytes = DefaultQueueBytes
	}
	return &queue{maxAlerts: q.Alerts, maxBytes: q.Bytes, more: make(chan struct{}, 1)}
}

// push adds an alert and returns how many were shed for it, or were it, and why.
func (q *queue) push(a *alert.Alert, size int) (shed int, why cause) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.counts.accepted++
	switch {
	case q.closed:
		q.counts.shed[causeEnd]++
		return 1, causeEnd
	case size > q.maxBytes:
		q.counts.shed[causeTooLarge]++
		return 1, causeTooLarge
	}
	for q.len()+1 > q.maxAlerts || q.bytes+size > q.maxBytes {
		q.counts.shed[causeFull]++
		shed++
		if !q.dropOldest() {
			return shed, causeFull // all that is left is on its way: the new one has no place
		}
	}
	q.items = append(q.items, item{alert: a, size: size})
	q.bytes += size
	select {
	case q.more <- struct{}{}:
	default:
	}
	return shed, causeFull
}

func (q *queue) len() int { return len(q.head) + len(q.items) }

// dropOldest forgets the oldest alert that is not on its way, if there is one.
func (q *queue) dropOldest() bool {
	switch {
	case q.sending < len(q.head): // back from a failed try
		q.bytes -= q.head[q.sending].size
		q.head = slices.Delete(q.head, q.sending, q.sending+1)
	case len(q.items) > 0:
		q.bytes -= q.items[0].size
		q.dropFront(1)
	default:
		return false
	}
	return true
}

// dropFront takes the first n of items away without moving the others: append
// makes a new array when this one is used up, which is one copy for many alerts.
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
	size, moved := 0, 0 // one may be moved that is too large for this batch
	for i := range min(n, q.len()) {
		if i == len(q.head) {
			q.head = append(q.head, q.items[moved])
			moved++
		}
		it := &q.head[i]
		if i > 0 && size+it.size > bytes {
			break
		}
		size += it.size
		if it.tried {
			q.counts.retried++
		}
		batch = append(batch, it.alert)
	}
	q.dropFront(moved)
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
		q.bytes -= q.head[i].size
	}
	for to, from := range retry { // ascending: none is overwritten before it has moved
		it := q.head[from]
		it.tried = it.tried || tried
		q.head[to] = it
		q.bytes += it.size
	}
	gone := q.sending - len(retry)
	q.head = slices.Delete(q.head, len(retry), q.sending)
	q.sending = 0
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
	n := q.len()
	q.counts.shed[causeEnd] += uint64(n)
	q.head, q.items, q.bytes, q.sending, q.closed = nil, nil, 0, 0, true
	return n
}

// waiting returns the number and the size of what is in the queue.
func (q *queue) waiting() (alerts, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.len(), q.bytes
}

func (q *queue) snapshot() (alerts, bytes int, c counts) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.len(), q.bytes, q.counts
}

// half tells that the queue is half full or more, so that a batch should not
// wait to grow.
func (q *queue) half(alerts, bytes int) bool {
	return alerts >= (q.maxAlerts+1)/2 || bytes >= q.maxBytes/2
}
