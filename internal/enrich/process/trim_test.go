package process

import (
	"bytes"
	"net/netip"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/enrich/budget"
	"github.com/goshawk-security/goshawk/internal/event"
)

// heap returns what is alive.
func heap() int64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.GC() // what cleanups held
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// flood makes an exec of a new process with 16 KiB of arguments.
func flood(m *machine, pid uint32, argv []byte) *event.Event {
	ev := m.exec(pid, 1, "x")
	ev.Task.Argv = argv
	return ev
}

// TestExecStorm has 100,000 processes with 16 KiB of arguments each, some of them
// in words of one letter.
func TestExecStorm(t *testing.T) {
	const limit = 8 << 20
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // a small heap is collected all the time
	tests := []struct {
		name  string
		execs uint32
		ends  bool // each ends at once, so that the table fills with ended ones
	}{{"living", 100_000, false}, {"ending", 10_000, true}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t, func(c *Config) { c.MaxProcesses, c.Text = 4096, budget.New(limit) })
			letters, words := bytes.Repeat([]byte("x\x00"), 8192), bytes.Repeat([]byte(strings.Repeat("y", 255)+"\x00"), 64)
			before := heap()
			for pid := uint32(2); pid < tt.execs+2; pid++ {
				m.now += second / 1000
				argv, count := words, 64
				if pid%64 == 0 {
					argv, count = letters, 8192
				}
				ev := flood(m, pid, argv)
				m.tab.Advance(ev.Time)
				if _, img := m.tab.Exec(ev, ""); len(img.CmdLine) != 1+len(argv)-len(argv)/count || img.Argv.Len() != count || img.Trimmed {
					t.Fatalf("exec %d does not see its whole command line: %d bytes", pid, len(img.CmdLine))
				}
				if tt.ends {
					m.tab.Advance(m.now)
					m.tab.Exit(m.event(event.ProcExit, pid))
				}
				delete(m.ids, pid)
			}
			const structs = 4096 * (2*1024 + 512) // of 4096 processes: entries, images, maps
			if grown := heap() - before; grown > limit+structs {
				t.Errorf("the heap grew by %d KiB", grown>>10)
			}
			if s := m.tab.Stats(); s.Trimmed < uint64(tt.execs)*8/10 || s.Text > limit {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

func TestTrim(t *testing.T) {
	m := newMachine(t, func(c *Config) { c.Text = budget.New(1 << 20) })
	m.apply(m.exec(5, 1, "small", "one"))
	m.apply(m.exec(10, 5, "parent", strings.Repeat("p", 1000)))
	_, parent := m.apply(m.event(event.Openat, 10))
	if parent.Trimmed || len(parent.CmdLine) < 1000 {
		t.Fatalf("trimmed although there is room: %+v", parent)
	}
	filler := strings.Repeat("f", 1<<20)
	m.tab.cfg.Text.Text(filler)

	m.apply(m.fork(10, 20))
	ev := m.exec(20, 10, "app", "-x", strings.Repeat("y", 2000), "last")
	ev.Task.Environ = []byte("A=b\x00")
	ev.Task.Cwd.Resolved = event.Components{Bytes: []byte(strings.Repeat("d", 200) + "/" + strings.Repeat("e", 200) + "/" + strings.Repeat("f", 200) + "/"), Valid: true}
	_, whole := m.apply(ev)
	if whole.Argv.Len() != 4 || whole.Env == "" || whole.Trimmed || whole.ArgsCut {
		t.Errorf("its own event: %+v", whole)
	}
	_, img := m.apply(m.event(event.Openat, 20))
	if img == whole || !img.Trimmed || !img.ArgsCut || img.Env != "" || len(img.Argv) > keptArgv || len(img.Cwd) != keptPath {
		t.Errorf("the event after it: %+v", img)
	}
	if want := "app " + img.Argv.List()[1] + " "; !strings.HasPrefix(img.CmdLine, want) || len(img.CmdLine) > keptArgv+16 {
		t.Errorf("command line %q, want it to begin with %q", img.CmdLine, want)
	}
	want := *whole
	want.Argv, want.CmdLine, want.Env, want.Cwd, want.ArgsCut, want.Trimmed = img.Argv, img.CmdLine, "", img.Cwd, true, true
	if diff := cmp.Diff(want, *img, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Errorf("the rest differs (-want +got):\n%s", diff)
	}
	if img.Parent != parent {
		t.Error("another parent")
	}
	if _, again := m.apply(m.event(event.Openat, 20)); again != img {
		t.Error("trimmed twice")
	}
	m.apply(m.fork(20, 30))
	if _, child := m.apply(m.event(event.Openat, 30)); child.Parent != img || child.CmdLine != img.CmdLine {
		t.Errorf("a child: %+v", child)
	}
	if _, small := m.apply(m.event(event.Openat, 5)); small.Trimmed {
		t.Error("a short command line was trimmed")
	}
	// An ended process is trimmed too, after its end was handled.
	if _, last := m.apply(m.event(event.ProcExit, 10)); last != parent {
		t.Errorf("the end: %+v", last)
	}
	if _, late := m.apply(m.event(event.Openat, 10)); !late.Trimmed || late.Comm != "parent" {
		t.Errorf("after the end: %+v", late)
	}
	runtime.KeepAlive(filler)
}

func TestCutArgv(t *testing.T) {
	tests := []struct {
		name string
		argv event.Words
		keep int
		want []string
	}{
		{"between", event.WordsOf("ab", "cd", "ef"), 6, []string{"ab", "cd"}},
		{"within", event.WordsOf("ab", "cd", "ef"), 5, []string{"ab", "cd"}},
		{"long name", event.WordsOf("abcdefghij", "-c", "x"), 8, []string{"abcd", "-c"}},
		{"one", event.WordsOf("abcdefghij"), 8, []string{"abcd"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := cutArgv(tt.argv, tt.keep)
			if len(got) > tt.keep || !slices.Equal(got.List(), tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
