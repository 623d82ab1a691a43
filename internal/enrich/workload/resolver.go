package workload

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/goshawk-security/goshawk/internal/enrich/budget"
	"github.com/goshawk-security/goshawk/internal/event"
)

// retryAfter is for how long a cgroup that nobody could name is not asked for
// again, in event time.
const retryAfter = uint64(time.Second)

// maxPathBytes bounds what the paths of all cgroups take: who may make cgroups can
// give them names of 8 KiB.
const maxPathBytes = 8 << 20

// Config says where cgroups are read.
type Config struct {
	ProcRoot   string // where proc is mounted
	CgroupRoot string // where cgroup file systems are mounted
	MaxCgroups int    // how many are kept
	// Text, if there is one, is charged with paths: images hold them longer.
	Text *budget.Budget
	// Containers, if there is one, hears of every container that begins or ends.
	Containers Containers
}

// Containers is who wants to know which containers there are. It is called in the
// goroutine of the Resolver.
type Containers interface {
	// Began is called for the first cgroup of a container.
	Began(c *event.Container)
	// Ended is called when its last cgroup was removed or forgotten.
	Ended(c *event.Container)
}

// Stats counts what a Resolver did.
type Stats struct {
	Cgroups    int    // known now
	Containers int    // known now
	Evicted    uint64 // forgotten because there were too many
	Late       uint64 // named by /proc/PID/cgroup
	Unknown    uint64 // nobody could name
}

// Resolver knows the path and the container of each cgroup id. Used by one
// goroutine.
type Resolver struct {
	cfg        Config
	controller string
	mount      string
	cgroups    map[uint64]cgroup
	pathBytes  int
	order      []uint64 // ids as they came, for eviction; may hold removed ones
	containers map[string]*shared
	unknown    map[uint64]uint64 // id → when to ask again
	stats      Stats
	scratch    []byte
	unified    *unified // nil until somebody asks for it
	walked     uint64   // when find last looked, in event time
}

type cgroup struct {
	path      string
	cut       bool             // the upper end of path is missing
	container *event.Container // nil: on the host
}

// shared is one container with the number of its cgroups.
type shared struct {
	container *event.Container
	user      bool // an unprivileged user says that it is one
	refs      int
}

// New returns an empty Resolver for the hierarchy that [Hierarchy] chooses.
func New(cfg Config) (*Resolver, error) {
	controller, err := Hierarchy(cfg.ProcRoot)
	if err != nil {
		return nil, err
	}
	return &Resolver{
		cfg:        cfg,
		controller: controller,
		mount:      mountOf(cfg.CgroupRoot, controller),
		cgroups:    map[uint64]cgroup{},
		containers: map[string]*shared{},
		unknown:    map[uint64]uint64{},
	}, nil
}

// Controller returns the hierarchy in use, as [Hierarchy] names it.
func (r *Resolver) Controller() string { return r.controller }

// Stats returns the counters.
func (r *Resolver) Stats() Stats {
	r.stats.Cgroups, r.stats.Containers = len(r.cgroups), len(r.containers)
	return r.stats
}

