package peer

import (
	"container/list"
	"context"
	"net/netip"
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
	Now    func() uint64 // CLOCK_BOOTTIME in ns; any goroutine calls it
}

// How long an answer is believed.
const (
	podAge     = 30 * time.Second // another pod can have the address then
	otherAge   = 5 * time.Minute
	nobodyAge  = 15 * time.Second // that nobody has it, at first; twice as long each time
	privateAge = time.Minute      // and at most, where a pod may have it any moment
	errorAge   = 10 * time.Second
)

const (
	queueSize = 1024
	failures  = 3 // in a row, after which no question is put for errorAge
)

// Stats counts what a Cache did.
type Stats struct {
	Peers   int    // kept now
	Asked   uint64 // questions that were handed to a worker
	Failed  uint64 // that got no answer, or an error
	Late    uint64 // peers that waited for too long
	Full    uint64 // that were not asked for, since too many wait
	Paused  uint64 // that were not asked for, since nobody answers
	Evicted uint64 // that were believed still, and made room for others
}

// Cache finds peers. All methods but Run and Changed are for the goroutine that handles
// events.
type Cache struct {
	cfg     Config
	peers   map[netip.Addr]*entry
	recent  *list.List            // of *entry, the one asked for last first
	waiting []*entry              // in the order of their deadlines
	again   [len(retries)][]retry // what is asked once more, each in the order of its time
	failed  int                   // answers in a row that were errors
	stats   Stats
	link
}

// entry is one address. What waits for an answer may have left the cache already.
type entry struct {
	addr   netip.Addr
	peer   *event.Peer
	until  uint64        // when it is not believed any more; while it waits, its deadline
	nobody time.Duration // for how long it was believed last that nobody has it
	tries  int           // answers that were doubted
	early  event.Peer    // the last of them
	doubt  bool          // the address changed hands while the question was on its way
	place  *list.Element
}

// retries are the pauses before an address that nobody has is asked for once more.
var retries = [...]time.Duration{time.Second, 2 * time.Second}

type retry struct {
	e  *entry
	at uint64
}

// New returns an empty Cache. Nothing is answered before Run runs.
func New(cfg Config) *Cache {
	return &Cache{cfg: cfg, peers: map[netip.Addr]*entry{}, recent: list.New(), link: link{queue: make(chan question, queueSize)}}
}

