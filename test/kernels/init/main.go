// Command init is the first and only program of a virtual machine: it mounts
// what tests need, runs /test with the arguments it got, says how that ended
// and stops the machine. test/kernels/run makes an initramfs of it.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

func main() {
	if os.Getpid() != 1 { // it would restart the machine
		fmt.Fprintln(os.Stderr, "init: this is for virtual machines, see test/kernels/run")
		os.Exit(2)
	}
	status := 1
	if err := prepare(); err != nil {
		fmt.Println("init:", err)
	} else if status, err = run(); err != nil {
		fmt.Println("init:", err)
	}
	fmt.Printf("\n== exit %d\n", status)
	unix.Sync()
	unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART) // the emulator is told not to; not every board can power off
}

// mounts are what a distribution has mounted when an agent starts, with
// cgroups of both versions. The root itself is the initramfs.
var mounts = []struct{ kind, target, options string }{
	{"proc", "/proc", ""},
	{"sysfs", "/sys", ""},
	{"devtmpfs", "/dev", ""},
	{"tmpfs", "/tmp", ""},
	{"tmpfs", "/sys/fs/cgroup", ""},
	{"cgroup2", "/sys/fs/cgroup/unified", ""},
	{"cgroup", "/sys/fs/cgroup/pids", "pids"},
}

func prepare() error {
	for _, m := range mounts {
		if err := os.MkdirAll(m.target, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.target, m.kind, 0, m.options); err != nil {
			return fmt.Errorf("mount %s on %s: %w", m.kind, m.target, err)
		}
	}
	return loopbackUp()
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("bring up the loopback device: %w", err)
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req); err != nil {
		return fmt.Errorf("bring up the loopback device: %w", err)
	}
	return nil
}

// run starts the test. Its arguments lie in /args, since the kernel has
// its own mind about some on its command line.
func run() (status int, err error) {
	args, err := os.ReadFile("/args")
	if err != nil {
		return 1, err
	}
	cmd := exec.Command("/test", strings.Fields(string(args))...)
	cmd.Dir = "/tmp"
	cmd.Env = []string{"PATH=/", "HOME=/", "TMPDIR=/tmp"}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
	err = cmd.Run()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return failed.ExitCode(), nil
	}
	if err != nil {
		return 1, fmt.Errorf("run the test: %w", err)
	}
	return 0, nil
}
