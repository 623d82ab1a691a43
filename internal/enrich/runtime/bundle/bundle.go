package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/enrich/aside"
	"github.com/goshawk-security/goshawk/internal/enrich/runtime/node"
	"github.com/goshawk-security/goshawk/internal/enrich/runtime/oci"
	"github.com/goshawk-security/goshawk/internal/enrich/runtime/recent"
)

const (
	// patience is how long a file may take. These are files in memory.
	patience     = 500 * time.Millisecond
	lateReads    = 8
	maxSandboxes = 512
)

// states are where containerd keeps its state, by who starts it.
var states = []string{
	"/run/containerd",
	"/run/k3s/containerd", // RKE2 as well
	"/var/snap/microk8s/common/run/containerd",
	"/run/k0s/containerd",
	"/run/docker/containerd/daemon", // the one that Docker starts
}

// tasks are below a state: the shims of now, and those before containerd 1.4.
var tasks = []string{"io.containerd.runtime.v2.task", "io.containerd.runtime.v1.linux"}

// storages are where CRI-O and podman keep their containers, by storage driver.
var storages = []string{
	"/run/containers/storage/overlay-containers",
	"/var/lib/containers/storage/overlay-containers",
	"/run/containers/storage/vfs-containers",
	"/var/lib/containers/storage/vfs-containers",
}

var errNone = errors.New("no bundle")

// Reader finds and reads bundles. It is safe for use by any number of goroutines.
type Reader struct {
	fs        node.FS
	runner    aside.Runner
	sandboxes recent.Cache[*oci.Spec]

	mu      sync.Mutex
	learned []string // states that sockets and runtimes told of
}

// New returns a Reader of the file system at root.
func New(root string) *Reader {
	return &Reader{
		fs:        node.FS{Root: root},
		runner:    aside.Runner{Wait: patience, Limit: lateReads},
		sandboxes: recent.Cache[*oci.Spec]{Max: maxSandboxes},
	}
}

// Learn adds a place where a containerd keeps its state.
func (b *Reader) Learn(state string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if path.IsAbs(state) && len(b.learned) < 2*len(states) &&
		!slices.Contains(b.learned, state) && !slices.Contains(states, state) {
		b.learned = append(b.learned, state)
	}
}

// Read returns what the bundle of a container says, and its sandbox's of the pod.
// An error that is not fs.ErrNotExist may mean that the file is being written.
func (b *Reader) Read(id, runtime string) (*oci.Spec, error) {
	type result struct {
		spec *oci.Spec
		err  error
	}
	r, ok := aside.Do(&b.runner, func() result {
		spec, err := b.find(id, runtime)
		return result{spec, err}
	})
	if !ok {
		return nil, fmt.Errorf("read the bundle of %s: %w", id, os.ErrDeadlineExceeded)
	}
	return r.spec, r.err
}

func (b *Reader) find(id, runtime string) (*oci.Spec, error) {
	looks := []func(string) (*oci.Spec, error){b.inStates, b.inStorages}
	if runtime == "cri-o" || runtime == "podman" {
		slices.Reverse(looks)
	}
	for _, look := range looks {
		if spec, err := look(id); !errors.Is(err, fs.ErrNotExist) {
			return spec, err
		}
	}
	return nil, fmt.Errorf("%w of %s: %w", errNone, id, fs.ErrNotExist)
}

// inStorages looks where CRI-O and podman keep bundles.
func (b *Reader) inStorages(id string) (*oci.Spec, error) {
	for _, storage := range storages {
		dir, err := b.fs.Directory(storage)
		if err != nil {
			continue
		}
		spec, err := b.load(dir, func(id string) string { return id + "/userdata/config.json" }, id)
		unix.Close(dir)
		if !errors.Is(err, fs.ErrNotExist) {
			return spec, err
		}
	}
	return nil, fs.ErrNotExist
}

// inStates looks where containerd keeps bundles, which is by its own namespaces.
func (b *Reader) inStates(id string) (*oci.Spec, error) {
	b.mu.Lock()
	all := slices.Concat(states, b.learned)
	b.mu.Unlock()
	for _, state := range all {
		for _, task := range tasks {
			dir, err := b.fs.Directory(path.Join(state, task))
			if err != nil {
				continue
			}
			spec, err := b.inNamespaces(dir, id)
			unix.Close(dir)
			if !errors.Is(err, fs.ErrNotExist) {
				return spec, err
			}
		}
	}
	return nil, fs.ErrNotExist
}

func (b *Reader) inNamespaces(dir int, id string) (*oci.Spec, error) {
	known := []string{"k8s.io", "moby", "default"}
	if spec, err := b.inNamespace(dir, known, id); !errors.Is(err, fs.ErrNotExist) {
		return spec, err
	}
	others, err := node.Names(dir)
	if err != nil {
		return nil, err
	}
	others = slices.DeleteFunc(others, func(name string) bool { return slices.Contains(known, name) })
	return b.inNamespace(dir, others, id)
}

func (b *Reader) inNamespace(dir int, namespaces []string, id string) (*oci.Spec, error) {
	for _, ns := range namespaces {
		spec, err := b.load(dir, func(id string) string { return ns + "/" + id + "/config.json" }, id)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && spec.Runtime == "" {
			if spec.Runtime = "containerd"; ns == "moby" {
				spec.Runtime = "docker"
			}
		}
		return spec, err
	}
	return nil, fs.ErrNotExist
}

// load reads a container's bundle, whose path below dir depends on its id.
func (b *Reader) load(dir int, name func(id string) string, id string) (*oci.Spec, error) {
	spec, err := parse(dir, name, id)
	if err != nil {
		return nil, err
	}
	if spec.Info.Sandbox {
		b.sandboxes.Put(id, spec)
		return spec, nil
	}
	if of := spec.Info.SandboxID; spec.Joins() && of != id && ValidID(of) {
		sandbox, ok := b.sandboxes.Get(of)
		if !ok {
			// One that cannot be read leaves to the runtime's socket what it knows.
			if sandbox, err = parse(dir, name, of); err != nil || !sandbox.Info.Sandbox {
				return spec, nil
			}
			b.sandboxes.Put(of, sandbox)
		}
		spec.Inherit(sandbox)
	}
	return spec, nil
}

func parse(dir int, name func(id string) string, id string) (*oci.Spec, error) {
	data, err := node.Read(dir, name(id))
	if err != nil {
		return nil, err
	}
	return oci.Parse(id, data)
}

// Late returns how often a file took so long that it was given up.
func (b *Reader) Late() uint64 { return b.runner.Abandoned() }

// ValidID tells whether an id can be one of a container, and part of a path.
func ValidID(id string) bool {
	for _, r := range id {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' {
			return false
		}
	}
	return id != "" && len(id) <= 128
}
