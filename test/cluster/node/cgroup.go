package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cgroup is the name of the room's root of cgroups: the kubelet keeps its pods below it,
// and everything else of the room is in system below it.
func (n *Node) cgroup() string { return fmt.Sprintf("goshawk-cluster-%d", n.number) }

// hierarchies are the mount points of cgroup file systems, of both versions.
func hierarchies() ([]string, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	var points []string
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 2 && (f[2] == "cgroup" || f[2] == "cgroup2") {
			points = append(points, f[1])
		}
	}
	if len(points) == 0 {
		return nil, errors.New("no cgroup file system is mounted")
	}
	return points, nil
}

// makeCgroups makes the root, and system in it, in every hierarchy.
func (n *Node) makeCgroups() error {
	points, err := hierarchies()
	if err != nil {
		return err
	}
	for _, p := range points {
		parent := p
		for _, name := range []string{n.cgroup(), "system"} {
			child := filepath.Join(parent, name)
			if err := os.MkdirAll(child, 0o755); err != nil {
				return err
			}
			if err := inherit(parent, child); err != nil {
				return err
			}
			parent = child
		}
	}
	return nil
}

// inherit gives a new cgroup what it lacks to be used: the processors and memory of its
// parent (version 1), or the controllers (version 2).
func inherit(parent, child string) error {
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		own, err := os.ReadFile(filepath.Join(child, name))
		if err != nil || len(bytes.TrimSpace(own)) > 0 {
			continue
		}
		value, err := os.ReadFile(filepath.Join(parent, name))
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(value)) == 0 {
			continue // version 2: empty means all
		}
		if err := os.WriteFile(filepath.Join(child, name), value, 0); err != nil {
			return err
		}
	}
	controllers, err := os.ReadFile(filepath.Join(parent, "cgroup.controllers"))
	if err != nil || filepath.Base(child) == "system" { // one with processes of its own cannot have any
		return nil
	}
	for _, c := range strings.Fields(string(controllers)) {
		_ = os.WriteFile(filepath.Join(parent, "cgroup.subtree_control"), []byte("+"+c), 0)
		_ = os.WriteFile(filepath.Join(child, "cgroup.subtree_control"), []byte("+"+c), 0)
	}
	return nil
}

// join puts a process, and whatever it starts, among the room's.
func (n *Node) join(pid int) error {
	points, err := hierarchies()
	if err != nil {
		return err
	}
	for _, p := range points {
		procs := filepath.Join(p, n.cgroup(), "system", "cgroup.procs")
		if err := os.WriteFile(procs, []byte(strconv.Itoa(pid)), 0); err != nil {
			return fmt.Errorf("put process %d into a cgroup: %w", pid, err)
		}
	}
	return nil
}

// members are the processes of the room and of its pods.
func (n *Node) members() []int {
	var pids []int
	seen := map[int]bool{}
	n.walkCgroups(func(dir string) {
		procs, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		for _, f := range strings.Fields(string(procs)) {
			if pid, err := strconv.Atoi(f); err == nil && !seen[pid] {
				seen[pid] = true
				pids = append(pids, pid)
			}
		}
	})
	return pids
}

// removeCgroups takes the room's away, the innermost first. A cgroup can be busy for a
// moment after its last process.
func (n *Node) removeCgroups(ctx context.Context) error {
	return until(ctx, "cgroups end", 20*time.Second, func() error {
		var dirs []string
		n.walkCgroups(func(dir string) { dirs = append(dirs, dir) })
		var err error
		for i := len(dirs) - 1; i >= 0; i-- {
			if e := os.Remove(dirs[i]); e != nil && !errors.Is(e, fs.ErrNotExist) {
				err = e
			}
		}
		return err
	})
}

// walkCgroups visits every cgroup of the room, parents first.
func (n *Node) walkCgroups(visit func(dir string)) {
	points, err := hierarchies()
	if err != nil || n.number == 0 {
		return
	}
	for _, p := range points {
		_ = filepath.WalkDir(filepath.Join(p, n.cgroup()), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				visit(path)
			}
			return nil
		})
	}
}
