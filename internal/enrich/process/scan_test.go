package process

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"github.com/goshawk-security/goshawk/internal/event"
)

func scan(t *testing.T, tab *Table) {
	t.Helper()
	if err := tab.Scan(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestScan(t *testing.T) {
	m := newMachine(t)
	ticks := int(start(0) / tick)
	writeProc(t, m.tab.cfg.ProcRoot,
		fakeProc{pid: 1, comm: "init", ticks: 1},
		fakeProc{pid: 2, ppid: 0, comm: "kthreadd", ticks: 1},
		fakeProc{pid: 10, ppid: 500, comm: "sh", ticks: ticks}, // its parent has the larger number
		fakeProc{pid: 500, ppid: 1, comm: "sshd", ticks: 5},
		fakeProc{pid: 600, ppid: 1, comm: "dead", state: "Z", ticks: 5},
		fakeProc{pid: 601, ppid: 1, comm: "leaderless", state: "Z", threads: 3, ticks: 5},
	)
	scan(t, m.tab)
	if s := m.tab.Stats(); s.Scanned != 4 || s.Processes != 5 {
		t.Errorf("stats %+v", s) // sshd came as a parent
	}
	e, img := m.apply(m.event(event.Openat, 10))
	if chain(img) != "sh < sshd < init" || e.Start != start(10) || img.Start != start(10) || !img.FromProc {
		t.Errorf("chain %s, %+v", chain(img), e.Process)
	}
	if m.tab.find(600, 0) != nil || m.tab.find(601, 0) == nil {
		t.Error("zombies: only a leader whose threads live belongs in the table")
	}
	before := m.tab.Stats().Processes
	scan(t, m.tab)
	if s := m.tab.Stats(); s.Processes != before {
		t.Errorf("scanned twice: %+v", s)
	}
}

func TestScanCancelled(t *testing.T) {
	m := newMachine(t)
	writeProc(t, m.tab.cfg.ProcRoot, fakeProc{pid: 1, comm: "init"})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := m.tab.Scan(ctx); err == nil {
		t.Error("no error")
	}
}

// TestScanAndEvents has /proc and events tell of the same processes, in both
// orders.
func TestScanAndEvents(t *testing.T) {
	for _, eventsFirst := range []bool{true, false} {
		t.Run("events first="+strconv.FormatBool(eventsFirst), func(t *testing.T) {
			var m *machine
			var began uint64
			m = newMachine(t, func(c *Config) { c.Now = func() uint64 { return began } })
			tick10, tick20 := int(start(10)/tick), int(start(20)/tick)
			writeProc(t, m.tab.cfg.ProcRoot,
				fakeProc{pid: 1, comm: "init", ticks: 1},
				fakeProc{pid: 10, ppid: 1, comm: "bash", ticks: tick10},
				fakeProc{pid: 20, ppid: 10, comm: "later", ticks: tick20}, // what it runs at the scan
			)
			birth := m.fork(10, 20)
			between := m.event(event.Openat, 20)
			exec1 := m.exec(20, 10, "first")
			after1 := m.event(event.Openat, 20)
			exec2 := m.exec(20, 10, "later")
			began = m.now + 1
			m.now = began
			after2 := m.event(event.Openat, 20)

			if !eventsFirst {
				scan(t, m.tab)
			}
			m.apply(birth)
			if eventsFirst {
				scan(t, m.tab)
			}
			if _, img := m.apply(between); img.Comm != "bash" || img.FromProc || img.Execed {
				t.Errorf("between birth and exec: %+v", img)
			}
			m.apply(exec1)
			if _, img := m.apply(after1); chain(img) != "first < bash < init" {
				t.Errorf("after the first exec: %s", chain(img))
			}
			m.apply(exec2)
			if _, img := m.apply(after2); chain(img) != "later < bash < init" || img.FromProc {
				t.Errorf("after the second: %s", chain(img))
			}
		})
	}
}

// TestScanPins gives a scanned image the exec id of the first event after the
// scan, and not of one before.
func TestScanPins(t *testing.T) {
	m := newMachine(t, func(c *Config) { c.Now = func() uint64 { return 2000 * second } })
	writeProc(t, m.tab.cfg.ProcRoot, fakeProc{pid: 10, comm: "app", ticks: int(start(10) / tick)})
	scan(t, m.tab)
	m.ids[10] = 6
	m.apply(m.event(event.Openat, 10))
	m.ids[10] = 7
	exec := m.exec(10, 1, "new") // waiting in the ring while the scan went on
	exec.ExecID, exec.Task.ExecID, m.ids[10] = 7, 7, 7
	m.apply(exec)
	m.now = 2001 * second
	if _, img := m.apply(m.event(event.Openat, 10)); img.Comm != "new" || m.tab.Stats().Bare != 0 {
		t.Errorf("image %+v, stats %+v", img, m.tab.Stats())
	}
}

// TestForkStorm starts processes while Scan reads the real /proc: those that
// started before capture was attached have no event, the others have one, which
// waits until the scan is over.
func TestForkStorm(t *testing.T) {
	tab := real()
	var (
		wg       sync.WaitGroup
		attached = make(chan struct{})
		stop     = make(chan struct{})
		births   []*event.Event
		children []uint32
	)
	wg.Go(func() {
		own := self(t, tab)
		for i := 0; ; i++ {
			pid, ok := child(t)
			if !ok {
				return
			}
			children = append(children, pid)
			select {
			case <-attached:
				births = append(births, birth(t, tab, own, pid))
			default:
				if i == 30 {
					close(attached)
				}
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	<-attached
	for range 3 { // several passes, so that births fall into them
		scan(t, tab)
	}
	close(stop)
	wg.Wait()
	if len(births) == 0 {
		t.Fatal("nothing was born during the scan")
	}
	for _, ev := range births {
		tab.Fork(ev)
	}
	for _, pid := range children {
		e := tab.pids[pid]
		if e == nil || e.bare {
			t.Errorf("child %d is not in the table", pid)
			continue
		}
		if e.older != nil {
			t.Errorf("child %d is there twice", pid)
		}
		if e.Image.Parent == nil || int(e.Image.Parent.PID) != os.Getpid() {
			t.Errorf("child %d: parent %+v", pid, e.Image.Parent)
		}
	}
	for _, ev := range births {
		if e := tab.find(ev.Task.PID, ev.Task.Start); e == nil || e.approx {
			t.Errorf("child %d has no exact start time", ev.Task.PID)
		}
	}
	t.Logf("%d children, %d births seen, stats %+v", len(children), len(births), tab.Stats())
}

// child starts a process that lives until the test ends.
func child(t *testing.T) (uint32, bool) {
	cmd := exec.Command("/bin/cat")
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Error(err)
		return 0, false
	}
	t.Cleanup(func() {
		in.(io.Closer).Close()
		cmd.Wait()
	})
	return uint32(cmd.Process.Pid), true
}

// birth is what the kernel side would have sent of a child: its exact start time
// is somewhere within the tick that /proc shows.
func birth(t *testing.T, tab *Table, own *event.Event, pid uint32) *event.Event {
	dir, err := openProcess("/proc", pid)
	if err != nil {
		t.Error(err)
		return own
	}
	defer dir.close()
	s, err := readProcess(dir, &tab.cfg)
	if err != nil {
		t.Error(err)
		return own
	}
	ev := *own
	ev.Type, ev.Time = event.Clone, bootTime()
	ev.Task = event.Task{PID: pid, TID: pid, Start: s.start + 3456789, ExecID: own.ExecID, ParentPID: own.PID, ParentStart: own.Start}
	return &ev
}
