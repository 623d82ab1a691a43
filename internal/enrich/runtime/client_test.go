package runtime

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/goshawk-security/goshawk/internal/enrich/runtime/fakecri"
	"github.com/goshawk-security/goshawk/internal/event"
)

const (
	uid  = "8dbc5577-d0e2-4706-8787-57d52c03ddf2"
	file = event.SourceBundle
	api  = event.SourceRuntime
	// soon is a time in which what is to come has come, on the slowest machine.
	soon = 20 * time.Second
)

// id returns a container's id.
func id(n int) string { return fmt.Sprintf("%064x", n) }

// box is a node: a file system with a runtime's socket, and a Client that looks at it.
type box struct {
	*Client
	t    *testing.T
	root string
	logs *observer.ObservedLogs

	mu      sync.Mutex
	answers []timed
	more    chan struct{} // there is a new answer
}

// newBox returns a box whose Client runs, after change has had its way with it.
func newBox(t *testing.T, change func(*box)) *box {
	t.Helper()
	t.Parallel()
	core, logs := observer.New(zap.InfoLevel)
	b := &box{t: t, root: t.TempDir(), logs: logs, more: make(chan struct{}, 1)}
	b.Client = New(Config{Root: b.root, Timeout: 2 * time.Second, Report: b.report}, zap.New(core))
	b.pace = pace{50 * time.Millisecond, 2 * time.Second, 50 * time.Millisecond, 50 * time.Millisecond, 50 * time.Millisecond}
	if err := os.MkdirAll(filepath.Join(b.root, "run/containerd"), 0o755); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(b)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(soon):
			t.Error("Run did not end")
		}
	})
	return b
}

// patience sets for how long a container and a question wait.
func (b *box) patience(d time.Duration) { b.cfg.Timeout, b.pace.call = d, d }

func (b *box) report(a Answer) {
	b.mu.Lock()
	b.answers = append(b.answers, timed{a, time.Now()})
	b.mu.Unlock()
	select {
	case b.more <- struct{}{}:
	default:
	}
}

func (b *box) containerd() string { return filepath.Join(b.root, "run/containerd/containerd.sock") }

// write puts the bundle of a container where it belongs.
func (b *box) write(id, text string) {
	b.t.Helper()
	p := filepath.Join(b.root, "run/containerd/io.containerd.runtime.v2.task/k8s.io", id)
	if err := os.MkdirAll(p, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p, "config.json"), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// spec is the bundle of a pod's container.
func spec(name string) string {
	return `{"ociVersion":"1","process":{"user":{"uid":7,"gid":8}},"annotations":{"io.kubernetes.cri.container-type":"container",
		"io.kubernetes.cri.container-name":"` + name + `","io.kubernetes.cri.image-name":"docker.io/library/app:1","io.kubernetes.cri.sandbox-uid":"` + uid + `"},
		"mounts":[{"type":"bind","source":"/srv","destination":"/data","options":["rbind","ro"]}]}`
}

// status is what a runtime says of it.
func status(id, name string) *cri.ContainerStatusResponse {
	return &cri.ContainerStatusResponse{Status: &cri.ContainerStatus{
		Id: id, Metadata: &cri.ContainerMetadata{Name: name}, State: cri.ContainerState_CONTAINER_RUNNING,
		CreatedAt: 1795711632906761347, StartedAt: 1795711632972392051, Labels: map[string]string{"said": "by the runtime"},
	}}
}

func (b *box) ask(id string) { b.Ask(event.Container{FullID: id, PodUID: uid}) }

// of returns the answers about a container.
func (b *box) of(id string) []Answer {
	var all []Answer
	for _, a := range b.times(id) {
		all = append(all, a.Answer)
	}
	return all
}

// timed is an answer and when it came.
type timed struct {
	Answer
	at time.Time
}

func (b *box) times(id string) []timed {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.answers), func(a timed) bool { return a.ID != id })
}

// wait waits until the answers about a container are as wanted, and returns the last.
func (b *box) wait(id string, what string, ok func([]Answer) bool) Answer {
	b.t.Helper()
	for deadline := time.Now().Add(soon); ; {
		all := b.of(id)
		if ok(all) {
			return all[len(all)-1]
		}
		select {
		case <-b.more:
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("no %s of %s; answers: %+v", what, id, all)
		}
	}
}