// Peer returns what is known of an address. It implements a part of event.Peers.
func (c *Cache) Peer(addr netip.Addr) *event.Peer {
	now := c.cfg.Now()
	old := c.peers[addr]
	if old != nil && (old.peer.Waiting || now < old.until) {
		c.recent.MoveToFront(old.place)
		return old.peer
	}
	e := &entry{addr: addr, peer: &event.Peer{}, until: now + uint64(otherAge)}
	c.keep(e, now)
	switch {
	case addr.IsLoopback(), addr.IsUnspecified(), addr.IsLinkLocalUnicast():
		e.peer.Kind = event.PeerLocal
	case addr.IsMulticast(), addr == broadcast: // many at the other end
	case now < c.paused.Load():
		c.stats.Paused++
		e.peer.Missed, e.until = true, c.paused.Load()
	case !c.ask(e, now):
		e.peer.Missed, e.until = true, now+uint64(errorAge)
	default:
		e.peer.Waiting, e.until = true, now+uint64(c.cfg.Wait)
		c.waiting = append(c.waiting, e)
	}
	return e.peer
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// ask hands a question to the workers, unless too many are there.
func (c *Cache) ask(e *entry, now uint64) bool {
	select {
	case c.queue <- question{e: e, addr: e.addr, stale: now + uint64(max(c.cfg.Wait, lookupTime))}:
		c.stats.Asked++
		return true
	default:
		c.stats.Full++
		return false
	}
}

// keep takes an entry in, in place of the one that has its address or of the one that
// was not asked for the longest.
func (c *Cache) keep(e *entry, now uint64) {
	if old := c.peers[e.addr]; old != nil {
		e.nobody = old.nobody
		c.recent.Remove(old.place)
	}
	e.place = c.recent.PushFront(e)
	c.peers[e.addr] = e
	if c.recent.Len() > c.cfg.Max {
		last := c.recent.Remove(c.recent.Back()).(*entry)
		if last.peer.Waiting || now < last.until {
			c.stats.Evicted++
		}
		delete(c.peers, last.addr)
	}
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
	changed = c.askAgain(now) || changed
	for len(c.waiting) > 0 {
		e := c.waiting[0]
		if e.peer.Waiting && now < e.until {
			break
		}
		if e.peer.Waiting {
			c.stats.Late++
			c.giveUp(e, now)
			changed = true
		}
		c.waiting[0], c.waiting = nil, c.waiting[1:]
	}
	return changed
}

// askAgain puts questions once more whose answer was doubted.
func (c *Cache) askAgain(now uint64) (changed bool) {
	for i := range c.again {
		for len(c.again[i]) > 0 && now >= c.again[i][0].at {
			e := c.again[i][0].e
			c.again[i][0], c.again[i] = retry{}, c.again[i][1:]
			if e.peer.Waiting && !c.ask(e, now) {
				c.settle(e, e.early, now)
				changed = true
			}
		}
	}
	return changed
}

// take empties the inbox.
func (c *Cache) take(now uint64) bool {
	changed := false
	for _, n := range c.collect() {
		e := n.e
		switch {
		case e == nil: // of Changed
			if e = c.peers[n.addr]; e == nil {
				continue
			}
			if e.doubt, e.nobody = e.peer.Waiting, 0; !e.doubt {
				e.until = now
			}
		case n.err != nil:
			c.stats.Failed++
			changed = true
			if e.peer.Waiting {
				c.giveUp(e, now)
			}
			if c.failed++; c.failed >= failures {
				c.pause(now)
			}
		default:
			c.failed = 0
			changed = c.answered(e, n.peer, now) || changed
		}
	}
	return changed
}

// answered takes an answer over, and tells whether a peer waits no longer. Who waited
// in vain before must not see another answer now: it is for those who ask next.
func (c *Cache) answered(e *entry, p event.Peer, now uint64) bool {
	if !e.peer.Waiting {
		if c.peers[e.addr] == e && e.peer.Missed {
			late := &entry{addr: e.addr, peer: &event.Peer{}}
			c.keep(late, now)
			c.settle(late, p, now)
		}
		return false
	}
	if p.Kind == event.PeerOutside && inRange(e.addr) && e.nobody == 0 && e.tries < len(retries) {
		if at := now + uint64(retries[e.tries]); at < e.until {
			c.again[e.tries] = append(c.again[e.tries], retry{e, at})
			e.early = p
			e.tries++
			return false
		}
	}
	c.settle(e, p, now)
	return true
}

// settle sets the answer, which is final, and says for how long it is believed.
func (c *Cache) settle(e *entry, p event.Peer, now uint64) {
	p.Waiting = false
	*e.peer = p
	age := otherAge
	switch {
	case p.Missed:
		age = errorAge
	case p.Kind == event.PeerPod:
		age = podAge
	case p.Kind == event.PeerOutside:
		age = max(nobodyAge, min(2*e.nobody, otherAge))
		if inRange(e.addr) {
			age = min(age, privateAge)
		}
		e.nobody = age
	}
	if p.Kind != event.PeerOutside {
		e.nobody = 0
	}
	if e.doubt {
		age = 0
	}
	e.until = now + uint64(age)
}

// giveUp ends the waiting of a peer: with the answer that was doubted, if there was one.
func (c *Cache) giveUp(e *entry, now uint64) {
	if e.tries > 0 {
		c.settle(e, e.early, now)
	} else {
		c.settle(e, event.Peer{Missed: true}, now)
	}
}

// pause puts no more questions for a while, and lets nobody wait. One that fails after
// it begins the next.
func (c *Cache) pause(now uint64) {
	c.failed = failures - 1
	c.paused.Store(now + uint64(errorAge))
	for _, e := range c.waiting {
		if e.peer.Waiting {
			c.giveUp(e, now)
		}
	}
	c.waiting, c.again = nil, [len(retries)][]retry{}
}

// carrierGrade are the addresses that some clusters give to pods (RFC 6598).
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

// inRange tells that a pod that began just now is likely to have such an address.
func inRange(a netip.Addr) bool { return a.IsPrivate() || carrierGrade.Contains(a) }

// Stats returns the counters.
func (c *Cache) Stats() Stats {
	c.stats.Peers = len(c.peers)
	return c.stats
}
