package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// loop is one kind of call, made many times in a row.
type loop struct {
	name  string
	calls int           // in a batch
	rest  time.Duration // between batches, so that the agent can follow
	run   func(n int) error
}

// loops prepares the measured calls; their files lie below dir.
func loops(dir string) ([]loop, error) {
	tiny := filepath.Join(dir, "tiny")
	if err := writeTiny(tiny); err != nil {
		return nil, err
	}
	file, err := plainFile(dir)
	if err != nil {
		return nil, err
	}
	path := append([]byte(file), 0)
	return []loop{
		{name: "getppid", calls: 100_000, run: callGetppid},
		// A batch fills a tenth of the agent's ring.
		{name: "open+close", calls: 2500, rest: 10 * time.Millisecond, run: func(n int) error { return openClose(path, n) }},
		{name: "fork+exec+wait", calls: 25, rest: 5 * time.Millisecond, run: func(n int) error { return forkExec(tiny, n) }},
	}, nil
}

// plainFile makes a file that no rule cares about, as deep as files usually lie.
func plainFile(dir string) (string, error) {
	dir = filepath.Join(dir, "share", "data")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make a directory: %w", err)
	}
	file := filepath.Join(dir, "plain.txt")
	if err := os.WriteFile(file, []byte("unremarkable\n"), 0o644); err != nil {
		return "", fmt.Errorf("make a file: %w", err)
	}
	return file, nil
}

func callGetppid(n int) error {
	for range n {
		unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
	}
	return nil
}

// openClose opens and closes a file; path ends in a NUL. Go's own wrappers would
// cost as much as what is measured.
func openClose(path []byte, n int) error {
	const here = unix.AT_FDCWD
	name := unsafe.Pointer(unsafe.SliceData(path))
	for range n {
		fd, _, errno := unix.RawSyscall6(unix.SYS_OPENAT, uintptr(here&(1<<64-1)), uintptr(name), unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
		if errno != 0 {
			return fmt.Errorf("open a file: %w", errno)
		}
		unix.RawSyscall(unix.SYS_CLOSE, fd, 0, 0)
	}
	runtime.KeepAlive(path)
	return nil
}

func forkExec(program string, n int) error {
	args := []string{program}
	for range n {
		pid, err := syscall.ForkExec(program, args, nil)
		if err != nil {
			return fmt.Errorf("start the tiny program: %w", err)
		}
		var status unix.WaitStatus
		if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
			return fmt.Errorf("wait for the tiny program: %w", err)
		}
		if status.ExitStatus() != 0 {
			return fmt.Errorf("tiny program ended with status %#x", status)
		}
	}
	return nil
}

// measure runs batches for the given time on one CPU and returns the median of
// their nanoseconds per call. The first batches only warm up: after a program
// was attached each thread takes a slower way into the kernel once.
func measure(l loop, cpu int, d time.Duration) (float64, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	restore, err := pinThread(cpu)
	if err != nil {
		return 0, err
	}
	defer restore()
	const warm = 2
	var batches []float64
	end := time.Now().Add(d)
	for i := 0; i < warm+3 || time.Now().Before(end); i++ {
		before, err := threadTime()
		if err != nil {
			return 0, err
		}
		if err := l.run(l.calls); err != nil {
			return 0, err
		}
		after, err := threadTime()
		if err != nil {
			return 0, err
		}
		if i >= warm {
			batches = append(batches, float64(after-before)/float64(l.calls))
		}
		time.Sleep(l.rest)
	}
	return quantile(batches, 0.5), nil
}

// threadTime is the time that this thread has run, with the children it has
// waited for. Other programs on the CPU, the agent included, do not add to it
// as they would to the time on the wall.
func threadTime() (time.Duration, error) {
	var ts unix.Timespec
	var children unix.Rusage
	err := errors.Join(unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts), unix.Getrusage(unix.RUSAGE_CHILDREN, &children))
	if err != nil {
		return 0, fmt.Errorf("read the clock of the thread: %w", err)
	}
	return time.Duration(ts.Nano() + children.Utime.Nano() + children.Stime.Nano()), nil
}

// pinThread confines the calling thread, and the children it starts, to a CPU.
func pinThread(cpu int) (restore func(), err error) {
	var before, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return nil, fmt.Errorf("read the thread's CPUs: %w", err)
	}
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("pin to CPU %d: %w", cpu, err)
	}
	return func() { _ = unix.SchedSetaffinity(0, &before) }, nil // it was the thread's own
}