// answered waits until both sources are, and returns what is known and what was missed.
func (b *box) answered(id string) (Answer, event.Sources) {
	b.t.Helper()
	a := b.wait(id, "answers", func(all []Answer) bool { return sources(all) == bothSources })
	return a, missed(b.of(id))
}

func sources(all []Answer) (s event.Sources) {
	for _, a := range all {
		s |= a.Answered
	}
	return s
}

// missed joins answers as whoever waits for them does.
func missed(all []Answer) (s event.Sources) {
	for _, a := range all {
		s = s&^a.Answered | a.Missed
	}
	return s
}

// until waits for anything else.
func (b *box) until(what string, ok func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(soon); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("no %s; stats %+v", what, b.Stats())
		}
	}
}

func TestAnswers(t *testing.T) {
	s := fakecri.New()
	s.Containers[id(1)] = status(id(1), "app")
	b := newBox(t, func(b *box) {
		s.Listen(t, b.containerd())
		b.write(id(1), spec("app"))
	})
	b.ask(id(1))
	b.ask(id(1)) // is under way, or begins anew
	b.answered(id(1))
	all := b.of(id(1))
	if first := all[0]; first.Answered != file || first.Info == nil || first.Info.Name != "app" || first.Info.Labels != nil || first.Runtime != "containerd" {
		t.Errorf("the first answer is %+v, %+v", first, first.Info)
	}
	want := &event.ContainerInfo{
		Runtime: "containerd", Name: "app", Image: "docker.io/library/app:1", User: "7:8", PodUID: uid,
		Labels: map[string]string{"said": "by the runtime"}, Created: 1795711632906761347, Started: 1795711632972392051,
		HostPID: true, HostNetwork: true, HostIPC: true,
		Mounts: []event.Mount{{Source: "/srv", Destination: "/data", Mode: "rbind,ro"}},
	}
	if diff := cmp.Diff(want, all[1].Info); diff != "" || all[1].Answered != api || all[1].Missed != 0 {
		t.Errorf("the second answer is %+v (-want +got):\n%s", all[1], diff)
	}
	b.until("end", func() bool { return b.Stats().Tracked == 0 })
	if s := b.Stats(); s.Bundles == 0 || s.Runtimes == 0 || s.MissedBundle+s.MissedRuntime != 0 || s.Sockets != 1 || s.Down != 0 {
		t.Errorf("stats %+v", s)
	}
	b.until("health", func() bool { return b.Health() == nil })
}

// TestLate has a bundle that is being written, a container that the runtime does not
// know yet, and one that is made before it is started.
func TestLate(t *testing.T) {
	s := fakecri.New()
	b := newBox(t, func(b *box) {
		s.Listen(t, b.containerd())
		b.write(id(1), spec("app")[:100])
	})
	b.ask(id(1))
	time.Sleep(5 * time.Millisecond)
	b.write(id(1), spec("app"))
	time.Sleep(50 * time.Millisecond)
	made := status(id(1), "app")
	made.Status.State, made.Status.StartedAt = cri.ContainerState_CONTAINER_CREATED, 0
	s.Do(func() { s.Containers[id(1)] = made })
	a, missed := b.answered(id(1))
	if missed != 0 || a.Info.Started != 0 || a.Info.Created == 0 || a.Info.Image == "" {
		t.Errorf("missed %v, %+v", missed, a.Info)
	}
	s.Do(func() { s.Containers[id(1)] = status(id(1), "app") })
	a = b.wait(id(1), "start", func(all []Answer) bool { return all[len(all)-1].Info.Started != 0 })
	if a.Missed != 0 || a.Info.Image == "" {
		t.Errorf("%+v", a)
	}
	b.until("end", func() bool { return b.Stats().Tracked == 0 })
}

func TestUnknown(t *testing.T) {
	s := fakecri.New()
	b := newBox(t, func(b *box) { s.Listen(t, b.containerd()) })
	before := time.Now()
	b.ask(id(1))
	a, missed := b.answered(id(1))
	if took := time.Since(before); missed != bothSources || a.Info != nil || took < b.cfg.Timeout {
		t.Errorf("missed %v after %v: %+v", missed, took, a)
	}
	b.until("end", func() bool { return b.Stats().Tracked == 0 })
	if n := s.Calls("ContainerStatus"); n < 2 || n > 20 {
		t.Errorf("asked %d times", n)
	}
	if b.Health() != nil {
		t.Errorf("Health = %v", b.Health())
	}
}

