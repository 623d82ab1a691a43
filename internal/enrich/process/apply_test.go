package process

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"
)

func TestStory(t *testing.T) {
	m := newMachine(t)
	m.apply(m.exec(10, 1, "sshd", "-D"))
	e, img := m.apply(m.fork(10, 20))
	if e.PID != 10 || img.Comm != "sshd" {
		t.Errorf("a birth is reported of %d, %s; want the parent", e.PID, img.Comm)
	}
	e, img = m.apply(m.event(event.Openat, 20))
	if img.Comm != "sshd" || img.Execed || img.PID != 20 || img.SID != 5 || chain(img) != "sshd < sshd" {
		t.Errorf("the child before its exec: %+v", img)
	}
	if e.ParentPID != 10 {
		t.Errorf("parent %d", e.ParentPID)
	}
	m.apply(m.exec(20, 10, "bash", "-l"))
	m.apply(m.fork(20, 30))
	ev := m.exec(30, 20, "cat", "a b", "", "/etc/shadow")
	_, img = m.apply(ev)
	if chain(img) != "cat < bash < sshd" || !img.Execed {
		t.Errorf("chain %s", chain(img))
	}
	if diff := cmp.Diff([]string{"cat", "a b", "", "/etc/shadow"}, img.Argv.List()); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	if img.CmdLine != "cat a b  /etc/shadow" || img.ExePath != "/bin/cat" || img.Cwd != "/" || img.CgroupPath != "/cg" || img.ArgsCut {
		t.Errorf("image %+v", img)
	}
	for i := range ev.Task.Argv {
		ev.Task.Argv[i] = 'X'
	}
	if img.Argv.List()[3] != "/etc/shadow" {
		t.Error("the arguments are borrowed")
	}

	// The lineage is frozen: what the parent does next does not change it.
	m.apply(m.exec(20, 10, "vim"))
	m.apply(m.event(event.ProcExit, 10))
	if _, now := m.apply(m.event(event.Openat, 30)); now != img || chain(now) != "cat < bash < sshd" {
		t.Errorf("later: chain %s", chain(now))
	}
}

func TestOlderImages(t *testing.T) {
	m := newMachine(t)
	m.apply(m.exec(10, 1, "one"))
	var late []*event.Event
	for _, name := range []string{"two", "three", "four"} {
		late = append(late, m.event(event.Openat, 10))
		m.apply(m.exec(10, 1, name))
	}
	for i, want := range []string{"", "two", "three"} {
		if _, img := m.apply(late[i]); img.Comm != want {
			t.Errorf("the event of image %d got %q, want %q", i+1, img.Comm, want)
		}
	}
	if _, img := m.apply(m.event(event.Openat, 10)); img.Comm != "four" {
		t.Errorf("the current image is %q", img.Comm)
	}
}

func TestExecIDWraps(t *testing.T) {
	m := newMachine(t)
	m.ids[10] = ^uint32(0) - 1
	m.apply(m.exec(10, 1, "one"))
	m.apply(m.exec(10, 1, "two"))
	if _, img := m.apply(m.event(event.Openat, 10)); img.Comm != "two" || img.ExecID != 0 {
		t.Errorf("image %q, exec id %d", img.Comm, img.ExecID)
	}
}

// TestVforkOrder applies a child's exec before its birth.
func TestVforkOrder(t *testing.T) {
	m := newMachine(t)
	m.apply(m.exec(10, 1, "make"))
	birth := m.fork(10, 20)
	before := m.event(event.Openat, 20)
	exec := m.exec(20, 10, "cc")
	if _, img := m.apply(exec); chain(img) != "cc < make" {
		t.Errorf("chain %s", chain(img))
	}
	m.apply(birth)
	if _, img := m.apply(m.event(event.Openat, 20)); chain(img) != "cc < make" {
		t.Errorf("after the birth: %s", chain(img))
	}
	if _, img := m.apply(before); img.Execed || chain(img) != "make < make" {
		t.Errorf("between birth and exec: %+v", img)
	}
}

// TestEventBeforeBirth applies an event of the child before its birth, when
// /proc does not have it any more.
func TestEventBeforeBirth(t *testing.T) {
	m := newMachine(t)
	m.apply(m.exec(10, 1, "make"))
	birth := m.fork(10, 20)
	if _, img := m.apply(m.event(event.Openat, 20)); img.Comm != "" || img.PID != 20 || img.Creds.EUID != 7 || img.FromProc {
		t.Errorf("bare image %+v", img)
	}
	m.apply(birth)
	if _, img := m.apply(m.event(event.Openat, 20)); chain(img) != "make < make" {
		t.Errorf("chain %s", chain(img))
	}
}

