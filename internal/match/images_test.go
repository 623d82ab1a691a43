package match

import (
	"testing"

	"github.com/goshawk-security/goshawk/internal/event"
)

// TestMatchImages: what is remembered of an image neither leaks to another nor
// hides what differs between its events.
func TestMatchImages(t *testing.T) {
	s := compile(t, load(t, item("both", "evt.type in (openat, connect) and proc.name = sh and evt.arg.flags contains O_WRONLY")))
	m := s.NewMatcher()
	newImage := func(comm string) *event.Image { return &event.Image{Comm: comm} }
	shell, other := newImage("sh"), newImage("cat")
	var crowd []*event.Image // more than there are places
	for range 3 * imageSlots {
		crowd = append(crowd, newImage("cat"))
	}
	hits := func(image *event.Image, flags uint64) int {
		ev := &event.Event{Type: event.Openat, Image: image, Process: &event.Process{Image: image}}
		ev.Args[2] = flags
		return len(m.Match(ev))
	}
	for round := range 2 {
		if n := hits(shell, 1); n != 1 {
			t.Errorf("round %d: shell writes: %d hits", round, n)
		}
		if n := hits(shell, 0); n != 0 {
			t.Errorf("round %d: shell reads: %d hits", round, n)
		}
		if n := hits(other, 1); n != 0 {
			t.Errorf("round %d: another program writes: %d hits", round, n)
		}
		for _, image := range crowd {
			if n := hits(image, 1); n != 0 {
				t.Fatalf("round %d: one of many writes: %d hits", round, n)
			}
		}
	}
}