// TestLies has a runtime that answers about others.
func TestLies(t *testing.T) {
	s := fakecri.New()
	s.Containers[id(1)] = status(id(2), "other")
	b := newBox(t, func(b *box) {
		s.Listen(t, b.containerd())
		b.write(id(1), spec("app"))
	})
	b.ask(id(1))
	if a, missed := b.answered(id(1)); missed != api || a.Info != nil && a.Info.Name != "app" {
		t.Errorf("missed %v, %+v", missed, a)
	}
	if s := b.Stats(); s.Wrong == 0 || s.Down != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestForget(t *testing.T) {
	s := fakecri.New()
	b := newBox(t, func(b *box) { s.Listen(t, b.containerd()) })
	b.ask(id(1))
	b.until("question", func() bool { return s.Calls("ContainerStatus") > 0 })
	b.Forget(id(1))
	b.Forget(id(2))
	if n := b.Stats().Tracked; n != 0 {
		t.Errorf("%d tracked", n)
	}
	time.Sleep(b.cfg.Timeout + 100*time.Millisecond)
	if all := b.of(id(1)); sources(all)&api != 0 {
		t.Errorf("answers to what was forgotten: %+v", all)
	}
}

// TestOverflow asks for more than there is room for, with nobody working.
func TestOverflow(t *testing.T) {
	var n int
	c := New(Config{Root: t.TempDir(), Timeout: time.Hour, Report: func(a Answer) {
		n++
		if a.Missed != bothSources || a.Answered != bothSources {
			t.Errorf("%+v", a)
		}
	}}, zap.NewNop())
	for i := range maxTasks + 10 {
		c.Ask(event.Container{FullID: id(i)})
	}
	c.Ask(event.Container{FullID: "../../etc"})
	if s := c.Stats(); n != 11 || s.Overflow != 11 || s.Tracked != maxTasks {
		t.Errorf("%d answers, stats %+v", n, s)
	}
	n = 0
	for i := range maxTasks { // their places in the queue stay taken
		c.Forget(id(i))
	}
	c.Ask(event.Container{FullID: id(0)})
	if s := c.Stats(); n != 1 || s.Tracked != 0 {
		t.Errorf("%d answers, stats %+v", n, s)
	}
}

// TestMany asks and forgets at the same time as the runtime crashes.
func TestMany(t *testing.T) {
	s := fakecri.New()
	const n = 300
	b := newBox(t, func(b *box) {
		for i := range n {
			s.Containers[id(i)] = status(id(i), "app")
			b.write(id(i), spec("app"))
		}
		s.Listen(t, b.containerd())
	})
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := w; i < n; i += 4 {
				b.ask(id(i))
				if i%3 == 0 {
					b.Forget(id(i))
				}
				b.Stats()
			}
		})
	}
	s.Close()
	s.Listen(t, b.containerd())
	all.Wait()
	for i := range n {
		if i%3 != 0 {
			b.wait(id(i), "name", func(all []Answer) bool {
				return sources(all) == bothSources && missed(all) == 0
			})
		}
	}
	b.until("end", func() bool { return b.Stats().Tracked == 0 })
}

func TestJoin(t *testing.T) {
	tests := []struct {
		name string
		task func(*task)
		want *event.ContainerInfo
	}{
		{"nothing", func(*task) {}, nil},
		{"not said", func(t *task) { t.said.Info.Privileged = false }, &event.ContainerInfo{Privileged: true, HostPID: true, User: "1:1"}},
		{"said", func(t *task) {
			t.said.Privileged, t.said.Namespaces = true, true
			t.said.Info.HostIPC, t.said.Info.User = true, "www"
		}, &event.ContainerInfo{HostIPC: true, User: "www"}},
		{"mounts are the bundle's", func(t *task) {
			t.said.Info.Mounts = []event.Mount{{Source: "/said"}}
			t.bundle.Info.Mounts = []event.Mount{{Source: "/read"}}
			t.said.Privileged, t.said.Namespaces = true, true
		}, &event.ContainerInfo{User: "1:1", Mounts: []event.Mount{{Source: "/read"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := newTask(event.Container{FullID: id(1)})
			if tt.want != nil {
				k.bundle, k.said = joined()
			}
			tt.task(k)
			if diff := cmp.Diff(tt.want, k.info()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
