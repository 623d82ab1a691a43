package process

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/event"
)

// fakeProc is a process written as files.
type fakeProc struct {
	pid, ppid int
	comm      string
	state     string // R unless said
	threads   int    // 1 unless said
	ticks     int
	exe       string
	cmdline   string
}

func (p fakeProc) stat() string {
	state := p.state
	if state == "" {
		state = "R"
	}
	return fmt.Sprintf("%d (%s) %s %d 11 12 34818 -1 4194560 0 0 0 0 0 0 0 0 20 0 %d 0 %d 0 0\n",
		p.pid, p.comm, state, p.ppid, max(1, p.threads), p.ticks)
}

// writeProc makes a proc with these processes.
func writeProc(t testing.TB, root string, procs ...fakeProc) {
	t.Helper()
	for _, p := range procs {
		dir := filepath.Join(root, fmt.Sprint(p.pid))
		for _, d := range []string{"fd", "ns"} {
			if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		files := map[string]string{
			"stat": p.stat(),
			"status": "Name:\tx\nUid:\t1000\t1001\t1002\t1003\nGid:\t100\t101\t102\t103\nNSpid:\t" + fmt.Sprint(p.pid) + "\t7\nNSpgid:\t11\t3\n" +
				"CapInh:\t0000000000000001\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000000002\n",
			"loginuid": "1000",
			"cmdline":  p.cmdline,
			"environ":  "HOME=/root\x00A=\x00",
			"cgroup":   "0::/x\n",
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		links := map[string]string{
			"exe": p.exe, "cwd": "/work dir", "ns/mnt": "mnt:[4026531841]", "ns/net": "net:[4026531840]", "ns/pid": "broken",
			"fd/0": "/dev/null", "fd/1": "pipe:[123]", "fd/2": "socket:[5]",
		}
		for name, target := range links {
			if target == "" {
				continue
			}
			if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestReadProcess(t *testing.T) {
	root := t.TempDir()
	writeProc(t, root, fakeProc{pid: 42, ppid: 7, comm: "a) R (b", ticks: 12345, exe: "/bin/app (deleted)", cmdline: "app\x00-x\x00"})
	dir, err := openProcess(root, 42)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.close()
	s, err := readProcess(dir, &Config{Environ: true, CgroupPath: func(b []byte) (string, bool) { return string(b), true }})
	if err != nil {
		t.Fatal(err)
	}
	null, _ := statFile(dir, "fd/0")
	want := &snapshot{ppid: 7, start: 12345 * tick, img: event.Image{
		Start: 12345 * tick, Time: 12345 * tick, FromProc: true, Execed: true,
		Comm: "a) R (b", ExePath: "/bin/app", Deleted: true,
		Argv: event.WordsOf("app", "-x"), CmdLine: "a) R (b -x", Env: event.WordsOf("HOME=/root", "A="), Cwd: "/work dir",
		VPID: 7, PGID: 11, SID: 12, VPGID: 3, TTY: 136<<8 | 2,
		Creds: event.Creds{UID: 1000, EUID: 1001, GID: 100, EGID: 101, LoginUID: 1000,
			CapEffective: 2, CapPermitted: 0x1ffffffffff, CapInheritable: 1},
		Namespaces: event.Namespaces{Mount: 4026531841, Net: 4026531840},
		CgroupPath: "0::/x\n",
		Stdio:      [3]event.Stdio{{Kind: event.FileCharDevice, Name: "/dev/null"}, {Kind: event.FilePipe}, {Kind: event.FileSocket}},
	}}
	if null.Kind != event.FileCharDevice {
		t.Errorf("/dev/null is %+v", null)
	}
	if diff := cmp.Diff(want, s, cmp.AllowUnexported(snapshot{}), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func FuzzStat(f *testing.F) {
	f.Add([]byte("1 (init) S 0 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n"))
	f.Add([]byte("1 (a) b) R"))
	f.Add([]byte(")("))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s snapshot
		if err := s.parseStat(data); err == nil && s.start%tick != 0 {
			t.Errorf("start %d", s.start)
		}
		parseStatus(&s.img, data)
	})
}

// TestLate learns a process whose birth was lost.
func TestLate(t *testing.T) {
	m := newMachine(t)
	ticks := int(start(30) / tick)
	writeProc(t, m.tab.cfg.ProcRoot,
		fakeProc{pid: 20, ppid: 30, comm: "sh", ticks: ticks}, // a circle: its parent is its child
		fakeProc{pid: 30, ppid: 20, comm: "cat", ticks: ticks, cmdline: "cat\x00x\x00"})
	m.ids[30] = 4
	e, img := m.apply(m.event(event.Openat, 30))
	if img.CmdLine != "cat x" || !img.FromProc || img.ExecID != 4 || img.Start != start(30) || e.Start != start(30) || e.ParentPID != 20 {
		t.Errorf("process %+v, image %+v", e.Process, img)
	}
	if s := m.tab.Stats(); s.Late != 1 || s.Bare != 0 {
		t.Errorf("stats %+v", s)
	}
	if length(img) > 2*event.MaxLineage {
		t.Error("the circle was followed")
	}
}

// TestLateMismatch finds another process with the PID in /proc.
func TestLateMismatch(t *testing.T) {
	m := newMachine(t)
	writeProc(t, m.tab.cfg.ProcRoot, fakeProc{pid: 30, ppid: 0, comm: "other", ticks: int(start(30)/tick) + 3})
	if _, img := m.apply(m.event(event.Openat, 30)); img.Comm != "" || img.FromProc {
		t.Errorf("image %+v", img)
	}
}

// TestLateRetry has a process appear in /proc after it was not found.
func TestLateRetry(t *testing.T) {
	m := newMachine(t)
	m.apply(m.event(event.Openat, 30))
	writeProc(t, m.tab.cfg.ProcRoot, fakeProc{pid: 30, ppid: 0, comm: "cat", ticks: int(start(30) / tick)})
	if _, img := m.apply(m.event(event.Openat, 30)); img.Comm != "" {
		t.Error("asked again at once")
	}
	m.now += second
	if _, img := m.apply(m.event(event.Openat, 30)); img.Comm != "cat" {
		t.Errorf("not asked again: %+v", img)
	}
}

// TestLostExec has an event with an exec id that no exec announced.
func TestLostExec(t *testing.T) {
	m := newMachine(t)
	m.apply(m.exec(10, 1, "sh"))
	m.apply(m.fork(10, 30))
	writeProc(t, m.tab.cfg.ProcRoot, fakeProc{pid: 30, ppid: 1, comm: "cat", ticks: int(start(30) / tick)})
	m.ids[30]++
	if _, img := m.apply(m.event(event.Openat, 30)); chain(img) != "cat < sh" || !img.FromProc || img.ExecID != m.ids[30] {
		t.Errorf("chain %s, image %+v", chain(img), img)
	}
	// Its record comes after all.
	m.ids[30]--
	m.apply(m.exec(30, 10, "cat", "x"))
	if _, img := m.apply(m.event(event.Openat, 30)); img.CmdLine != "cat x" || img.FromProc || chain(img) != "cat < sh" {
		t.Errorf("image %+v", img)
	}
	// Lost, and gone from /proc.
	if err := os.RemoveAll(filepath.Join(m.tab.cfg.ProcRoot, "30")); err != nil {
		t.Fatal(err)
	}
	m.ids[30]++
	if _, img := m.apply(m.event(event.Openat, 30)); chain(img) != " < sh" || img.ExecID != m.ids[30] {
		t.Errorf("chain %s, image %+v", chain(img), img)
	}
}

// TestOrphan ends a parent: the child's parent is then who took over, and its
// lineage stays.
func TestOrphan(t *testing.T) {
	m := newMachine(t)
	m.apply(m.exec(1, 0, "init"))
	m.apply(m.exec(10, 1, "sh"))
	m.apply(m.fork(10, 30))
	m.apply(m.event(event.ProcExit, 10))
	root, ticks := m.tab.cfg.ProcRoot, int(start(30)/tick)
	writeProc(t, root, fakeProc{pid: 30, ppid: 10, comm: "sh", ticks: ticks}) // not handed on yet
	if e, _ := m.apply(m.event(event.Openat, 30)); e.ParentPID != 10 {
		t.Errorf("parent %d", e.ParentPID)
	}
	if err := os.RemoveAll(filepath.Join(root, "30")); err != nil {
		t.Fatal(err)
	}
	writeProc(t, root, fakeProc{pid: 30, ppid: 1, comm: "sh", ticks: ticks})
	if e, _ := m.apply(m.event(event.Openat, 30)); e.ParentPID != 10 {
		t.Error("asked again at once")
	}
	m.now += reparentAfter
	e, img := m.apply(m.event(event.Openat, 30))
	if e.ParentPID != 1 || chain(img) != "sh < sh < init" || img.Parent.PID != 10 {
		t.Errorf("parent %d, chain %s", e.ParentPID, chain(img))
	}
	if err := os.RemoveAll(filepath.Join(root, "30")); err != nil {
		t.Fatal(err)
	}
	m.now += reparentAfter
	if e, _ := m.apply(m.event(event.Openat, 30)); e.ParentPID != 1 {
		t.Error("asked although the new parent lives")
	}
}

// TestThrottled has more unknown processes than may be read in a second.
func TestThrottled(t *testing.T) {
	m := newMachine(t)
	for pid := uint32(1); pid <= readsPerSecond+50; pid++ {
		p := fakeProc{pid: int(pid), comm: "p", ticks: int(start(pid) / tick)}
		dir := filepath.Join(m.tab.cfg.ProcRoot, fmt.Sprint(pid))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "stat"), []byte(p.stat()), 0o644); err != nil {
			t.Fatal(err)
		}
		m.apply(m.event(event.Openat, pid))
	}
	if s := m.tab.Stats(); s.Late != readsPerSecond || s.Throttled != 50 {
		t.Errorf("stats %+v", s)
	}
	m.now += second
	if _, img := m.apply(m.event(event.Openat, readsPerSecond+10)); img.Comm != "p" {
		t.Error("not read in the next second")
	}
}

// TestRealSelf reads this very process.
func TestRealSelf(t *testing.T) {
	tab := real()
	e, img := tab.Lookup(self(t, tab))
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cwd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if img.ExePath != exe || img.Cwd != cwd || int(e.ParentPID) != os.Getppid() || int(img.Creds.EUID) != os.Geteuid() {
		t.Errorf("process %+v, image %+v", e.Process, img)
	}
	if diff := cmp.Diff(os.Args, img.Argv.List()); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	var st unix.Stat_t
	if err := unix.Stat(exe, &st); err != nil || st.Ino != img.Exe.Ino || img.Exe.Kind != event.FileRegular {
		t.Errorf("executable %+v, inode %d (%v)", img.Exe, st.Ino, err)
	}
	if img.Parent == nil || int(img.Parent.PID) != os.Getppid() {
		t.Errorf("parent %+v", img.Parent)
	}
	if len(img.Env) == 0 || img.CgroupPath == "" || img.Namespaces.Mount == 0 || img.Namespaces.PID == 0 {
		t.Errorf("image %+v", img)
	}
	if !strings.HasPrefix(img.CmdLine, img.Comm+" ") {
		t.Errorf("command line %q", img.CmdLine)
	}
}

// TestHanging reads a process that does not answer.
func TestHanging(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	m := newMachine(t, func(c *Config) {
		c.CgroupPath = func([]byte) (string, bool) { <-release; return "", false }
	})
	m.tab.runner.Wait = time.Millisecond
	for pid := uint32(30); pid < 50; pid++ {
		writeProc(t, m.tab.cfg.ProcRoot, fakeProc{pid: int(pid), comm: "evil", ticks: int(start(pid) / tick)})
		if _, img := m.apply(m.event(event.Openat, pid)); img.FromProc {
			t.Errorf("image %+v", img)
		}
	}
	if n := m.tab.runner.Late(); n != int(m.tab.runner.Limit) {
		t.Errorf("%d readings hang, want %d", n, m.tab.runner.Limit)
	}
	if s := m.tab.Stats(); s.Stuck != 8 || s.Throttled != 12 || s.Bare != 20 {
		t.Errorf("stats %+v", s)
	}
}
