package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// cgroups says which hierarchy container ids are read from.
func (h Host) cgroups() Check {
	c := Check{Name: "cgroups"}
	text, err := os.ReadFile(filepath.Join(h.Proc, "self/mountinfo"))
	if err != nil {
		c.Status, c.Found = Degraded, fmt.Sprintf("unknown: %v", err)
		c.Fix = "mount /proc"
		return c
	}
	v1, v2 := cgroupMounts(string(text))
	switch {
	case v2 && v1:
		c.Found = "hybrid: version 2 beside version 1 controllers"
	case v2:
		c.Found = "version 2"
	case v1:
		c.Found = "version 1"
	default:
		c.Status = Degraded
		c.Found = "no cgroup file system is mounted, so containers are known only from what the kernel reports"
		c.Fix = "mount /sys/fs/cgroup read-only"
	}
	if root := h.cgroupRoot(); c.Status == OK && !cgroupVisible(root) {
		c.Status = Degraded
		c.Found += fmt.Sprintf(", but %s shows no cgroups, so containers are known only from what the kernel reports", root)
		c.Fix = "mount the host's /sys/fs/cgroup there read-only, or set node.cgroup to where it is"
	}
	return c
}

func (h Host) cgroupRoot() string {
	if h.Cgroup != "" {
		return h.Cgroup
	}
	return filepath.Join(h.Sys, "fs/cgroup")
}

// cgroupVisible tells whether a hierarchy is at root, as version 2 is, or in a
// directory of it, as those of version 1 are. Something else may be mounted over
// it, which mountinfo does not make plain.
func cgroupVisible(root string) bool {
	for _, pattern := range []string{"cgroup.procs", "*/cgroup.procs"} {
		if found, err := filepath.Glob(filepath.Join(root, pattern)); err == nil && len(found) > 0 {
			return true
		}
	}
	return false
}

// cgroupMounts tells which versions are mounted. In mountinfo the type follows a
// lone dash.
func cgroupMounts(mountinfo string) (v1, v2 bool) {
	for line := range strings.Lines(mountinfo) {
		_, tail, ok := strings.Cut(line, " - ")
		if !ok {
			continue
		}
		switch kind, _, _ := strings.Cut(tail, " "); kind {
		case "cgroup":
			v1 = true
		case "cgroup2":
			v2 = true
		}
	}
	return v1, v2
}

// The kernel gives the first pid namespace this inode number (PROC_PID_INIT_INO).
const firstPIDNamespace = "pid:[4026531836]"

// pidNamespace: the kernel side reports pids of the first namespace; they mean
// nothing to a /proc that shows another.
func (h Host) pidNamespace() Check {
	c := Check{Name: "pid namespace"}
	ns, err := os.Readlink(filepath.Join(h.Proc, "self/ns/pid"))
	switch {
	case err != nil:
		c.Status, c.Found = Degraded, fmt.Sprintf("unknown: %v", err)
		c.Fix = "mount /proc"
	case ns != firstPIDNamespace && !h.outerProc():
		c.Status = Degraded
		c.Found = "the agent is in a pid namespace of its own (" + ns + "), so that the kernel's process numbers mean nothing to it:" +
			" processes that started before it are not known, and lineages end at them"
		c.Fix = "run it with hostPID: true (Kubernetes) or --pid=host (Docker)"
	case ns != firstPIDNamespace:
		c.Found = "its own (" + ns + "), with the /proc of an outer one at " + h.Proc
	default:
		c.Found = "the host's"
	}
	return c
}

// outerProc tells whether /proc belongs to a pid namespace further out than the
// agent's: it then shows more than one number of the agent.
func (h Host) outerProc() bool {
	text, err := os.ReadFile(filepath.Join(h.Proc, "self/status"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if numbers, ok := strings.CutPrefix(line, "NSpid:"); ok {
			return len(strings.Fields(numbers)) > 1
		}
	}
	return false
}

// procVisible tells whether /proc shows other users' processes.
func (h Host) procVisible() Check {
	c := Check{Name: "/proc"}
	entries, err := os.ReadDir(h.Proc)
	if err != nil {
		c.Status, c.Found, c.Fix = Degraded, fmt.Sprintf("cannot be read (%v)", err), "mount /proc"
		return c
	}
	processes, closed := 0, 0
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		processes++
		// exe and cwd need the right to trace the process and nothing else; the
		// threads of the kernel have none.
		if _, err := os.Readlink(filepath.Join(h.Proc, e.Name(), "exe")); os.IsPermission(err) {
			closed++
		}
	}
	return h.closedProcesses(c, processes, closed)
}

// closedProcesses judges that so many processes cannot be read. One alone is
// usually the first process of a container that is better protected than the
// agent: nothing that can or must be changed.
func (h Host) closedProcesses(c Check, processes, closed int) Check {
	c.Found = fmt.Sprintf("%d processes", processes)
	switch {
	case closed == 0:
	case closed == 1:
		c.Found += ", one of which cannot be read and is known in part"
	default:
		c.Status = Degraded
		c.Found = fmt.Sprintf("%d of %d processes cannot be read, so what ran before the agent is known in part", closed, processes)
		c.Fix = "run as root or grant CAP_SYS_PTRACE"
		if set, err := h.effective(); err == nil && set.has(unix.CAP_SYS_PTRACE) {
			c.Fix = "CAP_SYS_PTRACE is there: look for a user namespace or a security module (AppArmor, SELinux, Yama) that denies it"
		}
	}
	return c
}

// Enough for the agent with full rings and a process table of usual size.
const comfortableMemory = 128 << 20

// memoryLimit finds the tightest limit of the cgroups that the agent is in.
func (h Host) memoryLimit() Check {
	c := Check{Name: "memory limit"}
	limit, ok := h.MemoryLimit()
	switch {
	case !ok:
		c.Found = "none"
	case limit < comfortableMemory:
		c.Status = Degraded
		c.Found = fmt.Sprintf("%d MiB, which a busy machine can exhaust", limit>>20)
		c.Fix = fmt.Sprintf("allow %d MiB, or make the buffers smaller (buffers.events)", comfortableMemory>>20)
	default:
		c.Found = fmt.Sprintf("%d MiB", limit>>20)
	}
	return c
}

// MemoryLimit returns the tightest memory limit of the cgroups that this process
// is in, in bytes. There may be none.
func (h Host) MemoryLimit() (int64, bool) {
	text, err := os.ReadFile(filepath.Join(h.Proc, "self/cgroup"))
	if err != nil {
		return 0, false
	}
	limit, found := int64(0), false
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		root, file := "fs/cgroup", "memory.max"
		switch parts[1] {
		case "":
		case "memory":
			root, file = "fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		if l, ok := tightest(filepath.Join(h.Sys, root), parts[2], file); ok && (!found || l < limit) {
			limit, found = l, true
		}
	}
	return limit, found
}

// tightest walks from a cgroup up to the root. Version 1 writes "no limit" as a
// number near the largest.
func tightest(root, path, file string) (limit int64, found bool) {
	const none = 1 << 60
	for {
		text, err := os.ReadFile(filepath.Join(root, path, file))
		if err == nil {
			l, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
			if err == nil && l < none && (!found || l < limit) {
				limit, found = l, true
			}
		}
		if path == "/" || path == "." || path == "" {
			return limit, found
		}
		path = filepath.Dir(path)
	}
}
