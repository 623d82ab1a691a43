package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/goshawk-security/goshawk/internal/enrich/runtime/bundle"
	"github.com/goshawk-security/goshawk/internal/enrich/runtime/node"
	"github.com/goshawk-security/goshawk/internal/event"
)

const (
	maxTasks       = 4096 // containers that are not answered to the end
	readers        = 2    // goroutines that read bundles
	owedPerTick    = 64
	defaultWorkers = 3
	defaultTimeout = 3 * time.Second

	bothSources = event.SourceBundle | event.SourceRuntime
)

// Answer is what is known of a container by now.
type Answer struct {
	ID       string               // the container's, in full
	Runtime  string               // containerd, cri-o, docker, podman; "" if it is not known yet
	Info     *event.ContainerInfo // all that is known; nil if that is no news
	Answered event.Sources        // that need not be waited for any more
	Missed   event.Sources        // of those, the ones that said nothing in time
}

// Config says where runtimes are, and where answers go.
type Config struct {
	Root    string        // where the node's file system is seen; "" is "/"
	Sockets []string      // paths below Root; found in the usual places if there are none
	Workers int           // how many questions are asked at a time; 3 if 0
	Timeout time.Duration // for a container's answers, 3 s if 0
	// Report takes the answers. It is called from any goroutine, that of Ask included,
	// and must neither block nor call the Client. After Forget one that was on its way may still come.
	Report func(Answer)
}

// Stats counts what a Client did.
type Stats struct {
	Tracked       int    // containers that are not answered to the end
	Owed          int    // of those, the ones a runtime has yet to answer for, when it works
	Sockets, Down int    // runtimes found; of those, the ones that do not answer
	Asked         uint64 // containers
	Overflow      uint64 // of those, the ones that there was no room for
	Bundles       uint64 // containers whose bundle was read
	Runtimes      uint64 // containers that a runtime answered for
	MissedBundle  uint64 // containers whose bundle was not found, or not read in time
	MissedRuntime uint64 // containers that no runtime answered for in time
	Calls         uint64 // questions to runtimes
	Timeouts      uint64 // of those, the ones without an answer
	Retries       uint64 // attempts that followed another for the same container
	Wrong         uint64 // answers about another container
	LateBundles   uint64 // files that could not be read in time
}

type counts struct {
	asked, overflow, bundles, runtimes, missedBundle, missedRuntime atomic.Uint64
	calls, timeouts, retries, wrong                                 atomic.Uint64
}

// Client asks the container runtimes of a node. It is safe for use by any number of
// goroutines.
type Client struct {
	cfg     Config
	log     *zap.Logger
	pace    pace
	bundles *bundle.Reader
	sockets *sockets
	counts  counts
	needed  atomic.Bool   // a container of a pod was seen
	denied  atomic.Value  // error that keeps all bundles from being read; noError if none
	reads   chan *task    // bundles to read
	asks    chan *task    // runtimes to ask
	wake    chan struct{} // look for sockets now

	background sync.WaitGroup // probes and peer.Greetings

	mu     sync.Mutex
	tasks  map[string]*task
	closed bool
}

// New returns a Client that does nothing before Run.
func New(cfg Config, log *zap.Logger) *Client {
	cfg.Root = cmp.Or(cfg.Root, "/")
	cfg.Workers = cmp.Or(cfg.Workers, defaultWorkers)
	cfg.Timeout = cmp.Or(cfg.Timeout, defaultTimeout)
	c := &Client{
		cfg: cfg, log: log, pace: pace{
			scan: time.Second, probe: 2 * time.Second, greet: 10 * time.Second, owed: 5 * time.Second,
			// Who does not want to wait does not make a runtime slower than it is.
			call: max(cfg.Timeout, time.Second),
		},
		bundles: bundle.New(cfg.Root), tasks: map[string]*task{},
		// A container is in each of them once at most, so that they are never full.
		reads: make(chan *task, maxTasks), asks: make(chan *task, maxTasks),
		wake: make(chan struct{}, 1),
	}
	c.sockets = &sockets{fs: node.FS{Root: cfg.Root}, wanted: usual, make: c.endpoint, dial: c.dial, found: c.found}
	if len(cfg.Sockets) > 0 {
		c.sockets.wanted, c.sockets.fixed = configured(cfg.Sockets), true
	}
	return c
}

