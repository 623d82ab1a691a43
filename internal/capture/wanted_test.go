package capture_test

import (
	"sync"
	"testing"

	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/event"
)

// TestLiveUpdate: a known number of calls all arrive, once each, while what is wanted
// beside them changes again and again.
func TestLiveUpdate(t *testing.T) {
	others := [][]event.Type{
		{event.Execveat},
		{event.Execveat, event.Connect, event.Bind},
		{event.Execveat, event.Unlink, event.Mkdir},
	}
	flavours(t, func(t *testing.T, f capture.Flavour) {
		src := open(t, capture.Config{Flavour: f}, event.Execveat)
		stop := make(chan struct{})
		changes := 0
		var changing sync.WaitGroup
		changing.Go(func() {
			for ; ; changes++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := src.Update(others[changes%len(others)], changes%2 == 0); err != nil {
					t.Error(err)
					return
				}
			}
		})
		const calls = 20_000
		received := count(t, src, calls, false)
		close(stop)
		changing.Wait()
		lost := lostOf(t, src, event.Execveat)
		t.Logf("%d calls = %d received + %d lost, %d changes", calls, received, lost, changes)
		if received != calls || lost != 0 || src.Gaps() != 0 {
			t.Errorf("%d of %d calls received, %d lost, gaps %d", received, calls, lost, src.Gaps())
		}
		if changes < 10 {
			t.Errorf("only %d changes", changes)
		}
	})
}

// TestLiveUpdateOff: what is no longer wanted is not sent, and is again when it is.
func TestLiveUpdateOff(t *testing.T) {
	flavours(t, func(t *testing.T, f capture.Flavour) {
		src := open(t, capture.Config{Flavour: f}, event.Execveat)
		const calls = 100
		for i, types := range [][]event.Type{{event.Connect}, {event.Execveat}, nil} {
			if err := src.Update(types, false); err != nil {
				t.Fatal(err)
			}
			want := 0
			if i == 1 {
				want = calls
			}
			if got := count(t, src, calls, false); got != want {
				t.Errorf("with %v: %d of %d calls received, want %d", types, got, calls, want)
			}
		}
	})
}
