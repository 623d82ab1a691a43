package workload

import "path/filepath"

// unified knows the ids that cgroups have in the unified hierarchy where another one
// names the containers: there a cgroup of the same path is taken for the same. Sockets
// know their cgroup in the unified hierarchy alone.
type unified struct {
	mount string
	paths map[uint64]string
	later []string // that were not there when they were looked for: runtimes make them last
}

// The most paths that are kept; what is over is read anew.
const (
	maxUnified = 65536
	maxLater   = 256
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
	if r.unified == nil {
		r.unified = &unified{mount: mountOf(r.cfg.CgroupRoot, ""), paths: map[uint64]string{}}
		for _, c := range r.cgroups {
			r.unified.add(c.path)
		}
	}
	path, ok := r.unified.find(id)
	if !ok {
		return "", false
	}
	c, _ := Parse(path)
	return c.FullID, true
}

func (u *unified) add(path string) {
	if len(u.paths) >= maxUnified {
		clear(u.paths)
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
	later := u.later
	u.later = nil
	for _, path := range later {
		u.add(path)
	}
	path, ok := u.paths[id]
	return path, ok
}
