package peer

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

var (
	pod     = event.Peer{Kind: event.PeerPod, Name: "db-0"}
	outside = event.Peer{Kind: event.PeerOutside}
	errDown = errors.New("nobody answers")
)

// fixture is a Cache with a clock that stands, and a cluster that answers what it is
// given, one answer for each question.
type fixture struct {
	*Cache
	t       *testing.T
	now     atomic.Uint64
	taken   atomic.Uint64 // questions by workers
	answers chan any      // event.Peer, error, or a string to panic with
}

func newFixture(t *testing.T, size int) *fixture {
	t.Helper()
	f := &fixture{t: t, answers: make(chan any)}
	f.now.Store(uint64(time.Hour))
	f.Cache = New(Config{Max: size, Wait: 5 * time.Second, Now: f.now.Load, WhoHas: f.whoHas})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); f.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return f
}

func (f *fixture) whoHas(ctx context.Context, _ netip.Addr) (event.Peer, error) {
	f.taken.Add(1)
	select {
	case a := <-f.answers:
		switch a := a.(type) {
		case event.Peer:
			return a, nil
		case error:
			return event.Peer{}, a
		}
		panic(a)
	case <-ctx.Done():
		return event.Peer{}, ctx.Err()
	}
}

// answer gives an answer to one question and waits until it is in the inbox.
func (f *fixture) answer(a any) {
	f.t.Helper()
	late := time.After(20 * time.Second)
	select {
	case f.answers <- a:
	case <-late:
		f.t.Fatal("nobody asked")
	}
	for !f.news.Load() {
		select {
		case <-late:
			f.t.Fatal("no answer came")
		case <-time.After(100 * time.Microsecond):
		}
	}
}

// asked counts the questions.
func (f *fixture) asked() uint64 { return f.Stats().Asked }

func (f *fixture) pass(d time.Duration) { f.now.Add(uint64(d)) }

func TestPeer(t *testing.T) {
	f := newFixture(t, 10)
	p := f.Peer(addr("10.0.0.1"))
	if !p.Waiting || f.Peer(addr("10.0.0.1")) != p || f.Advance() {
		t.Fatalf("asked: %+v", p)
	}
	f.answer(pod)
	if !f.Advance() || !cmp.Equal(pod, *p) {
		t.Errorf("answered: %+v", p)
	}
	f.pass(podAge - 1)
	if f.Peer(addr("10.0.0.1")) != p {
		t.Error("asked again within the interval")
	}
	f.pass(1)
	again := f.Peer(addr("10.0.0.1"))
	if again == p || !again.Waiting || p.Name != "db-0" {
		t.Errorf("after the interval: %+v, and who has the old one sees %+v", again, p)
	}
	f.answer(event.Peer{Kind: event.PeerService})
	f.Advance()
	f.pass(otherAge - 1)
	if f.Peer(addr("10.0.0.1")) != again {
		t.Error("a service was asked for again within its interval")
	}
	if diff := cmp.Diff(Stats{Peers: 1, Asked: 2}, f.Stats()); diff != "" {
		t.Error(diff)
	}
}

func TestNoQuestion(t *testing.T) {
	f := newFixture(t, 10)
	for a, want := range map[string]event.PeerKind{
		"127.0.0.1": event.PeerLocal, "::1": event.PeerLocal, "0.0.0.0": event.PeerLocal, "::": event.PeerLocal,
		"169.254.169.254": event.PeerLocal, "fe80::1%eth0": event.PeerLocal,
		"224.0.0.251": event.PeerUnknown, "ff02::fb": event.PeerUnknown, "255.255.255.255": event.PeerUnknown,
	} {
		if p := f.Peer(addr(a)); p.Waiting || p.Missed || p.Kind != want {
			t.Errorf("%s: %+v", a, p)
		}
	}
	if f.asked() != 0 {
		t.Errorf("%d were asked for", f.asked())
	}
}

