package peer

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goshawk-security/goshawk/internal/event"
)

// Config says whom to ask, and for how long to wait.
type Config struct {
	// WhoHas says whose an address is. It is called by several goroutines and may
	// take its time.
	WhoHas func(context.Context, netip.Addr) (event.Peer, error)
	Max    int           // addresses that are kept
	Wait   time.Duration // for an answer
	Now    func() uint64 // CLOCK_BOOTTIME in ns
}

// How long an answer is believed.
const (
	podAge   = 30 * time.Second // another pod can have the address then
	otherAge = 5 * time.Minute
	errorAge = 10 * time.Second
)

const (
	workers   = 2
	queueSize = 1024
)

// Stats counts what a Cache did.
type Stats struct {
	Peers  int    // kept now
	Asked  uint64 // addresses that were handed to a worker
	Failed uint64 // that got no answer, or an error
	Late   uint64 // that got none in time
	Full   uint64 // that were not asked for, since too many wait
}

// Cache finds peers. All methods but Run are for the goroutine that handles events.
type Cache struct {
	cfg     Config
	peers   map[netip.Addr]*entry
	waiting []*entry // in the order of their deadlines
	queue   chan netip.Addr
	stats   Stats

	news  atomic.Bool
	mu    sync.Mutex
	inbox []answer
}

type entry struct {
	peer  *event.Peer
	until uint64 // when it is not believed any more; while it waits, its deadline
}

type answer struct {
	addr netip.Addr
	peer event.Peer
	err  error
}

// New returns an empty Cache. Nothing is answered before Run runs.
func New(cfg Config) *Cache {
	return &Cache{cfg: cfg, peers: map[netip.Addr]*entry{}, queue: make(chan netip.Addr, queueSize)}
}

// Run asks until ctx ends.
func (c *Cache) Run(ctx context.Context) {
	var all sync.WaitGroup
	for range workers {
		all.Go(func() { c.work(ctx) })
	}
	all.Wait()
}

func (c *Cache) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case addr := <-c.queue:
			p, err := c.ask(ctx, addr)
			c.mu.Lock()
			c.inbox = append(c.inbox, answer{addr, p, err})
			c.mu.Unlock()
			c.news.Store(true)
		}
	}
}

// ask bounds the time of one question: who waits has given up then.
func (c *Cache) ask(ctx context.Context, addr netip.Addr) (event.Peer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Wait)
	defer cancel()
	return c.cfg.WhoHas(ctx, addr)
}

// Peer returns what is known of an address. It implements a part of event.Peers.
func (c *Cache) Peer(addr netip.Addr) *event.Peer {
	now := c.cfg.Now()
	if e := c.peers[addr]; e != nil && (e.peer.Waiting || now < e.until) {
		return e.peer
	}
	e := &entry{peer: &event.Peer{}, until: now + uint64(otherAge)}
	c.keep(addr, e, now)
	if addr.IsLoopback() || addr.IsUnspecified() {
		e.peer.Kind = event.PeerLocal
		return e.peer
	}
	select {
	case c.queue <- addr:
		c.stats.Asked++
		e.peer.Waiting, e.until = true, now+uint64(c.cfg.Wait)
		c.waiting = append(c.waiting, e)
	default:
		c.stats.Full++
		e.peer.Missed, e.until = true, now+uint64(errorAge)
	}
	return e.peer
}

// keep makes room for an entry: what is not believed any more goes first, then any.
func (c *Cache) keep(addr netip.Addr, e *entry, now uint64) {
	if len(c.peers) >= c.cfg.Max {
		for a, old := range c.peers {
			if !old.peer.Waiting && now >= old.until {
				delete(c.peers, a)
			}
		}
		for a := range c.peers {
			if len(c.peers) < c.cfg.Max {
				break
			}
			delete(c.peers, a)
		}
	}
	c.peers[addr] = e
}

// Advance takes answers over and gives up what came too late. It tells whether
// anything changed, and costs next to nothing if nothing can.
func (c *Cache) Advance() bool {
	news := c.news.Load()
	if !news && len(c.waiting) == 0 {
		return false
	}
	now := c.cfg.Now()
	changed := news && c.take(now)
	for len(c.waiting) > 0 {
		e := c.waiting[0]
		if e.peer.Waiting && now < e.until {
			break
		}
		if e.peer.Waiting {
			c.stats.Late++
			e.peer.Waiting, e.peer.Missed, e.until = false, true, now+uint64(errorAge)
			changed = true
		}
		c.waiting[0], c.waiting = nil, c.waiting[1:]
	}
	return changed
}

// take empties the inbox. An answer for an entry that does not wait comes too late: who
// read it before must not see another one now.
func (c *Cache) take(now uint64) bool {
	c.mu.Lock()
	news := c.inbox
	c.inbox = nil
	c.news.Store(false)
	c.mu.Unlock()
	for _, n := range news {
		e := c.peers[n.addr]
		if e == nil || !e.peer.Waiting {
			continue
		}
		if n.err != nil {
			c.stats.Failed++
			e.peer.Waiting, e.peer.Missed, e.until = false, true, now+uint64(errorAge)
			continue
		}
		*e.peer = n.peer
		e.until = now + uint64(otherAge)
		if n.peer.Kind == event.PeerPod {
			e.until = now + uint64(podAge)
		}
	}
	return len(news) > 0
}

// Stats returns the counters.
func (c *Cache) Stats() Stats {
	c.stats.Peers = len(c.peers)
	return c.stats
}
