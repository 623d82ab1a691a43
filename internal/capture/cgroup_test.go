package capture_test

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/decode"
	"github.com/goshawk-security/goshawk/internal/event"
)

// TestLiveCgroup: a new cgroup is announced with its id and path, in the
// hierarchy that was asked for and in no other.
func TestLiveCgroup(t *testing.T) {
	hierarchies := cgroupMounts(t)
	flavours(t, func(t *testing.T, f capture.Flavour) {
		for controller, mount := range hierarchies {
			t.Run(cmp.Or(controller, "unified"), func(t *testing.T) {
				src := open(t, capture.Config{Flavour: f, CgroupController: controller}, event.Execve)
				for _, other := range hierarchies {
					if other != mount {
						makeCgroup(t, other)
					}
				}
				id, name := makeCgroup(t, mount)
				ev := nextCgroup(t, src)
				if ev.Task.Cgroup != id {
					t.Errorf("cgroup %d, want %d", ev.Task.Cgroup, id)
				}
				if got := string(ev.Task.CgroupPath.Resolved.AppendTo(nil)); got != "/"+name {
					t.Errorf("path %q, want %q", got, "/"+name)
				}
			})
		}
	})
}

// TestLiveBirth: a child that clone3 puts into a cgroup is there from its birth on.
func TestLiveBirth(t *testing.T) {
	mount, ok := cgroupMounts(t)[""]
	if !ok {
		t.Skip("cgroup v2 is not mounted here")
	}
	flavours(t, func(t *testing.T, f capture.Flavour) {
		src := open(t, capture.Config{Flavour: f}, event.Execve)
		id, name := makeCgroup(t, mount)
		dir, err := os.Open(filepath.Join(mount, name))
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = []string{actorVariable + "=nothing"}
		cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		list := collect(t, src, uint32(cmd.Process.Pid), done)
		find(t, list, event.Clone3, func(s *seen) bool { return s.Task.Cgroup == id && s.Result == int64(cmd.Process.Pid) })
		find(t, list, event.Execve, func(s *seen) bool { return s.Task.Cgroup == id && s.CgroupPath == "/"+name })
		find(t, list, event.ProcExit, func(s *seen) bool { return s.Cgroup == id })
	})
}

// cgroupMounts finds where the unified hierarchy ("") and that of the v1
// controller pids are mounted from their roots, as far as they are.
func cgroupMounts(t testing.TB) map[string]string {
	t.Helper()
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for line := range strings.Lines(string(table)) {
		mount, system, _ := strings.Cut(line, " - ")
		f, s := strings.Fields(mount), strings.Fields(system)
		switch {
		case f[3] != "/":
		case s[0] == "cgroup2":
			found[""] = f[4]
		case s[0] == "cgroup" && s[2] == "rw,pids":
			found["pids"] = f[4]
		}
	}
	if len(found) == 0 {
		t.Skip("no cgroup hierarchy is mounted here")
	}
	return found
}

func makeCgroup(t testing.TB, mount string) (id uint64, name string) {
	t.Helper()
	dir, err := os.MkdirTemp(mount, "goshawk-test-")
	if err != nil {
		t.Skip("cgroups cannot be made here:", err)
	}
	t.Cleanup(func() { os.Remove(dir) })
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	return inode(info), filepath.Base(dir)
}

// nextCgroup reads up to the first new cgroup that is one of the test's.
func nextCgroup(t testing.TB, src *capture.Source) *event.Event {
	t.Helper()
	var rec capture.Record
	ev := &event.Event{}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if err := src.Next(&rec); errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		if err := decode.Record(rec.Bytes, ev); err != nil {
			t.Fatal(err)
		}
		path := ev.Task.CgroupPath.Resolved.AppendTo(nil)
		if ev.Type == event.CgroupMkdir && strings.Contains(string(path), "/goshawk-test-") {
			return ev
		}
	}
	t.Fatal("no new cgroup was reported")
	return nil
}
