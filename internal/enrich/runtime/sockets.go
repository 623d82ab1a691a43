package runtime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goshawk-security/goshawk/internal/enrich/runtime/node"
)

// socket is where a runtime may listen.
type socket struct {
	path   string
	docker bool // it speaks Docker's API, not CRI
}

// usual are the sockets looked for when none is configured. /var/run is /run
// nearly everywhere, but not in a container that has it mounted alone.
var usual = []socket{
	{path: "/run/containerd/containerd.sock"},
	{path: "/run/crio/crio.sock"},
	{path: "/run/k3s/containerd/containerd.sock"},
	{path: "/var/snap/microk8s/common/run/containerd.sock"},
	{path: "/run/k0s/containerd.sock"},
	{path: "/run/cri-dockerd.sock"},
	{path: "/var/run/cri-dockerd.sock"},
	{path: "/var/run/crio/crio.sock"},
	{path: "/run/docker.sock", docker: true},
	{path: "/var/run/docker.sock", docker: true},
}

// configured turns paths and URLs into sockets.
func configured(paths []string) []socket {
	var all []socket
	for _, p := range paths {
		p = strings.TrimPrefix(p, "unix://")
		all = append(all, socket{path: p, docker: path.Base(p) == "docker.sock"})
	}
	return all
}

// sockets keeps an endpoint for every socket that is there.
type sockets struct {
	fs     node.FS
	wanted []socket
	fixed  bool // wanted was configured
	make   func(socket) *endpoint
	dial   func(*endpoint) (talker, error)
	found  func(ctx context.Context, e *endpoint) // called once for each socket, aside

	mu   sync.Mutex
	all  []*endpoint
	errs map[string]error // why a socket that is there, or must be, cannot be used
}

// list returns the endpoints, in the order of preference.
func (s *sockets) list() []*endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}

// scan looks which sockets are there, and which are not the same any more: a
// runtime that was started again makes its socket anew, and who hangs may still
// hold the connections to the old one.
func (s *sockets) scan(ctx context.Context) {
	before := s.list()
	seen, errs := map[node.Identity]bool{}, map[string]error{}
	var now, fresh []*endpoint
	for _, want := range s.wanted {
		id, err := s.fs.Socket(want.path)
		i := slices.IndexFunc(before, func(e *endpoint) bool { return e.socket == want })
		switch {
		case err != nil:
			if s.fixed || !errors.Is(err, fs.ErrNotExist) {
				errs[want.path] = err
			}
			if i >= 0 { // between two lives of a runtime; what is known of it stays
				now = append(now, before[i])
			}
			continue
		case seen[id]:
			continue // by another name
		}
		seen[id] = true
		if i >= 0 && before[i].identity() == id {
			now = append(now, before[i])
			continue
		}
		var e *endpoint
		if i >= 0 {
			e = before[i]
		} else {
			e = s.make(want)
		}
		p, err := s.dial(e)
		if err != nil {
			errs[want.path] = err
			continue
		}
		e.connect(p, id)
		now, fresh = append(now, e), append(fresh, e)
	}
	for _, e := range before {
		if !slices.Contains(now, e) {
			e.close()
		}
	}
	s.mu.Lock()
	s.all, s.errs = now, errs
	s.mu.Unlock()
	for _, e := range fresh {
		s.found(ctx, e)
	}
}

// close closes all.
func (s *sockets) close() {
	for _, e := range s.list() {
		e.close()
	}
}

// trouble says what is wrong, nil if nothing is. needed tells that containers of
// Kubernetes were seen.
func (s *sockets) trouble(needed bool) error {
	s.mu.Lock()
	all, failed := s.all, s.errs
	s.mu.Unlock()
	var errs []error
	useful := false
	for _, e := range all {
		if err := e.trouble(time.Now()); err != nil {
			errs = append(errs, err)
		}
		_, usable, _ := e.state()
		useful = useful || usable
	}
	for _, want := range s.wanted {
		if err := failed[want.path]; err != nil && (s.fixed || !useful) {
			errs = append(errs, err)
		}
	}
	if needed && !useful && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("no socket of a container runtime was found in the usual places: %w",
			errors.New("mount the directory of containerd's or CRI-O's socket, or name it in runtime.sockets")))
	}
	return errors.Join(errs...)
}

func (e *endpoint) identity() node.Identity {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.id
}

func (e *endpoint) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.peer.Close()
}
