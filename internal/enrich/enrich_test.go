package enrich

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/goshawk-security/goshawk/internal/event"
)

const second = uint64(time.Second)

var (
	containerID = strings.Repeat("0123456789abcdef", 4)
	podUID      = "8dbc5577-d0e2-4706-8787-57d52c03ddf2"
)

const (
	hostMount = 4026531841
	podMount  = 4026532500
)

// files makes files and, for values that begin with "-> ", links.
func files(t testing.TB, root string, texts map[string]string) {
	t.Helper()
	for name, text := range texts {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// newEnricher makes a machine of cgroup v2 with a service and a pod.
func newEnricher(t testing.TB) (*Enricher, string) {
	t.Helper()
	root := t.TempDir()
	files(t, root, map[string]string{
		"proc/self/cgroup":                      "0::/\n",
		"proc/1/ns/mnt":                         "-> mnt:[4026531841]",
		"proc/1/stat":                           "1 (init) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1 0 0\n",
		"proc/1/root/etc/passwd":                "root:x:0:0::/root:/bin/sh\n",
		"proc/30/root/etc/passwd":               "app:x:0:0::/app:/bin/false\n",
		"cg/cgroup.procs":                       "",
		"cg/system.slice/ssh.service/x":         "",
		"cg/kubepods/pod" + podUID + "/pause/x": "",
	})
	e, err := New(Config{ProcRoot: filepath.Join(root, "proc"), CgroupRoot: filepath.Join(root, "cg"), MaxProcesses: 100}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Scan(context.Background()); err != nil {
		t.Fatal(err)
	}
	return e, root
}

// cgroupID returns the id of a cgroup.
func cgroupID(t testing.TB, root, path string) uint64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(root, "cg", path))
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Ino
}

func path(leafFirst ...string) event.Path {
	return event.Path{Resolved: event.Components{Bytes: []byte(strings.Join(leafFirst, "/") + "/"), Valid: true}}
}

// mkdir announces the pod's container, exec starts a process in it.
func mkdir(at uint64) *event.Event {
	ev := &event.Event{Type: event.CgroupMkdir, Time: at, PID: 1, Start: 10_000_000}
	ev.Task.Cgroup, ev.Task.CgroupPath = 777777, path(containerID, "pod"+podUID, "burstable", "kubepods")
	return ev
}

func exec(at uint64) *event.Event {
	ev := &event.Event{Type: event.Execve, Time: at, PID: 30, Start: second, ExecID: 1, Cgroup: 777777}
	ev.Task = event.Task{PID: 30, TID: 30, Start: second, ExecID: 1, ParentPID: 1, ParentStart: 10_000_000, Cgroup: 777777,
		Comm: "app", Argv: []byte("app\x00"), Exe: path("app", "bin"), CgroupPath: path(containerID, "pod"+podUID, "burstable", "kubepods"),
		Namespaces: event.Namespaces{Mount: podMount}}
	return ev
}

func open(at uint64) *event.Event {
	return &event.Event{Type: event.Openat, Time: at, PID: 30, Start: second, ExecID: 1, Cgroup: 777777}
}

// userName returns the name of user 0; the first time it may be read for longer
// than an event waits.
func userName(t *testing.T, ev *event.Event) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if a, ok := ev.Accounts.User(0); ok {
			return a.Name
		}
	}
	return ""
}

func TestApply(t *testing.T) {
	e, _ := newEnricher(t)
	ev := mkdir(5 * second)
	e.Apply(ev)
	if ev.Process == nil || ev.Image.Comm != "init" || ev.Container != nil {
		t.Errorf("who made the cgroup: %+v", ev.Image)
	}
	ev = exec(6 * second)
	e.Apply(ev)
	if ev.Container == nil || ev.Container.FullID != containerID || ev.Container.PodUID != podUID {
		t.Fatalf("container %+v", ev.Container)
	}
	if ev.Image.Comm != "app" || ev.Process.Image != ev.Image || ev.Image.Parent == nil || ev.Image.Parent.Comm != "init" {
		t.Errorf("image %+v", ev.Image)
	}
	if want := "/kubepods/burstable/pod" + podUID + "/" + containerID; ev.Image.CgroupPath != want {
		t.Errorf("cgroup path %q, want %q", ev.Image.CgroupPath, want)
	}
	if name := userName(t, ev); name != "app" {
		t.Errorf("user of the container: %q", name)
	}
	birth := open(7 * second)
	birth.Type = event.Clone
	birth.Task = event.Task{PID: 31, TID: 31, Start: 2 * second, ExecID: 1, ParentPID: 30, ParentStart: second, Cgroup: 777777}
	e.Apply(birth)
	child := open(8 * second)
	child.PID, child.Start = 31, 2*second
	e.Apply(child)
	if child.Container != ev.Container || child.Image.Parent != ev.Image {
		t.Errorf("child: container %+v, image %+v", child.Container, child.Image)
	}
	end := open(9 * second)
	end.Type = event.ProcExit
	e.Apply(end)
	if end.Image != ev.Image || end.Process.Ended != 9*second || end.Container != ev.Container {
		t.Errorf("end: %+v", end.Process)
	}
}

