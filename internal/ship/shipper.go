package ship

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/goshawk-security/goshawk/internal/alert"
)

// Deps is what a Shipper needs of the agent. The zero value works.
type Deps struct {
	Log     *zap.Logger           // nil: no log
	Metrics prometheus.Registerer // nil: no metrics
	Stdout  io.Writer             // nil: os.Stdout
}

// Shipper sends alerts to all destinations. Its methods may be called from any
// goroutine.
type Shipper struct {
	log     *zap.Logger
	workers []*worker
	metrics prometheus.Registerer
	collect *collector
	stop    context.CancelFunc // ends every Send that is under way
	once    sync.Once          // Close
	gone    chan struct{}      // closed when every destination is
	living  atomic.Int32       // destinations that are not gone
}

// New opens the destinations and starts to empty their queues. It does not wait
// for a destination on the network. When a destination cannot be opened (a file
// that cannot be written, a token that is not there), none is, and the error
// names all that cannot.
func New(cfg Config, deps Deps) (*Shipper, error) {
	if deps.Log == nil {
		deps.Log = zap.NewNop()
	}
	if deps.Stdout == nil {
		deps.Stdout = os.Stdout
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	specs, err := open(cfg, deps)
	if err != nil {
		return nil, err
	}
	s, err := start(specs, deps)
	if err != nil {
		for _, spec := range specs {
			err = errors.Join(err, spec.sink.Close())
		}
		return nil, err
	}
	return s, nil
}

// spec is a destination that was opened.
type spec struct {
	name  string
	kind  string
	queue Queue
	sink  Sink
	wait  time.Duration // for a batch to fill
	log   *zap.Logger
}

// open opens the sink of every destination, or none.
func open(cfg Config, deps Deps) ([]spec, error) {
	var specs []spec
	var errs []error
	for i := range cfg {
		d := &cfg[i]
		k, err := d.kind()
		if err != nil {
			return nil, err // not after Validate
		}
		log := deps.Log.With(zap.String("destination", d.Name))
		sink, err := k.open(log, deps.Stdout)
		if err != nil {
			errs = append(errs, prefix(fmt.Sprintf("open destination %s", d.Name), err)...)
			continue
		}
		specs = append(specs, spec{d.Name, k.name, d.Queue, sink, k.wait, log})
	}
	if errs == nil {
		return specs, nil
	}
	for _, s := range specs {
		errs = append(errs, s.sink.Close())
	}
	return nil, errors.Join(errs...)
}

// start makes the queues and their goroutines.
func start(specs []spec, deps Deps) (*Shipper, error) {
	if deps.Log == nil {
		deps.Log = zap.NewNop()
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Shipper{log: deps.Log, metrics: deps.Metrics, stop: cancel, gone: make(chan struct{})}
	for _, spec := range specs {
		w := newWorker(spec)
		w.gone = sync.OnceFunc(s.oneGone)
		s.workers = append(s.workers, w)
	}
	s.living.Store(int32(len(specs)))
	if deps.Metrics != nil {
		s.collect = newCollector(s.workers)
		if err := deps.Metrics.Register(s.collect); err != nil {
			cancel()
			return nil, fmt.Errorf("register metrics of destinations: %w", err)
		}
	}
	for _, w := range s.workers {
		go w.run(ctx)
	}
	return s, nil
}

// Send puts a into the queue of every destination. It never blocks. From then
// on the alert belongs to the Shipper and must not be changed. After Close it is
// counted as shed.
func (s *Shipper) Send(a *alert.Alert) {
	n := size(a)
	for _, w := range s.workers {
		w.push(a, n)
	}
}

// Reopen makes every destination open its file and read its secrets and
// certificates again, and try at once if it is waiting to. It returns before
// that is done; what fails is logged.
func (s *Shipper) Reopen() {
	for _, w := range s.workers {
		signal(w.reopen)
	}
}

// Gone is closed when no destination is left that could take an alert: all of
// them are standard output, and its reader has left.
func (s *Shipper) Gone() <-chan struct{} { return s.gone }

func (s *Shipper) oneGone() {
	if s.living.Add(-1) == 0 {
		close(s.gone)
	}
}

// Status returns the state of every destination, in the order of the
// configuration.
func (s *Shipper) Status() []Status {
	all := make([]Status, len(s.workers))
	for i, w := range s.workers {
		all[i] = w.snapshot()
	}
	return all
}

// UndeliveredError says how many alerts Close had to leave.
type UndeliveredError struct {
	Left []Left
}

// Left is the number of alerts that one destination has not taken.
type Left struct {
	Destination string
	Alerts      int
	Cause       string // the destination's last error, may be empty
}

func (e *UndeliveredError) Error() string {
	var parts []string
	for _, l := range e.Left {
		p := fmt.Sprintf("%d to %s", l.Alerts, l.Destination)
		if l.Cause != "" {
			p += fmt.Sprintf(" (%s)", l.Cause)
		}
		parts = append(parts, p)
	}
	return "alerts not delivered: " + strings.Join(parts, ", ")
}

// Close refuses further alerts, sends what is queued until ctx ends, and closes
// the destinations. It returns soon after ctx ended even if a destination hangs.
// An *UndeliveredError in its error says what was left, which is counted as
// shed. A second Close does nothing.
func (s *Shipper) Close(ctx context.Context) (err error) {
	s.once.Do(func() { err = s.close(ctx) })
	return err
}

func (s *Shipper) close(ctx context.Context) error {
	for _, w := range s.workers {
		w.close()
	}
	for _, w := range s.workers {
		select {
		case <-w.done:
		case <-ctx.Done():
		}
	}
	s.stop()
	var errs []error
	var left []Left
	grace := time.NewTimer(closeGrace)
	defer grace.Stop()
	for _, w := range s.workers {
		select {
		case <-w.done:
			errs = append(errs, w.closeErr)
		case <-grace.C:
			grace.Reset(0) // for the next ones as well
			errs = append(errs, fmt.Errorf("close destination %s: it hangs", w.name))
		}
		w.logShed()
		if n := w.queue.abandon(); n > 0 {
			l := Left{Destination: w.name, Alerts: n}
			if st := w.snapshot(); st.State != StateOK {
				l.Cause = st.LastError
			}
			left = append(left, l)
		}
	}
	if s.collect != nil {
		s.metrics.Unregister(s.collect)
	}
	if left != nil {
		errs = append(errs, &UndeliveredError{left})
	}
	return errors.Join(errs...)
}

// closeGrace is how long Close waits for a destination to notice that ctx
// ended.
const closeGrace = 250 * time.Millisecond

// Between two tries of a batch.
const (
	minBackoff = 250 * time.Millisecond
	maxBackoff = 30 * time.Second
	// While closing there is no later to be polite for.
	maxClosingBackoff = 500 * time.Millisecond
)

// backoff returns the wait after so many failures in a row: doubled each time,
// and of that a random part of at least a half.
func backoff(failures int, closing bool) time.Duration {
	limit := maxBackoff
	if closing {
		limit = maxClosingBackoff
	}
	d := limit
	if failures < 16 {
		d = min(limit, minBackoff<<(failures-1))
	}
	return d/2 + rand.N(d/2+1)
}

// signal wakes the reader of c, if it is not about to wake anyhow.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
