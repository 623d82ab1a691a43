package runtime

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/goshawk-security/goshawk/internal/enrich/runtime/fakecri"
	"github.com/goshawk-security/goshawk/internal/enrich/runtime/oci"
	"github.com/goshawk-security/goshawk/internal/enrich/runtime/peer"
	"github.com/goshawk-security/goshawk/internal/event"
)

func joined() (*oci.Spec, *peer.Said) {
	return &oci.Spec{Info: event.ContainerInfo{Privileged: true, HostPID: true, User: "1:1"}}, &peer.Said{}
}

// hang makes a runtime not answer as long as hung is true.
func hang(s *fakecri.Server) (hung *atomic.Bool) {
	hung = &atomic.Bool{}
	s.Before = func(ctx context.Context, method, _ string) error {
		if hung.Load() && method != "Version" && method != "Status" { // it still knows who it is
			<-ctx.Done()
		}
		return nil
	}
	return hung
}

// trip asks for three containers that get no answer in time.
func trip(b *box) {
	b.t.Helper()
	for n := range 3 {
		b.ask(id(n))
	}
	for n := range 3 {
		if a, missed := b.answered(id(n)); missed != api || b.of(id(n))[0].Info == nil {
			b.t.Errorf("missed %v, %+v", missed, a)
		}
	}
	b.until("conclusion", func() bool { return b.Stats().Down == 1 })
}

func TestHung(t *testing.T) {
	s := fakecri.New()
	hung := hang(s)
	hung.Store(true)
	b := newBox(t, func(b *box) {
		b.patience(time.Second)
		for n := range 10 {
			b.write(id(n), spec("app"))
			s.Containers[id(n)] = status(id(n), "app")
		}
		s.Listen(t, b.containerd())
	})
	b.until("greeting", func() bool { return b.lines("found a container runtime") == 1 })
	trip(b)
	if err := b.Health(); err == nil || !strings.Contains(err.Error(), "containerd at /run/containerd/containerd.sock has not answered for") {
		t.Errorf("Health = %v", err)
	}
	calls := b.Stats().Calls
	for n := 3; n < 10; n++ {
		before := time.Now()
		b.ask(id(n))
		_, missed := b.answered(id(n))
		if took := time.Since(before); missed != api || took > b.cfg.Timeout {
			t.Errorf("missed %v after %v", missed, took)
		}
	}
	time.Sleep(500 * time.Millisecond)
	if n := b.Stats().Calls - calls; n == 0 || n > 10 {
		t.Errorf("%d questions while it was down", n)
	}
	hung.Store(false)
	for n := range 10 {
		a := b.wait(id(n), "late answer", func(all []Answer) bool { return missed(all) == 0 })
		if a.Info.Labels == nil || a.Info.Image == "" {
			t.Errorf("%+v", a.Info)
		}
	}
	b.until("end", func() bool { return b.Stats().Tracked == 0 && b.Health() == nil })
	if down, up := b.lines("does not answer"), b.lines("answers again"); down != 1 || up != 1 {
		t.Errorf("%d times logged as down, %d times as up", down, up)
	}
}

// TestHungAndReplaced has a runtime that hangs with its connections, while a new one
// listens in its place.
func TestHungAndReplaced(t *testing.T) {
	old := fakecri.New()
	hang(old).Store(true)
	b := newBox(t, func(b *box) {
		b.patience(300 * time.Millisecond)
		for n := range 4 {
			b.write(id(n), spec("app"))
		}
		old.Listen(t, b.containerd())
	})
	trip(b)
	s := fakecri.New()
	s.Containers[id(2)], s.Containers[id(3)] = status(id(2), "app"), status(id(3), "app")
	s.Listen(t, b.containerd())
	b.wait(id(2), "late answer", func(all []Answer) bool { return missed(all) == 0 })
	b.ask(id(3))
	if _, missed := b.answered(id(3)); missed != 0 {
		t.Errorf("missed %v", missed)
	}
}

func TestCrash(t *testing.T) {
	s := fakecri.New()
	b := newBox(t, func(b *box) {
		b.cfg.Timeout = 5 * time.Second
		for n := range 5 {
			b.write(id(n), spec("app"))
			s.Containers[id(n)] = status(id(n), "app")
		}
		s.Listen(t, b.containerd())
	})
	b.ask(id(0))
	b.answered(id(0))
	s.Close()
	b.ask(id(1)) // waits for its return
	time.Sleep(300 * time.Millisecond)
	s.Listen(t, b.containerd())
	if a, missed := b.answered(id(1)); missed != 0 || a.Info.Labels == nil {
		t.Errorf("missed %v, %+v", missed, a.Info)
	}
	if b.Stats().Down != 0 || b.lines("does not answer") != 0 {
		t.Error("a restart counts as a failure")
	}
}

// TestGone has a socket where nobody listens for longer than anybody waits.
func TestGone(t *testing.T) {
	s := fakecri.New()
	b := newBox(t, func(b *box) {
		b.patience(300 * time.Millisecond)
		for n := range 4 {
			b.write(id(n), spec("app"))
			s.Containers[id(n)] = status(id(n), "app")
		}
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: b.containerd()})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close()
	})
	trip(b)
	s.Listen(t, b.containerd())
	b.wait(id(0), "late answer", func(all []Answer) bool { return missed(all) == 0 })
	b.until("health", func() bool { return b.Health() == nil })
}