// Run answers until ctx ends. It is called once.
func (c *Client) Run(ctx context.Context) {
	c.sockets.scan(ctx)
	var all sync.WaitGroup
	for range readers {
		all.Go(func() { c.drain(ctx, c.reads, c.readBundle) })
	}
	for range c.cfg.Workers {
		all.Go(func() { c.drain(ctx, c.asks, c.askRuntime) })
	}
	c.keep(ctx)
	all.Wait()
	c.mu.Lock()
	c.closed = true
	for _, t := range c.tasks {
		t.mu.Lock()
		t.end()
		t.mu.Unlock()
	}
	clear(c.tasks)
	c.mu.Unlock()
	c.sockets.close()
}

func (c *Client) drain(ctx context.Context, queue chan *task, do func(context.Context, *task)) {
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-queue:
			do(ctx, t)
		}
	}
}

// Ask starts to answer for a container. It does nothing for one that is being
// answered for. It never blocks.
func (c *Client) Ask(container event.Container) {
	if container.PodUID != "" {
		c.needed.Store(true)
	}
	c.counts.asked.Add(1)
	t, known := c.add(container)
	switch {
	case known:
	case t == nil:
		c.counts.overflow.Add(1)
		c.cfg.Report(Answer{ID: container.FullID, Answered: bothSources, Missed: bothSources})
	default:
		c.enqueue(c.reads, t)
	}
}

// add returns a new task, nil if there is no room for one. known tells that there
// is one already.
func (c *Client) add(container event.Container) (t *task, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known = c.tasks[container.FullID]; known {
		return nil, true
	}
	if c.closed || !bundle.ValidID(container.FullID) || len(c.tasks) >= maxTasks && !c.evict() {
		return nil, false
	}
	t = newTask(container)
	t.deadline = time.AfterFunc(c.cfg.Timeout, func() { c.expire(t) })
	c.tasks[t.id] = t
	return t, false
}

// evict drops a task that waits for nothing but a runtime to work again.
func (c *Client) evict() bool {
	for id, t := range c.tasks {
		t.mu.Lock()
		idle := t.owed && !t.asking && t.left == 0
		if idle {
			t.end()
		}
		t.mu.Unlock()
		if idle {
			delete(c.tasks, id)
			return true
		}
	}
	return false
}

// Forget ends the answers for a container.
func (c *Client) Forget(fullID string) {
	c.mu.Lock()
	t := c.tasks[fullID]
	delete(c.tasks, fullID)
	c.mu.Unlock()
	if t != nil {
		t.mu.Lock()
		t.end()
		t.mu.Unlock()
	}
}

// enqueue never blocks. A queue has room for all tasks; only where many were
// forgotten while they waited in it, it can be full.
func (c *Client) enqueue(queue chan *task, t *task) {
	select {
	case queue <- t:
		return
	default:
	}
	c.counts.overflow.Add(1)
	t.mu.Lock()
	if !t.over {
		t.owe(queue == c.asks, c.pace.owed)
		if missed := t.left; missed != 0 {
			c.cfg.Report(t.answer(missed, missed))
		}
	}
	t.mu.Unlock()
	c.settle(t)
}

// Health returns why containers cannot be named in full, nil if they can.
func (c *Client) Health() error {
	err := c.sockets.trouble(c.needed.Load())
	if denied, ok := c.denied.Load().(failure); ok && denied.error != nil {
		err = errors.Join(err, fmt.Errorf("read bundles: %w", denied.error))
	}
	return err
}

// failure lets an atomic.Value hold errors of different types, and none.
type failure struct{ error }

// Stats returns the counters.
func (c *Client) Stats() Stats {
	n := &c.counts
	s := Stats{
		Asked: n.asked.Load(), Overflow: n.overflow.Load(),
		Bundles: n.bundles.Load(), Runtimes: n.runtimes.Load(),
		MissedBundle: n.missedBundle.Load(), MissedRuntime: n.missedRuntime.Load(),
		Calls: n.calls.Load(), Timeouts: n.timeouts.Load(), Retries: n.retries.Load(), Wrong: n.wrong.Load(),
		LateBundles: c.bundles.Late(),
	}
	for _, e := range c.sockets.list() {
		_, usable, down := e.state()
		if usable {
			s.Sockets++
		}
		if down {
			s.Down++
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Tracked = len(c.tasks)
	for _, t := range c.tasks {
		t.mu.Lock()
		if t.owed {
			s.Owed++
		}
		t.mu.Unlock()
	}
	return s
}
