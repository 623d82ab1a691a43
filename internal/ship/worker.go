package ship

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/ship/outcome"
)

// Bounds of a batch. Sinks with limits of their own split it further.
const (
	maxBatch      = 512
	maxBatchBytes = 4 << 20 // by size
)

// worker empties the queue of one destination in a goroutine of its own.
type worker struct {
	name  string
	kind  string
	sink  Sink
	wait  time.Duration
	log   *zap.Logger
	queue *queue

	reopen   chan struct{} // one element: reopen before the next try
	closing  chan struct{} // closed by close
	once     sync.Once
	done     chan struct{} // closed at the end of run
	closeErr error         // of the sink; set before done

	shed [causes]*report // what of sheds is to be logged
	gone func()          // called when the destination is; only the first call counts

	mu     sync.Mutex
	status Status // without the queue's numbers

	// For run alone.
	failures int // in a row
	batch    []*alert.Alert
}

func newWorker(s spec) *worker {
	log := s.log
	if log == nil {
		log = zap.NewNop()
	}
	w := &worker{
		name: s.name, kind: s.kind, sink: s.sink, wait: s.wait, log: log, queue: newQueue(s.queue),
		reopen: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{}),
		status: Status{Name: s.name, Kind: s.kind, State: StateOK},
	}
	w.shed = [causes]*report{
		causeFull: newReport(func(n int) {
			log.Warn("queue is full: alerts are shed, the oldest first", zap.Int("shed", n))
		}),
		causeTooLarge: newReport(func(n int) {
			log.Warn("alerts are larger than the whole queue may be and are shed; raise queue.bytes",
				zap.Int("shed", n), zap.Int("queue.bytes", w.queue.maxBytes))
		}),
		causeEnd: newReport(func(n int) {
			log.Warn("alerts came after the destination was closed and are shed", zap.Int("shed", n))
		}),
	}
	return w
}

// push queues an alert and says so in the log when some were shed, once a minute
// at most.
func (w *worker) push(a *alert.Alert, size int) {
	if shed, why := w.queue.push(a, size); shed > 0 {
		w.shed[why].add(shed)
	}
}

// logShed logs what was not yet of sheds.
func (w *worker) logShed() {
	for _, r := range w.shed {
		r.flush()
	}
}

func (w *worker) close() {
	w.once.Do(func() {
		w.queue.close()
		close(w.closing)
	})
}

func (w *worker) isClosing() bool {
	select {
	case <-w.closing:
		return true
	default:
		return false
	}
}

// run sends until the worker is closing and nothing is left, or ctx ends.
func (w *worker) run(ctx context.Context) {
	defer close(w.done)
	for w.gather(ctx) {
		select {
		case <-w.reopen:
			w.reopenSink()
		default:
		}
		wait, again := w.try(ctx)
		if !again {
			continue
		}
		if w.isClosing() && w.blocked() || !w.pause(ctx, wait) {
			break
		}
	}
	w.closeErr = w.closeSink()
}

// gather waits until there is a batch worth sending; false means the end.
func (w *worker) gather(ctx context.Context) bool {
	for {
		if n, _ := w.queue.waiting(); n > 0 {
			break
		}
		select {
		case <-w.queue.more:
		case <-w.reopen:
			w.reopenSink()
		case <-w.closing:
			n, _ := w.queue.waiting()
			return n > 0 && ctx.Err() == nil
		case <-ctx.Done():
			return false
		}
	}
	if w.wait > 0 && w.failures == 0 {
		w.fill(ctx)
	}
	return ctx.Err() == nil
}

// fill gives the batch time to grow.
func (w *worker) fill(ctx context.Context) {
	t := time.NewTimer(w.wait)
	defer t.Stop()
	for {
		if n, bytes := w.queue.waiting(); n >= maxBatch || bytes >= maxBatchBytes || w.queue.half(n, bytes) {
			return
		}
		select {
		case <-w.queue.more:
		case <-t.C:
			return
		case <-w.closing:
			return
		case <-ctx.Done():
			return
		}
	}
}

// try sends one batch. again says that something is left of it, to be sent
// after wait.
func (w *worker) try(ctx context.Context) (wait time.Duration, again bool) {
	w.batch = w.queue.take(w.batch[:0], maxBatch, maxBatchBytes)
	if len(w.batch) == 0 {
		return 0, false
	}
	defer clear(w.batch)
	res := outcome.Of(w.sink.Send(ctx, w.batch), len(w.batch))
	if res == nil {
		w.queue.settle(nil, 0, false)
		w.succeeded(len(w.batch))
		return 0, false
	}
	w.queue.settle(res.Retry, len(res.Rejected), !res.Blocked && !res.Slow)
	if len(res.Rejected) > 0 {
		w.logRejected(res)
	}
	if ctx.Err() != nil {
		return 0, true // the end of Close is no error of the destination
	}
	return w.rest(res, len(w.batch)-len(res.Retry)-len(res.Rejected))
}

// rest is the end of a try that did not just succeed; taken alerts were taken.
func (w *worker) rest(res *outcome.Error, taken int) (wait time.Duration, again bool) {
	switch {
	case len(res.Rejected) > 0 && len(res.Retry) == 0:
		w.rejectedOnly(res, taken)
		return res.After, res.Slow && !w.isClosing()
	case res.Slow:
		w.succeeded(taken)
		if w.isClosing() {
			return 0, false // it took them; there is no time for its wish
		}
		return res.After, true
	case len(res.Retry) == 0:
		w.succeeded(taken)
		return 0, false
	}
	if taken > 0 {
		w.failures = 0 // it lives
	}
	w.failures++
	w.failed(res, taken)
	if res.Gone {
		w.gone()
	}
	if res.After > 0 {
		return res.After, true
	}
	return backoff(w.failures, w.isClosing()), true
}

// pause waits before the next try. What shortens it: the end of ctx (then it
// returns false), a reopen, and a close, which makes the next try at once. While
// closing a destination's wish for a long pause does not count.
func (w *worker) pause(ctx context.Context, d time.Duration) bool {
	if w.isClosing() {
		d = min(d, maxClosingBackoff)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	closing := w.closing
	if w.isClosing() {
		closing = nil
	}
	select {
	case <-t.C:
	case <-closing:
	case <-w.reopen:
		w.reopenSink()
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

func (w *worker) reopenSink() {
	if err := w.sink.Reopen(); err != nil {
		w.log.Error("reopen destination", zap.Error(err))
		return
	}
	w.log.Info("destination reopened")
}

func (w *worker) closeSink() error {
	if err := w.sink.Close(); err != nil {
		return fmt.Errorf("close destination %s: %w", w.name, err)
	}
	return nil
}
