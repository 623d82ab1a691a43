package workload

import (
	"path/filepath"
	"time"
)

// unified knows the ids that cgroups have in the unified hierarchy where another one
// names the containers: there a cgroup of the same path is taken for the same. Sockets
// know their cgroup in the unified hierarchy alone.
type unified struct {
	mount string
	paths map[uint64]string
	later []string  // that were not there when they were looked for: runtimes make them last
	next  time.Time // when they may be looked for again
	begun time.Time
}

// The most paths that are kept, and how often it is looked for those that were not there:
// anybody's packets can lead to a cgroup that is not known.
const (
	maxUnified = 65536
	maxLater   = 256
	lookAgain  = 100 * time.Millisecond
	startAgain = 10 * time.Minute
)

// Unified returns the full id of the container that a cgroup of the unified hierarchy
// belongs to, "" for the host; false if the cgroup is not known.
func (r *Resolver) Unified(id uint64) (container string, ok bool) {
	if r.controller == "" {
		c, ok := r.Container(id)
		if c == nil {
			return "", ok
		}
		return c.FullID, ok
	}
	// Most of those that fill it are gone.
	if r.unified == nil || len(r.unified.paths) >= maxUnified && time.Since(r.unified.begun) > startAgain {
		r.unified = &unified{mount: mountOf(r.cfg.CgroupRoot, ""), paths: map[uint64]string{}, begun: time.Now()}
		for _, c := range r.cgroups {
			r.unified.add(c.path)
		}
	}
	path, ok := r.unified.find(id)
	if !ok {
		return "", false
	}
	c, user, _ := parse(path)
	if user && r.takes(c.FullID) {
		return "", true
	}
	return c.FullID, true
}

func (u *unified) add(path string) {
	if len(u.paths) >= maxUnified {
		return
	}
	if id, ok := inode(filepath.Join(u.mount, path)); ok {
		u.paths[id] = path
		return
	}
	if len(u.later) >= maxLater {
		u.later = u.later[maxLater/2:]
	}
	u.later = append(u.later, path)
}

// find returns the path of a cgroup, and looks again for those that were not there.
func (u *unified) find(id uint64) (string, bool) {
	if path, ok := u.paths[id]; ok {
		return path, true
	}
	now := time.Now()
	if len(u.later) == 0 || now.Before(u.next) {
		return "", false
	}
	u.next = now.Add(lookAgain)
	later := u.later
	u.later = nil
	for _, path := range later {
		u.add(path)
	}
	path, ok := u.paths[id]
	return path, ok
}