// Walk learns the cgroups that exist: a directory's inode number is its id. A
// file system that is not there is an error, one that changes meanwhile is not.
func (r *Resolver) Walk(ctx context.Context) error {
	err := filepath.WalkDir(r.mount, func(path string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			if path == r.mount {
				return err
			}
			return nil // gone, or not ours to read
		}
		if !d.IsDir() {
			return nil
		}
		if len(r.cgroups) >= r.cfg.MaxCgroups || r.pathBytes >= maxPathBytes-len(path) {
			return fs.SkipAll
		}
		if id, ok := inode(path); ok {
			r.add(id, "/"+strings.TrimPrefix(strings.TrimPrefix(path, r.mount), "/"), false)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("walk the cgroups: %w", err)
	}
	return nil
}

// Announce learns a cgroup from the kernel and returns its path, kept.
func (r *Resolver) Announce(id uint64, c event.Components) string {
	if !c.Valid || id == 0 {
		return r.Path(id)
	}
	r.scratch = c.AppendTo(r.scratch[:0])
	if have, ok := r.cgroups[id]; ok && (have.path == string(r.scratch) || c.Truncated && !have.cut) {
		return have.path
	}
	path := string(r.scratch)
	r.add(id, path, c.Truncated)
	return path
}

// Remove forgets a cgroup that the kernel removed.
func (r *Resolver) Remove(id uint64) {
	have, ok := r.cgroups[id]
	if !ok {
		return
	}
	delete(r.cgroups, id)
	r.pathBytes -= len(have.path)
	if have.container == nil {
		return
	}
	if s := r.containers[have.container.FullID]; s != nil && s.container == have.container {
		if s.refs--; s.refs <= 0 {
			delete(r.containers, have.container.FullID)
			if r.cfg.Containers != nil && !s.user {
				r.cfg.Containers.Ended(s.container)
			}
		}
	}
}

// Path returns the path of a cgroup, "" if it is not known.
func (r *Resolver) Path(id uint64) string { return r.cgroups[id].path }

// Container returns the container of a cgroup, nil on the host. It is false for
// a cgroup that is not known.
func (r *Resolver) Container(id uint64) (*event.Container, bool) {
	c, ok := r.cgroups[id]
	return c.container, ok
}

// Ask names an unknown cgroup by what /proc says of a process in it, at most
// once a second of event time for each cgroup. It is false if that fails, which
// it does for a process that ended or moved on.
func (r *Resolver) Ask(id uint64, pid uint32, now uint64) (*event.Container, bool) {
	if until, asked := r.unknown[id]; id == 0 || asked && now < until {
		return nil, false
	}
	path, ok := r.pathOf(pid)
	if ok && strings.HasPrefix(path, "/..") {
		path, ok = r.find(id, now)
	} else {
		ok = ok && r.agrees(id, path)
	}
	if ok {
		delete(r.unknown, id)
		r.stats.Late++
		r.add(id, path, false)
		return r.cgroups[id].container, true
	}
	r.stats.Unknown++
	if len(r.unknown) >= r.cfg.MaxCgroups {
		clear(r.unknown)
	}
	r.unknown[id] = now + retryAfter
	return nil, false
}

// pathOf reads the path of a process's cgroup.
func (r *Resolver) pathOf(pid uint32) (string, bool) {
	name := filepath.Join(r.cfg.ProcRoot, strconv.FormatUint(uint64(pid), 10), "cgroup")
	data, err := readBounded(name, maxCgroupFile)
	if err != nil {
		return "", false
	}
	return PathIn(data, r.controller)
}

// find looks for a cgroup by its id in the file system. It is for an agent in a cgroup
// namespace of its own, to which /proc shows paths from there: /../../x may be anything.
// On a node of a thousand cgroups it takes some ms, so it is done once a second at most.
func (r *Resolver) find(id, now uint64) (path string, ok bool) {
	if now < r.walked+retryAfter && r.walked != 0 {
		return "", false
	}
	r.walked = now
	_ = filepath.WalkDir(r.mount, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil
		}
		if have, isDir := inode(p); isDir && have == id {
			path, ok = "/"+strings.TrimPrefix(strings.TrimPrefix(p, r.mount), "/"), true
			return fs.SkipAll
		}
		return nil
	})
	return path, ok
}

// agrees tells that the path may be the cgroup's: where the directory can be
// seen, its inode number must be the id.
func (r *Resolver) agrees(id uint64, path string) bool {
	have, ok := inode(filepath.Join(r.mount, path))
	return !ok || have == id
}

// add keeps a cgroup; an earlier one with the id is replaced.
func (r *Resolver) add(id uint64, path string, cut bool) {
	r.Remove(id)
	for (len(r.cgroups) >= r.cfg.MaxCgroups || r.pathBytes+len(path) > maxPathBytes) && len(r.order) > 0 {
		oldest := r.order[0]
		r.order = r.order[1:]
		if _, ok := r.cgroups[oldest]; ok {
			r.Remove(oldest)
			r.stats.Evicted++
		}
	}
	r.cgroups[id] = cgroup{path: path, cut: cut, container: r.share(path)}
	r.pathBytes += len(path)
	if r.unified != nil {
		r.unified.add(path)
	}
	if r.cfg.Text != nil {
		r.cfg.Text.Text(path)
	}
	r.order = append(r.order, id)
	if len(r.order) > 2*r.cfg.MaxCgroups+64 {
		r.compact()
	}
}

// compact drops removed ids from the order of arrival, and all but the last
// place of those that came twice.
func (r *Resolver) compact() {
	seen := make(map[uint64]bool, len(r.cgroups))
	kept := make([]uint64, 0, len(r.cgroups))
	for i := len(r.order) - 1; i >= 0; i-- {
		id := r.order[i]
		if _, ok := r.cgroups[id]; ok && !seen[id] {
			seen[id] = true
			kept = append(kept, id)
		}
	}
	for i, j := 0, len(kept)-1; i < j; i, j = i+1, j-1 {
		kept[i], kept[j] = kept[j], kept[i]
	}
	r.order = kept
}

// share returns the one Container for all cgroups of a container. Users who name their
// cgroups have containers, but not those of others: who takes the id of one has none, and
// nobody is asked what it is.
func (r *Resolver) share(path string) *event.Container {
	c, user, ok := parse(path)
	if !ok || user && r.takes(c.FullID) {
		return nil
	}
	s := r.containers[c.FullID]
	if s == nil || s.user != user || s.container.PodUID != c.PodUID || s.container.Runtime != c.Runtime {
		s = &shared{container: &c, user: user}
		r.containers[c.FullID] = s
		if r.cfg.Containers != nil && !user {
			r.cfg.Containers.Began(&c)
		}
	}
	s.refs++
	return s.container
}

// takes tells that an id is that of a container which no user made.
func (r *Resolver) takes(id string) bool {
	s := r.containers[id]
	return s != nil && !s.user
}

// inode returns the inode number of a directory.
func inode(path string) (uint64, bool) {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return 0, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return st.Ino, true
}
