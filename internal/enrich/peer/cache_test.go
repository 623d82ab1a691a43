package peer

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"
)

type clock struct{ now uint64 }

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// newCache makes a cache whose worker answers what it is given.
func newCache(t *testing.T, size int) (*Cache, *clock, chan event.Peer) {
	t.Helper()
	at, answers := &clock{now: 1}, make(chan event.Peer)
	c := New(Config{Max: size, Wait: time.Minute, Now: func() uint64 { return at.now }, WhoHas: func(ctx context.Context, _ netip.Addr) (event.Peer, error) {
		select {
		case p := <-answers:
			if p.Missed {
				return event.Peer{}, errors.New("no answer")
			}
			return p, nil
		case <-ctx.Done():
			return event.Peer{}, ctx.Err()
		}
	}})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); c.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return c, at, answers
}

// drain waits for an answer.
func drain(t *testing.T, c *Cache) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !c.Advance(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no answer came")
		}
	}
}

func TestPeer(t *testing.T) {
	c, at, answers := newCache(t, 10)
	p := c.Peer(addr("10.0.0.1"))
	if !p.Waiting || c.Peer(addr("10.0.0.1")) != p || c.Advance() {
		t.Fatalf("asked: %+v", p)
	}
	answers <- event.Peer{Kind: event.PeerPod, Name: "db-0"}
	drain(t, c)
	if p.Waiting || p.Name != "db-0" {
		t.Errorf("answered: %+v", p)
	}
	at.now += uint64(podAge) - 1
	if c.Peer(addr("10.0.0.1")) != p {
		t.Error("asked again within the interval")
	}
	at.now++
	again := c.Peer(addr("10.0.0.1"))
	if again == p || !again.Waiting || p.Name != "db-0" {
		t.Errorf("after the interval: %+v, and who has the old one sees %+v", again, p)
	}
	answers <- event.Peer{Kind: event.PeerOutside}
	drain(t, c)
	at.now += uint64(podAge)
	if c.Peer(addr("10.0.0.1")) != again {
		t.Error("what is no pod was asked for again after a pod's interval")
	}
	if local := c.Peer(addr("127.0.0.1")); local.Waiting || local.Kind != event.PeerLocal {
		t.Errorf("loopback: %+v", local)
	}
	if diff := cmp.Diff(Stats{Peers: 2, Asked: 2}, c.Stats()); diff != "" {
		t.Error(diff)
	}
}

func TestNoAnswer(t *testing.T) {
	c, at, answers := newCache(t, 10)
	failed := c.Peer(addr("10.0.0.1"))
	answers <- event.Peer{Missed: true}
	drain(t, c)
	if failed.Waiting || !failed.Missed {
		t.Errorf("failed: %+v", failed)
	}
	late := c.Peer(addr("10.0.0.2"))
	at.now += uint64(time.Minute)
	if !c.Advance() || late.Waiting || !late.Missed {
		t.Errorf("too late: %+v", late)
	}
	answers <- event.Peer{Kind: event.PeerPod, Name: "late"}
	drain(t, c)
	if late.Name != "" {
		t.Error("a peer changed after it was said to be missed")
	}
	if s := c.Stats(); s.Failed != 1 || s.Late != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestBounds(t *testing.T) {
	at := &clock{now: 1}
	c := New(Config{Max: 4, Wait: time.Minute, Now: func() uint64 { return at.now }}) // nobody works
	a := addr("10.0.0.0")
	for range queueSize + 5 {
		a = a.Next()
		c.Peer(a)
	}
	if s := c.Stats(); s.Peers != 4 || s.Asked != queueSize || s.Full != 5 {
		t.Errorf("stats %+v", s)
	}
	at.now += uint64(time.Minute)
	c.Advance()
	if len(c.waiting) != 0 {
		t.Errorf("%d wait after their time", len(c.waiting))
	}
}
