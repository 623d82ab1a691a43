package peer

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goshawk-security/goshawk/internal/event"
)

const (
	workers = 4
	// lookupTime bounds one question. It may be longer than peers wait: the answer is
	// there for the next one then.
	lookupTime = 5 * time.Second
)

// link is between the goroutine that handles events and the workers.
type link struct {
	queue  chan question
	paused atomic.Uint64 // no question is put before

	news  atomic.Bool // something is in the inbox
	mu    sync.Mutex
	inbox []answer
}

// question is asked by a worker, which must not look into the entry.
type question struct {
	e     *entry
	addr  netip.Addr
	stale uint64 // when nobody wants to know any more
}

// answer is one to a question, or without an entry a call of Changed.
type answer struct {
	e    *entry
	addr netip.Addr
	peer event.Peer
	err  error
}

// Run asks until ctx ends, and returns when the last question has ended.
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
		case q := <-c.queue:
			// What waited through an outage is not asked for: those who come now would
			// wait behind it.
			if now := c.cfg.Now(); now >= q.stale || now < c.paused.Load() {
				continue
			}
			p, err := c.lookUp(ctx, q.addr)
			c.post(answer{e: q.e, addr: q.addr, peer: p, err: err})
		}
	}
}

// lookUp asks one question. A mistake in what it calls is an error like others.
func (c *Cache) lookUp(ctx context.Context, addr netip.Addr) (p event.Peer, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("look up %v: panic: %v", addr, cause)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, max(c.cfg.Wait, lookupTime))
	defer cancel()
	return c.cfg.WhoHas(ctx, addr)
}

// Changed says that an address may have another owner now, or its owner other labels:
// what is known of it is not believed any more. Any goroutine may call it.
func (c *Cache) Changed(addr netip.Addr) { c.post(answer{addr: addr.Unmap()}) }

func (c *Cache) post(a answer) {
	c.mu.Lock()
	c.inbox = append(c.inbox, a)
	c.mu.Unlock()
	c.news.Store(true)
}

// collect returns what is in the inbox.
func (c *Cache) collect() []answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	news := c.inbox
	c.inbox = nil
	c.news.Store(false)
	return news
}
