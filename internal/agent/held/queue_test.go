package held

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/decode"
	"github.com/goshawk-security/goshawk/internal/event"
)

// record writes a record without parameters.
func record(seq uint64) []byte {
	b := make([]byte, 88)
	order := binary.NativeEndian
	order.PutUint32(b, uint32(len(b)))
	order.PutUint16(b[4:], uint16(event.Openat))
	order.PutUint64(b[8:], seq)
	return b
}

func decoded(t *testing.T, b []byte, c *event.Container) *event.Event {
	t.Helper()
	ev := &event.Event{}
	if err := decode.Record(b, ev); err != nil {
		t.Fatal(err)
	}
	ev.Container, ev.Process, ev.Host = c, &event.Process{PID: 7}, "n1"
	return ev
}

func TestQueue(t *testing.T) {
	now := uint64(1)
	q := New(Config{Events: 8, Bytes: 1 << 20, Wait: time.Second, Now: func() uint64 { return now }})
	first, second := &event.Container{Waiting: event.SourcePod}, &event.Container{Waiting: event.SourceRuntime}
	for i, c := range []*event.Container{first, second, first} {
		b := record(uint64(i))
		if !q.Keep(b, decoded(t, b, c)) {
			t.Fatal("no room")
		}
		clear(b) // the ring writes over it
	}
	b := record(9)
	if q.Keep(b, decoded(t, b, first)) {
		t.Error("more than a container's share")
	}
	type out struct {
		Seq     uint64
		Partial bool
		PID     uint32
		Host    string
	}
	var got []out
	do := func(ev *event.Event) { got = append(got, out{ev.Seq, ev.Partial, ev.Process.PID, ev.Host}) }
	if q.Release(true, do); got != nil {
		t.Errorf("released while all wait: %v", got)
	}
	second.Waiting = 0
	if q.Release(false, do); got != nil {
		t.Errorf("looked although nothing changed: %v", got)
	}
	q.Release(true, do)
	now += uint64(time.Second)
	q.Release(false, do)
	want := []out{{1, false, 7, "n1"}, {0, true, 7, "n1"}, {2, true, 7, "n1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Stats{Held: 3, Settled: 1, Late: 2, Full: 1}, q.Stats()); diff != "" {
		t.Error(diff)
	}
}

func TestBytes(t *testing.T) {
	q := New(Config{Events: 100, Bytes: 10, Wait: time.Second, Now: func() uint64 { return 1 }})
	b := record(1)
	if q.Keep(b, decoded(t, b, nil)) || q.Stats().Full != 1 {
		t.Errorf("kept more bytes than there is room for: %+v", q.Stats())
	}
}

func TestFlush(t *testing.T) {
	q := New(Config{Events: 100, Bytes: 1 << 20, Wait: time.Hour, Now: func() uint64 { return 1 }})
	b := record(1)
	q.Keep(b, decoded(t, b, &event.Container{Waiting: event.SourcePod}))
	n := 0
	q.Flush(func(ev *event.Event) {
		n++
		if !ev.Partial || ev.Waits() {
			t.Error("not marked")
		}
	})
	if n != 1 || q.Stats().Events != 0 {
		t.Errorf("%d came out, %+v", n, q.Stats())
	}
}

// One container, or the host, leaves room for the others.
func TestShares(t *testing.T) {
	q := New(Config{Events: 40, Bytes: 1 << 20, Wait: time.Hour, Now: func() uint64 { return 1 }})
	busy, other := &event.Container{Waiting: event.SourcePod}, &event.Container{Waiting: event.SourcePod}
	fill := func(c *event.Container) (n int) {
		for i := range uint64(100) {
			b := record(i)
			if q.Keep(b, decoded(t, b, c)) {
				n++
			}
		}
		return n
	}
	if n := fill(busy); n != 10 {
		t.Errorf("one container has %d of 40", n)
	}
	if n := fill(nil); n != 10 {
		t.Errorf("the host has %d of 40", n)
	}
	if n := fill(other); n != 10 {
		t.Errorf("the other container has %d of 40", n)
	}
	busy.Waiting, other.Waiting = 0, 0
	q.Release(true, func(*event.Event) {})
	if len(q.of) != 0 || q.Stats().Events != 0 {
		t.Errorf("shares of containers that have none here: %v", q.of)
	}
	if n := fill(&event.Container{Waiting: event.SourcePod}); n != 10 {
		t.Errorf("afterwards there is room for %d", n)
	}
	small := New(Config{Events: 1000, Bytes: 40 * (88 + 2048), Wait: time.Hour, Now: func() uint64 { return 1 }})
	for i := range uint64(100) {
		b := record(i)
		small.Keep(b, decoded(t, b, busy))
	}
	if s := small.Stats(); s.Bytes > 10*(88+2048) || s.Events == 0 {
		t.Errorf("one container has %d bytes of %d", s.Bytes, 40*(88+2048))
	}
}
