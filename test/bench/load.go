package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// loadVariable makes this program the process that opens files: its value is a
// load as JSON.
const loadVariable = "GOSHAWK_BENCH_LOAD"

// load is a rate of opens, held for a time on one CPU.
type load struct {
	Rate float64
	For  time.Duration
	CPU  int
	Path string
}

// String writes the load for loadVariable.
func (l load) String() string {
	text, err := json.Marshal(l)
	if err != nil {
		return err.Error() // numbers and a path: never
	}
	return string(text)
}

// loadMain is the process that opens files. It prints how many it opened and in
// how many nanoseconds.
func loadMain(spec string) int {
	var l load
	if err := json.Unmarshal([]byte(spec), &l); err != nil {
		fmt.Fprintln(os.Stderr, "bench: read load:", err)
		return 2
	}
	calls, took, err := l.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	fmt.Println(calls, took.Nanoseconds())
	return 0
}

// run opens as many files in each millisecond as are due. What was not done in
// time is done later, but no more than 20 ms worth at once: a load that was
// stopped for a while must not become a burst.
func (l load) run() (calls int, took time.Duration, err error) {
	runtime.LockOSThread() // for good: the process ends with the load
	if _, err := pinThread(l.CPU); err != nil {
		return 0, 0, err
	}
	if err := outrank(); err != nil {
		return 0, 0, err
	}
	path := append([]byte(l.Path), 0)
	start := time.Now()
	due := 0.0
	for last := start; ; {
		now := time.Now()
		due = min(due+now.Sub(last).Seconds()*l.Rate, l.Rate/50)
		last = now
		if now.Sub(start) >= l.For {
			return calls, now.Sub(start), nil
		}
		n := min(int(due), 1000)
		if err := openClose(path, n); err != nil {
			return 0, 0, err
		}
		calls += n
		due -= float64(n)
		if due < 1 {
			time.Sleep(time.Millisecond)
		}
	}
}

// outrank puts this process before others, so that the rate is what was asked
// for; where nothing else runs this changes nothing. Where the kernel weighs
// sessions against each other, a priority counts only within one.
func outrank() error {
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, -20); err != nil {
		return fmt.Errorf("raise the load's priority: %w", err)
	}
	if _, err := unix.Setsid(); err != nil {
		return fmt.Errorf("make a session for the load: %w", err)
	}
	err := os.WriteFile("/proc/self/autogroup", []byte("-20"), 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("raise the priority of the load's session: %w", err)
	}
	return nil
}