// TestMoved moves a process to another cgroup.
func TestMoved(t *testing.T) {
	e, root := newEnricher(t)
	e.Apply(exec(5 * second))
	ev := open(6 * second)
	ev.Cgroup = cgroupID(t, root, "system.slice/ssh.service") // known from the walk
	e.Apply(ev)
	if ev.Container != nil || ev.Process.Cgroup != ev.Cgroup {
		t.Errorf("on the host: %+v", ev.Container)
	}
	if name := userName(t, ev); name != "root" {
		t.Errorf("user of the host: %q", name)
	}
	ev = open(7 * second)
	e.Apply(ev)
	if ev.Container == nil {
		t.Error("moved back: no container")
	}
}

// TestUnknownCgroup asks /proc for the cgroup of a process, and asks again later.
func TestUnknownCgroup(t *testing.T) {
	e, root := newEnricher(t)
	ev := open(5 * second)
	ev.Cgroup = 888
	e.Apply(ev)
	if ev.Container != nil || e.Stats().Workload.Unknown != 1 {
		t.Errorf("container %+v, stats %+v", ev.Container, e.Stats().Workload)
	}
	files(t, root, map[string]string{"proc/30/cgroup": "0::/system.slice/docker-" + containerID + ".scope\n"})
	ev = open(5*second + 1)
	ev.Cgroup = 888
	e.Apply(ev)
	if ev.Container != nil {
		t.Error("asked again at once")
	}
	ev = open(7 * second)
	ev.Cgroup = 888
	e.Apply(ev)
	if ev.Container == nil || ev.Container.Runtime != "docker" {
		t.Errorf("container %+v", ev.Container)
	}
}

// TestRemoved removes the cgroup of a process that ended.
func TestRemoved(t *testing.T) {
	e, _ := newEnricher(t)
	e.Apply(exec(5 * second))
	rmdir := mkdir(6 * second)
	rmdir.Type = event.CgroupRmdir
	e.Apply(rmdir)
	ev := open(6*second + 1)
	e.Apply(ev)
	if ev.Container == nil {
		t.Error("a late event lost its container")
	}
	if e.Stats().Workload.Containers != 0 {
		t.Errorf("stats %+v", e.Stats().Workload)
	}
}

func TestSharedMounts(t *testing.T) {
	e, _ := newEnricher(t)
	ev := exec(5 * second)
	ev.Task.Namespaces.Mount = hostMount
	e.Apply(ev)
	if name := userName(t, ev); name != "root" {
		t.Errorf("a container with the host's mounts: %q", name)
	}
	ev = exec(6 * second)
	ev.ExecID, ev.Task.ExecID, ev.Task.Namespaces.Mount = 2, 2, 0
	e.Apply(ev)
	if ev.Accounts != nil {
		t.Error("names although the mount namespace is not known")
	}
}