func TestThreadIsNoChild(t *testing.T) {
	m := newMachine(t)
	m.apply(m.exec(10, 1, "app"))
	ev := m.fork(10, 10)
	ev.Task.TID = 11
	m.apply(ev)
	if s := m.tab.Stats(); s.Processes != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestDuplicates(t *testing.T) {
	m := newMachine(t)
	exec := m.exec(10, 1, "app")
	_, first := m.apply(exec)
	if _, again := m.apply(exec); again != first {
		t.Error("the same exec twice made two images")
	}
	end := m.event(event.ProcExit, 10)
	e, _ := m.apply(end)
	ended := e.Ended
	end.Time += 5
	if e, _ := m.apply(end); e.Ended != ended || ended != end.Time-5 {
		t.Errorf("ended at %d, then %d", ended, e.Ended)
	}
	if s := m.tab.Stats(); s.DuplicateEnds != 1 || s.Ended != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestReaped(t *testing.T) {
	m := newMachine(t)
	m.apply(m.exec(10, 1, "app"))
	m.apply(m.event(event.ProcExit, 10))
	late := m.event(event.Openat, 10)
	m.now += 5*second - 10
	m.apply(m.event(event.Openat, 99))
	if _, img := m.apply(late); img.Comm != "app" {
		t.Errorf("within the grace period: %q", img.Comm)
	}
	m.now += second
	m.apply(m.event(event.Openat, 99))
	if m.tab.find(10, start(10)) != nil {
		t.Error("still there after the grace period")
	}
}

func TestExitOfUnknown(t *testing.T) {
	m := newMachine(t)
	if e, img := m.apply(m.event(event.ProcExit, 10)); e.Ended == 0 || img.PID != 10 {
		t.Errorf("%+v", e)
	}
	m.now += 6 * second
	m.apply(m.event(event.Openat, 99))
	if m.tab.find(10, 0) != nil {
		t.Error("never reaped")
	}
}

// TestReusedPID gives a PID to another process, the end of the first being lost.
func TestReusedPID(t *testing.T) {
	m := newMachine(t)
	m.apply(m.exec(5, 1, "shell"))
	m.apply(m.exec(10, 1, "old"))
	old := m.event(event.Openat, 10)
	birth := m.fork(5, 10)
	birth.Task.Start += 50 * second
	m.apply(birth)
	now := m.event(event.Openat, 10)
	now.Start, now.ExecID = birth.Task.Start, birth.Task.ExecID
	if _, img := m.apply(now); img.Comm != "shell" {
		t.Errorf("the new process is %q", img.Comm)
	}
	if e, img := m.apply(old); img.Comm != "old" || e.Ended == 0 {
		t.Errorf("the old process is %q, ended %d", img.Comm, e.Ended)
	}
	if s := m.tab.Stats(); s.MissedEnds != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestMemfd(t *testing.T) {
	m := newMachine(t)
	ev := m.exec(10, 1, "x")
	ev.Task.Exe.Resolved = event.Components{Bytes: []byte("memfd:payload/"), Valid: true, Detached: true, Deleted: true}
	if _, img := m.apply(ev); !img.Memfd || !img.Deleted || img.ExePath != "/memfd:payload" {
		t.Errorf("image %+v", img)
	}
	ev = m.exec(10, 1, "x")
	ev.Task.Exe.Resolved = event.Components{Bytes: []byte("memfd:payload/tmp/"), Valid: true}
	if _, img := m.apply(ev); img.Memfd || img.ExePath != "/tmp/memfd:payload" {
		t.Errorf("a file of that name: %+v", img)
	}
}

func TestArgsCut(t *testing.T) {
	m := newMachine(t)
	ev := m.exec(10, 1, "x")
	ev.Task.Argv = []byte("x\x00long argum")
	if _, img := m.apply(ev); !img.ArgsCut || img.Argv.Len() != 2 || img.CmdLine != "x long argum" {
		t.Errorf("image %+v", img)
	}
	ev = m.exec(10, 1, "x", "y") // cut between two arguments
	ev.Task.ArgvCut = true
	if _, img := m.apply(ev); !img.ArgsCut || img.CmdLine != "x y" {
		t.Errorf("image %+v", img)
	}
}

// TestDoubleForks makes a chain of processes each of which forks and ends.
func TestDoubleForks(t *testing.T) {
	const births = 60_000
	m := newMachine(t, func(c *Config) { c.MaxProcesses = 65536 })
	m.apply(m.exec(1, 0, "init"))
	m.apply(m.exec(2, 1, "worm"))
	heap := func() uint64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	var early uint64
	for pid := uint32(2); pid < births; pid++ {
		m.tab.Fork(m.fork(pid, pid+1))
		m.tab.Exit(m.event(event.ProcExit, pid))
		delete(m.ids, pid)
		m.now += second / 100
		m.tab.Advance(m.now)
		if pid == births/3 {
			early = heap()
		}
	}
	if late := heap(); late > early+4<<20 {
		t.Errorf("memory grew from %d to %d bytes", early, late)
	}
	_, img := m.apply(m.event(event.Openat, births))
	if n := length(img); n < event.MaxLineage || n > 2*event.MaxLineage {
		t.Errorf("the chain holds %d images", n)
	}
	if img.Ancestor(event.MaxLineage-1) == nil {
		t.Error("fewer ancestors than can be asked for")
	}
	for n := range event.MaxLineage {
		if a := img.Ancestor(n); a.PID != births-uint32(n) {
			t.Fatalf("ancestor %d is %d", n, a.PID)
		}
	}
}

// TestManyChildrenOfDeep forks many children at the end of a long chain: they
// share what is cut.
func TestManyChildrenOfDeep(t *testing.T) {
	m := newMachine(t)
	m.apply(m.exec(1, 0, "init"))
	for pid := uint32(1); pid < 200; pid++ {
		m.apply(m.fork(pid, pid+1))
		if n := length(m.tab.find(pid+1, 0).Image); n > 2*event.MaxLineage {
			t.Fatalf("%d images", n)
		}
		m.apply(m.fork(pid, 1000+pid))
		if a, b := m.tab.find(pid+1, 0).Image, m.tab.find(1000+pid, 0).Image; a.Parent != b.Parent {
			t.Fatalf("children of %d have copies of their own", pid)
		}
	}
}

func TestShed(t *testing.T) {
	m := newMachine(t, func(c *Config) { c.MaxProcesses = 64 })
	m.apply(m.exec(1, 0, "init"))
	for pid := uint32(2); pid < 40; pid++ {
		m.apply(m.fork(1, pid))
	}
	for pid := uint32(2); pid < 10; pid++ {
		m.apply(m.event(event.ProcExit, pid))
	}
	for pid := uint32(100); pid < 125; pid++ {
		m.apply(m.event(event.Openat, pid)) // bare
	}
	for pid := uint32(40); pid < 300; pid++ {
		m.apply(m.event(event.Openat, 39)) // stays in use
		m.apply(m.fork(1, pid+1000))
	}
	s := m.tab.Stats()
	if s.ShedEnded != 8 || s.Shed == 0 || s.Processes != 64 {
		t.Errorf("stats %+v", s)
	}
	if m.tab.find(1, 0) == nil || m.tab.find(39, 0) == nil {
		t.Error("a process with events was shed")
	}
	if m.tab.find(1299, 0) == nil {
		t.Error("the newest was shed")
	}
}

// TestBareFlood has events of ten thousand processes that nobody knows.
func TestBareFlood(t *testing.T) {
	m := newMachine(t)
	for pid := uint32(1); pid <= 20; pid++ {
		m.apply(m.exec(pid, 1, fmt.Sprint("p", pid)))
	}
	for pid := uint32(100); pid < 10_100; pid++ {
		m.apply(m.event(event.Openat, pid))
	}
	if s := m.tab.Stats(); s.Processes > 20+m.tab.maxBare() || s.Shed != 0 || s.Bare != 10_000 {
		t.Errorf("stats %+v", s)
	}
	for pid := uint32(1); pid <= 20; pid++ {
		if _, img := m.apply(m.event(event.Openat, pid)); img.Comm != fmt.Sprint("p", pid) {
			t.Fatalf("process %d became %q", pid, img.Comm)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	m := newMachine(t)
	m.apply(m.exec(10, 1, "app"))
	ev := m.event(event.Openat, 10)
	if n := testing.AllocsPerRun(1000, func() {
		ev.Time++
		m.tab.Advance(ev.Time)
		m.tab.Lookup(ev)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkLookup(b *testing.B) {
	m := newMachine(b, func(c *Config) { c.MaxProcesses = 65536 })
	var evs []*event.Event
	for pid := uint32(1); pid <= 1000; pid++ {
		m.tab.Exec(m.exec(pid, 1, "app"), "")
		evs = append(evs, m.event(event.Openat, pid))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, img := m.tab.Lookup(evs[i%len(evs)]); img.Comm != "app" {
			b.Fatal("wrong image")
		}
		i++
	}
}
