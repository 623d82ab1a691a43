package capture_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"

	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/decode"
	"github.com/goshawk-security/goshawk/internal/event"
)

// actorVariable names the behaviour that a copy of the test binary shows: the
// agent's own process is not reported, so somebody else has to do it.
const actorVariable = "GOSHAWK_TEST_ACTOR"

func TestMain(m *testing.M) {
	if name := os.Getenv(actorVariable); name != "" {
		if err := actors[name](os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// seen is what a test keeps of an event.
type seen struct {
	event.Event // without what it borrows
	Names       []event.Name
	Given       string
	Second      event.Name
	Argv        string
	Environ     string
	Exe, Cwd    string
	CgroupPath  string
	Comm        string
}

func keep(ev *event.Event) seen {
	s := seen{Event: *ev, Given: string(ev.Path.Given), Argv: string(ev.Task.Argv), Environ: string(ev.Task.Environ), Comm: strings.Clone(ev.Task.Comm)}
	for i := range ev.Names() {
		ev.SelectName(i)
		n := ev.Name()
		n.Text = strings.Clone(n.Text)
		s.Names = append(s.Names, n)
	}
	s.Second = ev.Name2()
	s.Second.Text = strings.Clone(s.Second.Text)
	s.Exe = string(ev.Task.Exe.Resolved.AppendTo(nil))
	s.Cwd = string(ev.Task.Cwd.Resolved.AppendTo(nil))
	s.CgroupPath = string(ev.Task.CgroupPath.Resolved.AppendTo(nil))
	s.Socket.Path = strings.Clone(ev.Socket.Path)
	return s
}

// name returns the first name of this form, "" if there is none.
func (s *seen) name(form event.Form) string {
	for _, n := range s.Names {
		if n.Form == form {
			return n.Text
		}
	}
	return ""
}

// open attaches the kernel side or skips the test.
func open(t testing.TB, cfg capture.Config, types ...event.Type) *capture.Source {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: loads programs into the kernel")
	}
	src, err := capture.Open(cfg, types)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := src.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return src
}

// perform runs an actor to its end and returns what was seen of it and of its
// children, in order. Arguments are the actor's.
func perform(t testing.TB, src *capture.Source, actor string, args ...string) []seen {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), actorVariable+"="+actor)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	events := collect(t, src, uint32(cmd.Process.Pid), done)
	if t.Failed() || stderr.Len() > 0 {
		t.Log(stderr.String())
	}
	return events
}

// collect reads until the process has ended and its end was seen. Its birth may
// come first.
func collect(t testing.TB, src *capture.Source, pid uint32, done <-chan error) []seen {
	t.Helper()
	var list []seen
	family := []uint32{pid}
	deadline := time.Now().Add(30 * time.Second)
	var rec capture.Record
	var ev event.Event
	for ended := false; !ended; {
		if time.Now().After(deadline) {
			t.Fatal("the actor's end was not seen in time")
		}
		if err := src.Next(&rec); errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		if err := decode.Record(rec.Bytes, &ev); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(family, ev.PID) && ev.Task.PID != pid { // not even its birth
			continue
		}
		if ev.HasTask() {
			family = append(family, ev.Task.PID)
		}
		list = append(list, keep(&ev))
		ended = ev.Type == event.ProcExit && ev.PID == pid
	}
	if err := <-done; err != nil {
		t.Errorf("actor: %v", err)
	}
	return list
}

// find returns the first event of a type that the condition accepts.
func find(t testing.TB, list []seen, typ event.Type, accept func(*seen) bool) *seen {
	t.Helper()
	for i := range list {
		if s := &list[i]; s.Type == typ && accept(s) {
			return s
		}
	}
	t.Errorf("no such %s among %d events", typ, len(list))
	for i := range list {
		if list[i].Type == typ {
			t.Logf("%s = %d names %v second %q", typ, list[i].Result, list[i].Names, list[i].Second.Text)
		}
	}
	return nil
}

// flavours runs a test with each of the two kernel sides. Only a kernel that is
// truly too old for one skips it; elsewhere a kernel side that does not load fails.
func flavours(t *testing.T, test func(*testing.T, capture.Flavour)) {
	for _, f := range []capture.Flavour{capture.Direct, capture.Probed} {
		t.Run(f.String(), func(t *testing.T) {
			if f == capture.Direct && !hasTypedCasts(t) {
				t.Skip("kernel before 6.2: no bpf_rdonly_cast")
			}
			test(t, f)
		})
	}
}

func hasTypedCasts(t testing.TB) bool {
	t.Helper()
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	var cast *btf.Func
	err = kernel.TypeByName("bpf_rdonly_cast", &cast)
	if err != nil && !errors.Is(err, btf.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}
