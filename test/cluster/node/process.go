package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// start runs a component in the room, in the background.
func (n *Node) start(name, program string, args ...string) error {
	enter, err := n.enter()
	if err != nil {
		return err
	}
	if err := n.spawn(name, &syscall.SysProcAttr{Setsid: true}, append(append(enter, program), args...)...); err != nil {
		return err
	}
	pid, ok := n.pid(name)
	if !ok {
		return fmt.Errorf("start %s: it ended at once: see %s", name, n.logFile(name))
	}
	return n.join(pid)
}

// spawn runs a command in the background, with its output in a file, and notes its id
// for who stops it later.
func (n *Node) spawn(name string, attr *syscall.SysProcAttr, command ...string) error {
	log, err := os.OpenFile(n.logFile(name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Dir, cmd.SysProcAttr = log, log, n.Dir, attr
	cmd.Env = append(os.Environ(), "PATH="+systemPath)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	go func() { _ = cmd.Wait() }()
	started, err := birth(cmd.Process.Pid)
	if err != nil {
		return fmt.Errorf("start %s: it ended at once: see %s", name, log.Name())
	}
	return os.WriteFile(n.pidFile(name), fmt.Appendf(nil, "%d %s\n", cmd.Process.Pid, started), 0o644)
}

// systemPath is where Debian's programs are, whatever the caller's PATH.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func (n *Node) pidFile(name string) string { return filepath.Join(n.Dir, "run", name+".pid") }

func (n *Node) logFile(name string) string { return filepath.Join(n.Dir, "log", name+".log") }

// birth returns the start time of a process, as the kernel writes it: with the id it
// names the process for good.
func birth(pid int) (string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 20 || fields[0] == "Z" {
		return "", errors.New("it ended")
	}
	return fields[19], nil
}

// pid returns the id of a component that runs.
func (n *Node) pid(name string) (int, bool) {
	b, err := os.ReadFile(n.pidFile(name))
	if err != nil {
		return 0, false
	}
	id, started, _ := strings.Cut(strings.TrimSpace(string(b)), " ")
	pid, err := strconv.Atoi(id)
	if err != nil {
		return 0, false
	}
	now, err := birth(pid)
	return pid, err == nil && now == started
}

// stop ends a component: politely, then not.
func (n *Node) stop(name string) {
	pid, ok := n.pid(name)
	if !ok {
		return
	}
	_ = syscall.Kill(pid, syscall.SIGTERM)
	for range 100 {
		if _, ok := n.pid(name); !ok {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

// Pause stops a component in its tracks, and Resume lets it go on: a server that hangs.
func (n *Node) Pause(name string) error { return n.signal(name, syscall.SIGSTOP) }

// Resume lets a component go on that was paused.
func (n *Node) Resume(name string) error { return n.signal(name, syscall.SIGCONT) }

func (n *Node) signal(name string, s syscall.Signal) error {
	pid, ok := n.pid(name)
	if !ok {
		return fmt.Errorf("%s does not run", name)
	}
	return syscall.Kill(pid, s)
}

// until calls ok until it is nil or the time is over.
func until(ctx context.Context, what string, limit time.Duration, ok func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := ok()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not within %v: %w", what, limit, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