// TestTrimmed has processes with more text than fits: each exec is whole, and what
// follows says that it is not.
func TestTrimmed(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	root := t.TempDir()
	files(t, root, map[string]string{"self/cgroup": "0::/\n"})
	e, err := New(Config{ProcRoot: root, CgroupRoot: root, MaxText: 1 << 20}, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	argv := []byte("app\x00" + strings.Repeat("x", 16000) + "\x00")
	for pid := uint32(100); pid < 200; pid++ {
		ev := exec(5 * second)
		ev.PID, ev.Task.PID, ev.Task.Argv = pid, pid, argv
		e.Apply(ev)
		if len(ev.Image.CmdLine) != 16004 || ev.Image.Trimmed {
			t.Fatalf("exec of %d sees %d bytes", pid, len(ev.Image.CmdLine))
		}
	}
	late := open(6 * second)
	late.PID = 199
	e.Apply(late)
	if !late.Image.Trimmed || !late.Image.ArgsCut || late.Process.Image != late.Image {
		t.Errorf("later: %+v", late.Image)
	}
	if s := e.Stats().Process; s.Trimmed == 0 || s.Text > 1<<20 {
		t.Errorf("stats %+v", s)
	}
	if logs.Len() != 1 {
		t.Errorf("logged %v", logs.All())
	}
}

func TestEveryEventIsComplete(t *testing.T) {
	e, _ := newEnricher(t)
	for typ := range event.TypeCount {
		ev := &event.Event{Type: event.Type(typ), Time: uint64(typ) * second, PID: 500 + uint32(typ), Start: 5}
		e.Apply(ev)
		if ev.Process == nil || ev.Image == nil {
			t.Errorf("%v: process %v, image %v", ev.Type, ev.Process, ev.Image)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	e, _ := newEnricher(t)
	e.Apply(exec(5 * second))
	for name, ev := range map[string]*event.Event{"container": open(6 * second), "host": {Type: event.Openat, Time: 6 * second, PID: 1, Start: 10_000_000}} {
		e.Apply(ev)
		if n := testing.AllocsPerRun(1000, func() { ev.Time++; e.Apply(ev) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		name string
		cfg  Config
		want string
	}{
		{"defaults", Config{}, ""},
		{"all", Config{ProcRoot: "proc", CgroupRoot: "cg", MaxProcesses: 3, MaxCgroups: 3, MaxNamespaces: -1, MaxText: 1, Grace: -1}, strings.Join([]string{
			`procRoot "proc": must be an absolute path`,
			`cgroupRoot "cg": must be an absolute path`,
			`maxProcesses 3: must be at least 16`,
			`maxCgroups 3: must be at least 16`,
			`maxNamespaces -1: must be at least 1`,
			`maxText 1: must be at least 1048576`,
			`grace -1ns: must not be negative`,
		}, "\n")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := tt.cfg.Validate(); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q\nwant %q", got, tt.want)
			}
		})
	}
	if _, err := New(Config{MaxProcesses: 1}, nil); err == nil {
		t.Error("New took a bad configuration")
	}
}

// TestThisMachine scans the real one.
func TestThisMachine(t *testing.T) {
	e, err := New(Config{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Scan(context.Background()); err != nil {
		t.Logf("not everything is there: %v", err)
	}
	if s := e.Stats(); s.Process.Processes < 2 {
		t.Errorf("stats %+v", s)
	}
}

func BenchmarkApply(b *testing.B) {
	e, _ := newEnricher(b)
	e.Apply(exec(5 * second))
	ev := open(6 * second)
	b.ReportAllocs()
	for b.Loop() {
		ev.Time++
		e.Apply(ev)
	}
	if ev.Container == nil {
		b.Fatal("no container")
	}
}

// BenchmarkBirth applies the life of a command: fork, exec, exit.
func BenchmarkBirth(b *testing.B) {
	e, _ := newEnricher(b)
	e.Apply(exec(5 * second))
	b.ReportAllocs()
	now := 6 * second
	for pid := uint32(100); b.Loop(); pid++ {
		now += second / 1000
		birth := open(now)
		birth.Type = event.Clone
		birth.Task = event.Task{PID: pid, TID: pid, Start: now, ExecID: 1, ParentPID: 30, ParentStart: second, Cgroup: 777777}
		e.Apply(birth)
		run := exec(now + 1)
		run.PID, run.Start, run.ExecID = pid, now, 2
		run.Task.PID, run.Task.Start, run.Task.ExecID = pid, now, 2
		e.Apply(run)
		end := open(now + 2)
		end.Type, end.PID, end.Start, end.ExecID = event.ProcExit, pid, now, 2
		e.Apply(end)
	}
	if s := e.Stats().Process; s.Bare != 0 || s.Shed != 0 {
		b.Fatalf("stats %+v", s)
	}
}
