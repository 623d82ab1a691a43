package capture_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/decode"
	"github.com/goshawk-security/goshawk/internal/event"
)

func inode(info fs.FileInfo) uint64 { return info.Sys().(*syscall.Stat_t).Ino }

// TestLiveAccount: every one of a known number of calls is received or counted
// as lost, when the ring is large enough and when it is far too small.
func TestLiveAccount(t *testing.T) {
	tests := []struct {
		name     string
		ring     int
		calls    int
		stall    bool // nobody reads meanwhile
		wantLost bool
	}{
		{"below what the ring takes", 8 << 20, 20_000, false, false},
		{"above what the ring takes", 64 << 10, 50_000, true, true},
	}
	flavours(t, func(t *testing.T, f capture.Flavour) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				src := open(t, capture.Config{Flavour: f, EventsBytes: tt.ring}, event.Execveat)
				received := count(t, src, tt.calls, tt.stall)
				lost := lostOf(t, src, event.Execveat)
				t.Logf("%d calls = %d received + %d lost", tt.calls, received, lost)
				if received+int(lost) != tt.calls {
					t.Errorf("%d calls are not accounted for", tt.calls-received-int(lost))
				}
				if (lost > 0) != tt.wantLost {
					t.Errorf("%d lost, want any: %v", lost, tt.wantLost)
				}
			})
		}
	})
}

// count has an actor make n calls, reads until nothing more comes, and returns
// how many arrived. With stall it reads only when the actor has ended.
func count(t *testing.T, src *capture.Source, n int, stall bool) (received int) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", strconv.Itoa(n))
	cmd.Env = append(os.Environ(), actorVariable+"=count")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := uint32(cmd.Process.Pid)
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	ended := false
	if stall {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		ended = true
	}
	var rec capture.Record
	var ev event.Event
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		err := src.Next(&rec)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if ended {
				return received
			}
			select {
			case err := <-done:
				if err != nil {
					t.Fatal(err)
				}
				ended = true
			default:
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := decode.Record(rec.Bytes, &ev); err != nil {
			t.Fatal(err)
		}
		if ev.Type == event.Execveat && ev.PID == pid {
			received++
		}
	}
	t.Fatal("records did not end")
	return 0
}

// lostOf adds up what was lost of a type. Other programs' calls on the machine
// would count too, so the tests make one that next to nobody makes: an execveat
// of no file.
func lostOf(t *testing.T, src *capture.Source, typ event.Type) (n uint64) {
	t.Helper()
	losses, err := src.Losses()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range losses {
		if l.Type == typ || l.Cause == capture.CauseRecursion {
			n += l.Count
		}
	}
	return n
}