// A pod's address comes to the API server after its first packet is sent.
func TestTooEarly(t *testing.T) {
	for _, tt := range []struct {
		name, addr string
		answers    []any           // one for each question
		pauses     []time.Duration // before the second and the third
		want       event.Peer
		believed   time.Duration
	}{
		{"a pod that began just now", "10.0.0.1", []any{outside, pod}, retries[:1], pod, podAge},
		{"a pod whose status came late", "10.0.0.1", []any{outside, outside, pod}, retries[:], pod, podAge},
		{"nobody", "10.0.0.1", []any{outside, outside, outside}, retries[:], outside, nobodyAge},
		{"of the carrier's range", "100.64.0.1", []any{outside, outside, pod}, retries[:], pod, podAge},
		{"an address that no pod has", "192.0.2.1", []any{outside}, nil, outside, nobodyAge},
		{"an error at last", "fd00::1", []any{outside, errDown}, retries[:1], outside, nobodyAge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, 10)
			p := f.Peer(addr(tt.addr))
			for i, a := range tt.answers {
				if !p.Waiting {
					t.Fatalf("settled before question %d", i)
				}
				f.answer(a)
				f.Advance()
				if i < len(tt.pauses) {
					f.pass(tt.pauses[i] - 1)
					if f.Advance() || f.asked() != uint64(i+1) {
						t.Fatalf("asked again too early: %d", f.asked())
					}
					f.pass(1)
					f.Advance()
				}
			}
			if diff := cmp.Diff(tt.want, *p); diff != "" {
				t.Error(diff)
			}
			f.pass(tt.believed - 1)
			if f.Peer(addr(tt.addr)) != p {
				t.Error("not believed for long enough")
			}
			f.pass(1)
			if f.Peer(addr(tt.addr)) == p {
				t.Error("believed for too long")
			}
		})
	}
}

// "Outside" is believed longer each time it is said.
func TestNobody(t *testing.T) {
	for a, longest := range map[string]time.Duration{"10.0.0.1": privateAge, "192.0.2.1": otherAge} {
		f := newFixture(t, 10)
		var ages []time.Duration
		for range 7 {
			p := f.Peer(addr(a))
			for p.Waiting {
				f.answer(outside)
				if !f.Advance() {
					f.pass(retries[1])
					f.Advance()
				}
			}
			age := time.Duration(f.peers[addr(a)].until - f.now.Load())
			ages = append(ages, age)
			f.pass(age)
		}
		if ages[0] != nobodyAge || ages[1] != 2*nobodyAge || ages[6] != longest {
			t.Errorf("%s: %v", a, ages)
		}
	}
}

func TestNoAnswer(t *testing.T) {
	f := newFixture(t, 10)
	failed := f.Peer(addr("10.0.0.1"))
	f.answer(errDown)
	if !f.Advance() || failed.Waiting || !failed.Missed {
		t.Errorf("failed: %+v", failed)
	}
	wrong := f.Peer(addr("10.0.0.2"))
	f.answer("a mistake")
	if !f.Advance() || wrong.Waiting || !wrong.Missed {
		t.Errorf("panic: %+v", wrong)
	}
	late := f.Peer(addr("10.0.0.3"))
	for f.taken.Load() < 3 {
		time.Sleep(100 * time.Microsecond)
	}
	f.pass(5 * time.Second)
	if !f.Advance() || late.Waiting || !late.Missed {
		t.Errorf("too late: %+v", late)
	}
	f.answer(pod)
	if f.Advance() || late.Name != "" {
		t.Error("a peer changed after it was said to be missed")
	}
	if next := f.Peer(addr("10.0.0.3")); next == late || next.Name != "db-0" {
		t.Errorf("who asks after a late answer gets %+v", next)
	}
	f.pass(errorAge)
	if p := f.Peer(addr("10.0.0.1")); !p.Waiting {
		t.Error("not asked again after an error")
	}
	if diff := cmp.Diff(Stats{Peers: 3, Asked: 4, Failed: 2, Late: 1}, f.Stats()); diff != "" {
		t.Error(diff)
	}
}

// An answer that is not complete is not believed for long.
func TestHalfAnswer(t *testing.T) {
	f := newFixture(t, 10)
	p := f.Peer(addr("10.0.0.1"))
	f.answer(event.Peer{Kind: event.PeerPod, Name: "db-0", Missed: true})
	f.Advance()
	if p.Name != "db-0" || !p.Missed {
		t.Errorf("%+v", p)
	}
	f.pass(errorAge)
	if f.Peer(addr("10.0.0.1")) == p {
		t.Error("believed for long")
	}
}

func TestPause(t *testing.T) {
	f := newFixture(t, 100)
	var peers []*event.Peer
	for i := range byte(failures + 20) {
		peers = append(peers, f.Peer(netip.AddrFrom4([4]byte{10, 0, 0, i})))
	}
	for range failures {
		f.answer(errDown)
		f.Advance()
	}
	for i, p := range peers {
		if p.Waiting || !p.Missed {
			t.Errorf("peer %d waits: %+v", i, p)
		}
	}
	asked := f.asked()
	if p := f.Peer(addr("10.0.1.1")); p.Waiting || !p.Missed || f.asked() != asked {
		t.Errorf("in the pause: %+v", p)
	}
	f.pass(errorAge)
	// The questions of before are on their way still, or are dropped: only those that
	// a worker had taken are answered.
	probe := f.Peer(addr("10.0.1.1"))
	for probe.Waiting {
		f.answer(pod)
		f.Advance()
	}
	if probe.Kind != event.PeerPod {
		t.Errorf("after the pause: %+v", probe)
	}
	f.failed = failures - 1 // as after a pause
	p := f.Peer(addr("10.0.1.2"))
	for f.Stats().Failed == failures {
		f.answer(errDown)
		f.Advance()
	}
	if !p.Missed || f.Peer(addr("10.0.1.3")).Waiting {
		t.Error("one failure after a pause begins no other one")
	}
	if s := f.Stats(); s.Paused != 2 {
		t.Errorf("stats %+v", s)
	}
}

