package capture_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/event"
)

// TestLiveFastOpen: a connection that no connect made is seen, and the next connect
// is not taken for it.
func TestLiveFastOpen(t *testing.T) {
	flavours(t, func(t *testing.T, f capture.Flavour) {
		src := open(t, capture.Config{Flavour: f}, event.Connect)
		answers, missing := listen(t, "tcp", "127.0.0.1:0"), folder(t)+"/missing"
		list := perform(t, src, "fast-opens", answers, missing)
		find(t, list, event.Connect, func(s *seen) bool { return s.Socket.Remote.String() == answers && !s.HasResult })
		find(t, list, event.Connect, func(s *seen) bool {
			return s.Socket.Path == missing && s.Result == -int64(unix.ENOENT) && !s.Socket.Remote.IsValid()
		})
	})
}

// TestLiveConnectKilled: a connect that a signal ends has begun all the same.
func TestLiveConnectKilled(t *testing.T) {
	flavours(t, func(t *testing.T, f capture.Flavour) {
		src := open(t, capture.Config{Flavour: f}, event.Connect)
		_, full := fullListener(t)
		cmd := exec.Command("/proc/self/exe", full)
		cmd.Env = append(os.Environ(), actorVariable+"=dangles")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			time.Sleep(300 * time.Millisecond) // the call waits for an answer by then
			cmd.Process.Kill()
			cmd.Wait() // says that it was killed
			done <- nil
		}()
		list := collect(t, src, uint32(cmd.Process.Pid), done)
		find(t, list, event.Connect, func(s *seen) bool {
			return s.Socket.Remote.String() == full && s.Result == -int64(unix.EINTR)
		})
	})
}

// TestLiveHidden: names that are deep, rooted elsewhere or nowhere.
func TestLiveHidden(t *testing.T) {
	flavours(t, func(t *testing.T, f capture.Flavour) {
		src := open(t, capture.Config{Flavour: f}, event.Openat, event.Openat2)
		dir := folder(t)
		list := perform(t, src, "hides", dir)
		find(t, list, event.Openat2, func(s *seen) bool {
			return len(s.Names) == 1 && s.Names[0].Text == dir+"/rooted"
		})
		find(t, list, event.Openat, func(s *seen) bool { return s.name(event.Resolved) == deepPath(dir) })
		s := find(t, list, event.Openat, func(s *seen) bool { return s.Given == "etc/shadow" })
		if s != nil && !strings.HasPrefix(s.name(event.Resolved), "(unreachable)") {
			t.Errorf("a file on no mount is called %q", s.name(event.Resolved))
		}
	})
}
