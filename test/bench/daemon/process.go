package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Memory is what a process has in memory, in bytes.
type Memory struct {
	RSS   uint64 // all of it
	Rings uint64 // of that, mapped BPF maps: the kernel's rings
	Anon  uint64 // of that, its own heap and stacks
	File  uint64 // of that, mapped files: its program
}

// Own is the memory without the rings.
func (m Memory) Own() uint64 { return m.RSS - m.Rings }

// ReadMemory reads the memory of a process.
func ReadMemory(pid int) (Memory, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		return Memory{}, fmt.Errorf("read memory: %w", err)
	}
	return parseMemory(string(text)), nil
}

// parseMemory adds up the mappings of an smaps file. The kernel shows a ring's
// pages in none of the counters of /proc/PID/status but here.
func parseMemory(text string) Memory {
	var m Memory
	mapping := ""
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
		case !strings.HasSuffix(f[0], ":"): // address, rights, offset, device, inode, name
			mapping = strings.Join(f[min(5, len(f)):], " ")
		case f[0] == "Rss:" && len(f) > 1:
			kb, err := strconv.ParseUint(f[1], 10, 64)
			if err != nil {
				continue
			}
			m.add(mapping, kb<<10)
		}
	}
	return m
}

func (m *Memory) add(mapping string, n uint64) {
	m.RSS += n
	switch {
	case strings.Contains(mapping, "bpf-map"):
		m.Rings += n
	case strings.HasPrefix(mapping, "/"):
		m.File += n
	default:
		m.Anon += n
	}
}

// ReadCPU returns the time that all threads of a process have run, ended ones
// included. It is finer than the ticks of /proc/PID/stat.
func ReadCPU(pid int) (time.Duration, error) {
	const scheduler = 2 // CPUCLOCK_SCHED of the kernel's posix-timers
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduler), &ts); err != nil {
		return 0, fmt.Errorf("read the clock of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// Pin confines every thread of a process to these CPUs. Threads made later
// inherit it.
func Pin(pid int, cpus ...int) error {
	var set unix.CPUSet
	for _, c := range cpus {
		set.Set(c)
	}
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return fmt.Errorf("list threads: %w", err)
	}
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		err = unix.SchedSetaffinity(tid, &set)
		if err != nil && !errors.Is(err, unix.ESRCH) && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("pin thread %d: %w", tid, err)
		}
	}
	return nil
}