// TestNoSocket has a runtime that comes later than its first containers.
func TestNoSocket(t *testing.T) {
	s := fakecri.New()
	s.Containers[id(1)] = status(id(1), "app")
	b := newBox(t, func(b *box) { b.write(id(1), spec("app")) })
	if err := b.Health(); err != nil {
		t.Errorf("without containers: Health = %v", err)
	}
	before := time.Now()
	b.ask(id(1))
	if _, missed := b.answered(id(1)); missed != api || time.Since(before) > b.cfg.Timeout {
		t.Errorf("missed %v after %v", missed, time.Since(before))
	}
	if err := b.Health(); err == nil || !strings.Contains(err.Error(), "runtime.sockets") {
		t.Errorf("Health = %v", err)
	}
	if s := b.Stats(); s.Owed != 1 {
		t.Errorf("stats %+v", s)
	}
	s.Listen(t, b.containerd())
	b.wait(id(1), "late answer", func(all []Answer) bool { return missed(all) == 0 })
	b.until("health", func() bool { return b.Health() == nil })
	b.Ask(event.Container{FullID: id(2), Runtime: "podman"})
	if _, missed := b.answered(id(2)); missed != bothSources {
		t.Errorf("podman: missed %v", missed)
	}
	b.until("end", func() bool { return b.Stats().Tracked == 0 })
}

// TestSockets has sockets that are no sockets, speak something else, or are the same.
func TestSockets(t *testing.T) {
	none, s := fakecri.New(), fakecri.New()
	none.Before = func(context.Context, string, string) error {
		return grpcstatus.Error(codes.Unimplemented, "unknown service")
	}
	s.Name = "cri-o"
	s.Containers[id(1)] = status(id(1), "app")
	b := newBox(t, func(b *box) {
		for _, dir := range []string{"run/crio", "var", "run/k3s/containerd/containerd.sock"} {
			if err := os.MkdirAll(filepath.Join(b.root, dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink("/run", filepath.Join(b.root, "var/run")); err != nil {
			t.Fatal(err)
		}
		none.Listen(t, b.containerd())
		s.Listen(t, filepath.Join(b.root, "run/crio/crio.sock"))
	})
	b.until("conclusion", func() bool { return b.lines("of no use") == 1 && b.Stats().Sockets == 1 })
	b.ask(id(1))
	if a, missed := b.answered(id(1)); missed != file || a.Runtime != "cri-o" {
		t.Errorf("missed %v, %+v", missed, a)
	}
	if b.Health() != nil || len(b.sockets.list()) != 2 {
		t.Errorf("Health = %v, %d sockets", b.Health(), len(b.sockets.list()))
	}
	none.Do(func() { none.Before = nil }) // the CRI part comes later
	b.until("greeting", func() bool { return b.Stats().Sockets == 2 })
}

func TestConfiguredSocket(t *testing.T) {
	dir := t.TempDir()
	c := New(Config{Root: dir, Sockets: []string{"unix:///srv/x.sock"}, Report: func(Answer) {}}, nil)
	c.sockets.scan(t.Context())
	if err := c.Health(); err == nil || !strings.Contains(err.Error(), "/srv/x.sock: no such file") {
		t.Errorf("Health = %v", err)
	}
}

func TestDockerAlone(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containers/{id}/json", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"Id":"%s","Name":"/web","State":{"Status":"running"}}`, r.PathValue("id"))
	})
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"Version":"20.10"}`) })
	b := newBox(t, func(b *box) {
		l, err := net.Listen("unix", filepath.Join(b.root, "run/docker.sock"))
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: mux}
		go srv.Serve(l)
		t.Cleanup(func() { srv.Close() })
	})
	b.Ask(event.Container{FullID: id(1)})
	if a, missed := b.answered(id(1)); missed != file || a.Runtime != "docker" || b.of(id(1))[0].Info.Name != "web" {
		t.Errorf("missed %v, %+v", missed, a)
	}
}

func TestEligible(t *testing.T) {
	c := New(Config{Report: func(Answer) {}}, nil)
	crio := &endpoint{socket: socket{"crio", false}, hi: peer.Greeting{Name: "cri-o"}}
	containerd := &endpoint{socket: socket{"containerd", false}, hi: peer.Greeting{Name: "containerd"}}
	docker := &endpoint{socket: socket{"docker", true}}
	other := &endpoint{socket: socket{"other", false}, useless: true}
	tests := []struct {
		name  string
		q     question
		there []*endpoint
		want  string
	}{
		{"pod", question{podUID: uid}, []*endpoint{containerd, docker, other}, "containerd"},
		{"pod of cri-o", question{podUID: uid, runtime: "cri-o"}, []*endpoint{containerd, crio, docker}, "crio"},
		{"pod of containerd", question{podUID: uid, runtime: "containerd"}, []*endpoint{crio, containerd}, "containerd"},
		{"pod of cri-dockerd", question{podUID: uid, runtime: "docker"}, []*endpoint{containerd, docker}, "containerd docker"},
		{"pod without CRI", question{podUID: uid}, []*endpoint{other, docker}, "docker"},
		{"docker", question{runtime: "docker"}, []*endpoint{containerd, docker}, "docker"},
		{"anybody's", question{}, []*endpoint{containerd, docker}, "docker containerd"},
		{"nerdctl", question{runtime: "containerd"}, []*endpoint{containerd, docker}, "containerd"},
		{"podman", question{runtime: "podman"}, []*endpoint{containerd, docker}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c.sockets.all = tt.there
			var got []string
			for _, e := range c.eligible(tt.q) {
				got = append(got, e.socket.path)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("eligible: %v, want %s", got, tt.want)
			}
		})
	}
}

// lines returns the messages that were logged with some text.
func (b *box) lines(text string) (n int) {
	for _, e := range b.logs.All() {
		if strings.Contains(e.Message, text) {
			n++
		}
	}
	return n
}
