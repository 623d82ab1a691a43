package capture_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

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

// TestLiveUpdateMidway: a connection that ends while none are wanted is not taken for
// a later one of the same thread.
func TestLiveUpdateMidway(t *testing.T) {
	flavours(t, func(t *testing.T, f capture.Flavour) {
		src := open(t, capture.Config{Flavour: f}, event.Connect)
		fd, full := fullListener(t)
		missing := filepath.Join(t.TempDir(), "missing")
		cmd := exec.Command("/proc/self/exe", full, missing)
		cmd.Env = append(os.Environ(), actorVariable+"=resumes")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		says := bufio.NewReader(out)
		want := func(types []event.Type, when string) {
			if line, err := says.ReadString('\n'); line != when+"\n" {
				t.Fatalf("the actor says %q, want %q: %v", line, when, err)
			}
			if err := src.Update(types, false); err != nil {
				t.Fatal(err)
			}
		}
		want(nil, "waits")
		c, _, err := unix.Accept(fd) // make room
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(c)
		want([]event.Type{event.Connect}, "connected")
		in.Close()
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		list := collect(t, src, uint32(cmd.Process.Pid), done)
		find(t, list, event.Connect, func(s *seen) bool { return s.Socket.Path == missing && s.Result == -int64(unix.ENOENT) })
		for i := range list {
			if s := &list[i]; s.Type == event.Connect && s.Socket.Remote.String() == full {
				t.Errorf("connection to %s is reported, which ended before", full)
			}
		}
	})
}
