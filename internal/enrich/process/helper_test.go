package process

import (
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/event"
)

const second = uint64(time.Second)

// machine makes events by hand, as the kernel side would send them.
type machine struct {
	t   testing.TB
	tab *Table
	now uint64
	ids map[uint32]uint32 // exec id by PID
}

// newMachine has an empty proc: nothing can be learned late.
func newMachine(t testing.TB, change ...func(*Config)) *machine {
	cfg := Config{ProcRoot: t.TempDir(), MaxProcesses: 1024, Grace: 5 * time.Second, Now: func() uint64 { return 0 }}
	for _, f := range change {
		f(&cfg)
	}
	tab := New(cfg)
	tab.runner.Wait = time.Minute // a slow machine is not a hanging file
	return &machine{t: t, tab: tab, now: 1000 * second, ids: map[uint32]uint32{}}
}

// start is when a process of a machine was born.
func start(pid uint32) uint64 { return 100*second + uint64(pid)*7 }

func (m *machine) event(typ event.Type, pid uint32) *event.Event {
	m.now++
	return &event.Event{Type: typ, Time: m.now, PID: pid, TID: pid, Start: start(pid), ExecID: m.ids[pid], UID: 7}
}

func (m *machine) apply(ev *event.Event) (*Entry, *event.Image) {
	m.t.Helper()
	var (
		e   *Entry
		img *event.Image
	)
	m.tab.Advance(ev.Time)
	switch {
	case ev.Type == event.Clone:
		e, img = m.tab.Fork(ev)
	case ev.Type == event.Execve:
		e, img = m.tab.Exec(ev, "/cg")
	case ev.Type == event.ProcExit:
		e, img = m.tab.Exit(ev)
	default:
		e, img = m.tab.Lookup(ev)
	}
	if e == nil || img == nil || e.Image == nil {
		m.t.Fatalf("%v of %d: process %v, image %v", ev.Type, ev.PID, e, img)
	}
	m.check()
	return e, img
}

func (m *machine) fork(parent, child uint32) *event.Event {
	ev := m.event(event.Clone, parent)
	ev.Task = event.Task{PID: child, TID: child, Start: start(child), ExecID: m.ids[parent], ParentPID: parent, ParentStart: start(parent), SID: 5}
	m.ids[child] = m.ids[parent]
	return ev
}

func (m *machine) exec(pid, parent uint32, argv ...string) *event.Event {
	ev := m.event(event.Execve, pid)
	m.ids[pid]++
	ev.ExecID = m.ids[pid]
	ev.Task = event.Task{
		PID: pid, TID: pid, Start: start(pid), ExecID: m.ids[pid], ParentPID: parent, ParentStart: start(parent),
		Comm: argv[0], Argv: []byte(strings.Join(argv, "\x00") + "\x00"), Filename: argv[0],
		Exe: event.Path{Resolved: event.Components{Bytes: []byte(argv[0] + "/bin/"), Valid: true}},
		Cwd: event.Path{Resolved: event.Components{Valid: true}},
	}
	return ev
}

// check holds that the table's parts agree.
func (m *machine) check() {
	m.t.Helper()
	if len(m.tab.slots) > 5000 {
		return // the large tests check at their end
	}
	count := 0
	for pid, e := range m.tab.pids {
		last := ^uint64(0)
		for ; e != nil; e = e.older {
			if e.PID != pid || e.Start > last || e.slot < 0 || m.tab.slots[e.slot] != e {
				m.t.Fatalf("process %d (start %d) is in the wrong place", e.PID, e.Start)
			}
			last = e.Start
			count++
		}
	}
	if count != len(m.tab.slots) || count > m.tab.cfg.MaxProcesses {
		m.t.Fatalf("%d processes by PID, %d slots, at most %d", count, len(m.tab.slots), m.tab.cfg.MaxProcesses)
	}
}

// chain returns the commands of an image and its ancestors.
func chain(img *event.Image) string {
	var names []string
	for ; img != nil; img = img.Parent {
		names = append(names, img.Comm)
	}
	return strings.Join(names, " < ")
}

// length returns how many images a chain holds.
func length(img *event.Image) int {
	n := 0
	for ; img != nil; img = img.Parent {
		n++
	}
	return n
}

// bootTime returns CLOCK_BOOTTIME.
func bootTime() uint64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic(err)
	}
	return uint64(ts.Nano())
}

// real makes a table of this machine's proc.
func real() *Table {
	t := New(Config{
		ProcRoot: "/proc", MaxProcesses: 65536, Grace: 5 * time.Second, Environ: true, Now: bootTime,
		CgroupPath: func(data []byte) (string, bool) { return string(data), len(data) > 0 },
	})
	t.runner.Wait = time.Minute // a slow machine is not a hanging file
	return t
}

// self returns an event of this test's own process.
func self(t testing.TB, tab *Table) *event.Event {
	s := tab.read(uint32(os.Getpid()))
	if s == nil {
		t.Fatal("this process is not in /proc")
	}
	return &event.Event{Type: event.Openat, Time: bootTime(), PID: uint32(os.Getpid()), TID: uint32(os.Getpid()), Start: s.start + 1234567, ExecID: 3}
}
