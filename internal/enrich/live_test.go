package enrich_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/decode"
	"github.com/goshawk-security/goshawk/internal/enrich"
	"github.com/goshawk-security/goshawk/internal/enrich/workload"
	"github.com/goshawk-security/goshawk/internal/event"
)

// TestLive follows a pipeline of real commands on this machine's kernel, which
// starts while the scan goes on.
func TestLive(t *testing.T) {
	controller, err := workload.Hierarchy("/proc")
	if err != nil {
		t.Fatal(err)
	}
	src, err := capture.Open(capture.Config{CgroupController: controller}, []event.Type{event.Openat})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	e, err := enrich.New(enrich.Config{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "seen")
	if err := os.WriteFile(file, []byte("x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", `(cat "$0"; true) | tr x y; while :; do sleep 0.01; [ -e "$0.done" ] && exit; done`, file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer os.WriteFile(file+".done", nil, 0o644)
	if err := e.Scan(context.Background()); err != nil {
		t.Logf("not everything is there: %v", err)
	}

	ev := find(t, src, e, file)
	if ev.Image.Comm != "cat" || ev.Image.CmdLine != "cat "+file || ev.Image.FromProc || !ev.Image.Execed {
		t.Errorf("image %+v", ev.Image)
	}
	if exe, err := filepath.EvalSymlinks("/bin/cat"); err != nil || filepath.Base(ev.Image.ExePath) != filepath.Base(exe) {
		t.Errorf("executable %q, want %q (%v)", ev.Image.ExePath, exe, err)
	}
	var pids []uint32
	var names []string
	for img := ev.Image; img != nil; img = img.Parent {
		pids, names = append(pids, img.PID), append(names, img.Comm)
	}
	// cat < the subshell < sh < this test
	if len(pids) < 4 || pids[2] != uint32(cmd.Process.Pid) || pids[3] != uint32(os.Getpid()) {
		t.Errorf("lineage %v %v; sh is %d, the test %d", pids, names, cmd.Process.Pid, os.Getpid())
	}
	if ev.Image.CgroupPath == "" || ev.Process.Cgroup != ev.Cgroup {
		t.Errorf("cgroup %d %q", ev.Process.Cgroup, ev.Image.CgroupPath)
	}
	if ev.Container == nil {
		deadline := time.Now().Add(30 * time.Second)
		a, ok := ev.Accounts.User(uint32(os.Geteuid()))
		for !ok && time.Now().Before(deadline) { // it may be read for longer than an event waits
			time.Sleep(time.Millisecond)
			a, ok = ev.Accounts.User(uint32(os.Geteuid()))
		}
		if !ok || a.Name == "" {
			t.Errorf("user %d: %+v, %v", os.Geteuid(), a, ok)
		}
	}
	if ev.Image.Stdio[1].Kind != event.FilePipe {
		t.Errorf("standard output %+v", ev.Image.Stdio[1])
	}
	t.Logf("lineage %s, stats %+v", strings.Join(names, " < "), e.Stats())
}

// find applies records until somebody opened the file.
func find(t *testing.T, src *capture.Source, e *enrich.Enricher, file string) *event.Event {
	t.Helper()
	var rec capture.Record
	ev := new(event.Event)
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		err := src.Next(&rec)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := decode.Record(rec.Bytes, ev); err != nil {
			t.Fatal(err)
		}
		ev.BootOffset = rec.BootOffset
		e.Apply(ev)
		if ev.Type == event.Openat && ev.Name().Text == file {
			return ev
		}
	}
	t.Fatalf("nobody opened %s", file)
	return nil
}
