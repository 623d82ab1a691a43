package workload

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// controllers are the hierarchies of cgroup v1 that tell containers apart, best
// first: container runtimes always use them.
var controllers = [...]string{"pids", "memory", "cpu", "name=systemd"}

// maxCgroupFile bounds what is read of a /proc/PID/cgroup.
const maxCgroupFile = 64 << 10

// Hierarchy chooses the cgroup hierarchy whose ids and paths count: the name of
// a v1 controller (or name=systemd) on v1 and hybrid systems, "" for the unified
// hierarchy of v2. procRoot is where proc is mounted.
func Hierarchy(procRoot string) (string, error) {
	var first error
	for _, who := range []string{"self", "1"} {
		data, err := readBounded(filepath.Join(procRoot, who, "cgroup"), maxCgroupFile)
		if err == nil && len(data) > 0 {
			return choose(data), nil
		}
		if err != nil && first == nil {
			first = err
		}
	}
	if first == nil {
		first = fmt.Errorf("%s/self/cgroup is empty: the kernel has no cgroups", procRoot)
	}
	return "", fmt.Errorf("choose the cgroup hierarchy: %w", first)
}

func choose(data []byte) string {
	for _, c := range controllers {
		if _, ok := PathIn(data, c); ok {
			return c
		}
	}
	return ""
}

// PathIn finds the path of a hierarchy in the text of a /proc/PID/cgroup, whose
// lines are id:controllers:path.
func PathIn(data []byte, controller string) (string, bool) {
	for line := range bytes.Lines(data) {
		id, rest, ok := strings.Cut(strings.TrimSuffix(string(line), "\n"), ":")
		if !ok {
			continue
		}
		names, path, ok := strings.Cut(rest, ":")
		if !ok {
			continue
		}
		if controller == "" {
			if id == "0" && names == "" {
				return path, true
			}
		} else if slices.Contains(strings.Split(names, ","), controller) {
			return path, true
		}
	}
	return "", false
}

// mountOf returns the directory where the hierarchy is below root, where cgroup
// file systems are mounted.
func mountOf(root, controller string) string {
	if controller == "" {
		if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err != nil {
			if _, err := os.Stat(filepath.Join(root, "unified")); err == nil {
				return filepath.Join(root, "unified")
			}
		}
		return root
	}
	name := strings.TrimPrefix(controller, "name=")
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	// Joint hierarchies are named for all their controllers: cpu,cpuacct.
	entries, err := os.ReadDir(root)
	if err != nil {
		return dir
	}
	for _, e := range entries {
		if slices.Contains(strings.Split(e.Name(), ","), name) {
			return filepath.Join(root, e.Name())
		}
	}
	return dir
}

// readBounded reads at most limit bytes of a file.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}
