package workload

import (
	"path/filepath"
	"slices"
	"time"
)

// unified knows the ids that cgroups have in the unified hierarchy where another one
// names the containers: there a cgroup of the same path is taken for the same. Sockets
// know their cgroup in the unified hierarchy alone.
type unified struct {
	mount string
	paths map[uint64]string
	fresh []string  // that were not there when they came: runtimes make them last
	later []string  // that were not there when they were looked for, either
	next  time.Time // when those may be looked for again
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
	if len(u.paths) >= maxUnified || u.learn(path) {
		return
	}
	if len(u.fresh) >= maxLater {
		u.fresh = u.fresh[maxLater/2:]
	}
	u.fresh = append(u.fresh, path)
}

// learn keeps a path if it is there.
func (u *unified) learn(path string) bool {
	id, ok := inode(filepath.Join(u.mount, path))
	if ok {
		u.paths[id] = path
	}
	return ok
}

// find returns the path of a cgroup, and looks again for those that were not there: once
// for each when somebody asks, and then for all of them now and again.
func (u *unified) find(id uint64) (string, bool) {
	if path, ok := u.paths[id]; ok {
		return path, true
	}
	if len(u.fresh) > 0 {
		u.later = append(u.later, slices.DeleteFunc(u.fresh, u.learn)...)
		u.later = u.later[max(0, len(u.later)-maxLater):]
		u.fresh = nil
	} else if now := time.Now(); len(u.later) > 0 && !now.Before(u.next) {
		u.next = now.Add(lookAgain)
		u.later = slices.DeleteFunc(u.later, u.learn)
	}
	path, ok := u.paths[id]
	return path, ok
}