func TestChanged(t *testing.T) {
	f := newFixture(t, 10)
	f.Changed(addr("10.0.0.9")) // nobody asked for it
	f.Advance()
	p := f.Peer(addr("10.0.0.1"))
	f.answer(pod)
	f.Advance()
	f.Changed(addr("::ffff:10.0.0.1"))
	f.Advance()
	second := f.Peer(addr("10.0.0.1"))
	if second == p || !second.Waiting {
		t.Fatalf("still believed: %+v", second)
	}
	f.Changed(addr("10.0.0.1")) // while the question is on its way
	f.Advance()
	f.answer(pod)
	f.Advance()
	if second.Waiting || second.Name != "db-0" {
		t.Errorf("answered: %+v", second)
	}
	if f.Peer(addr("10.0.0.1")) == second {
		t.Error("an answer is believed that may be older than the change")
	}
}

func TestBounds(t *testing.T) {
	f := &fixture{t: t}
	f.Cache = New(Config{Max: 4, Wait: time.Minute, Now: f.now.Load}) // nobody works
	a := addr("10.0.0.0")
	first := f.Peer(a)
	for range queueSize + 4 {
		a = a.Next()
		f.Peer(a)
	}
	if s := f.Stats(); s.Peers != 4 || s.Asked != queueSize || s.Full != 5 || s.Evicted != queueSize+1 {
		t.Errorf("stats %+v", s)
	}
	if f.recent.Len() != 4 {
		t.Errorf("%d in order", f.recent.Len())
	}
	f.post(answer{e: (<-f.queue).e, peer: pod})
	if !f.Advance() || first.Name != "db-0" {
		t.Errorf("what left the cache while it waited: %+v", first)
	}
	f.pass(time.Minute)
	f.Advance()
	if len(f.waiting) != 0 {
		t.Errorf("%d wait after their time", len(f.waiting))
	}
}

// The one that was not asked for the longest goes first.
func TestOrder(t *testing.T) {
	f := &fixture{t: t}
	f.Cache = New(Config{Max: 2, Wait: time.Minute, Now: f.now.Load})
	one := f.Peer(addr("10.0.0.1"))
	f.Peer(addr("10.0.0.2"))
	f.Peer(addr("10.0.0.1"))
	f.Peer(addr("10.0.0.3"))
	if f.Peer(addr("10.0.0.1")) != one || f.peers[addr("10.0.0.2")] != nil {
		t.Error("not the oldest went")
	}
}

func TestStaleQuestions(t *testing.T) {
	f := &fixture{t: t, answers: make(chan any)}
	asked := make(chan netip.Addr, 10)
	f.Cache = New(Config{Max: 10, Wait: time.Second, Now: f.now.Load, WhoHas: func(_ context.Context, a netip.Addr) (event.Peer, error) {
		asked <- a
		return pod, nil
	}})
	f.Peer(addr("10.0.0.1"))
	f.pass(lookupTime)
	f.Advance()
	f.Peer(addr("10.0.0.2"))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); f.Run(ctx) }()
	if a := <-asked; a != addr("10.0.0.2") {
		t.Errorf("asked for %v, which nobody waits for", a)
	}
	cancel()
	<-ended
}

// BenchmarkPeer asks for more addresses than are kept: a scan of a network.
func BenchmarkPeer(b *testing.B) {
	for _, bench := range []struct {
		name  string
		addrs int
	}{{"case=known", 1000}, {"case=scan", 1 << 20}} {
		b.Run(bench.name, func(b *testing.B) {
			c := New(Config{Max: 4096, Wait: time.Second, Now: func() uint64 { return 1 }})
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n = (n + 1) % bench.addrs
				c.Peer(netip.AddrFrom4([4]byte{192, byte(n >> 16), byte(n >> 8), byte(n)}))
			}
			if len(c.peers) == 0 {
				b.Fatal("nothing was asked")
			}
		})
	}
}
