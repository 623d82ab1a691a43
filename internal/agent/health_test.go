package agent

import (
	"testing"
	"time"
)

// clock is a time that a test moves.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func (c *clock) add(d time.Duration) { c.t = c.t.Add(d) }

func TestReady(t *testing.T) {
	c := &clock{t: time.Unix(1000, 0)}
	beat := newHeartbeat(c.now)
	h := newHealth(beat, 5*time.Second, c.now)
	check := func(step, want string) {
		t.Helper()
		got := ""
		if err := h.ready(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: ready\n got %q\nwant %q", step, got, want)
		}
	}
	check("new", "starting: reading what runs already")
	c.add(time.Minute) // a long scan
	beat.begin()
	h.run()
	c.add(2 * time.Second)
	check("no heartbeat", "no heartbeat came through yet, 2s after the start")
	if blind, changed := h.blindness(); blind || changed {
		t.Error("blind before the timeout")
	}
	first := beat.note()
	c.add(time.Second)
	beat.seen(first)
	check("first heartbeat", "")
	c.add(4 * time.Second)
	check("at the limit", "")
	c.add(time.Second)
	check("late", "the last heartbeat that came through is 6s old, 5s is the limit: events are not seen, or seen late")
	if blind, changed := h.blindness(); !blind || !changed {
		t.Error("not found blind")
	}
	if blind, changed := h.blindness(); !blind || changed {
		t.Error("blindness is news twice")
	}
	beat.seen(first)
	beat.seen(12345)
	beat.seen(0)
	check("numbers that were not sent", "the last heartbeat that came through is 6s old, 5s is the limit: events are not seen, or seen late")
	beat.seen(beat.note())
	check("again", "")
	if blind, changed := h.blindness(); blind || !changed {
		t.Error("seeing again is no news")
	}
	h.stop()
	h.run()
	check("stopping", "stopping")
}

// A heartbeat that was long on its way does not make the agent look fresh.
func TestHeartbeatAge(t *testing.T) {
	c := &clock{t: time.Unix(1000, 0)}
	beat := newHeartbeat(c.now)
	nonce := beat.note()
	c.add(20 * time.Second)
	beat.seen(nonce)
	if age := beat.age(); age != 20*time.Second {
		t.Errorf("age = %v, want 20s", age)
	}
	if trip, any := beat.arrived(); trip != 20*time.Second || !any {
		t.Errorf("arrived = %v, %v", trip, any)
	}
}

func TestHeartbeatCall(t *testing.T) {
	if err := newHeartbeat(time.Now).send(); err != nil {
		t.Errorf("the kernel's answer is not the harmless one: %v", err)
	}
}

func TestAlive(t *testing.T) {
	c := &clock{t: time.Unix(1000, 0)}
	h := newHealth(newHeartbeat(c.now), 5*time.Second, c.now)
	c.add(time.Minute)
	if err := h.alive(); err != nil {
		t.Errorf("a long start: %v", err)
	}
	h.run()
	h.turned()
	c.add(20 * time.Second)
	if err := h.alive(); err != nil {
		t.Errorf("moved 20 s ago: %v", err)
	}
	c.add(31 * time.Second)
	if err := h.alive(); err == nil {
		t.Error("alive although the loop stands still")
	}
	h.turned()
	if err := h.alive(); err != nil {
		t.Errorf("moves again: %v", err)
	}
}
