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

// holder keeps the namespaces of a room while nothing else is in them.
const holder = "room"

// covered are directories of the machine in whose place a room has its own. They are such
// as every machine has: a directory made for the purpose would be missed by the other
// rooms when one takes it away again.
var covered = []string{"/var/lib", "/var/log"}

// furniture is in the room's own: what components want to find.
var furniture = []string{"/run/containerd", "/var/lib/kubelet", "/var/lib/cni", "/var/log/pods", "/var/log/containers"}

// furnish is run in the new room. The file system of /run is the room's own, since
// sockets, locks and network namespaces are there; that of containerd can be seen from
// outside. What it mounts is shared among the room's processes, as a kubelet wants, and
// with nobody else.
const furnish = `set -e
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/containerd /run/netns /run/lock
for d in /run/containerd %[2]s; do mount --bind %[1]s/room$d $d; done
mount --bind %[1]s/hosts /etc/hosts
ip link set lo up
ip address add %[3]s/24 dev eth0
ip link set eth0 up
ip route add default via %[4]s
echo 1 > /proc/sys/net/ipv4/ip_forward
iptables -t nat -A POSTROUTING -s %[5]s -o eth0 -j MASQUERADE
`

// openRoom makes the namespaces, the devices between them and the machine, and cgroups.
func (n *Node) openRoom(ctx context.Context) error {
	if err := n.rememberKernel(); err != nil {
		return err
	}
	for _, d := range furniture {
		if err := os.MkdirAll(filepath.Join(n.Dir, "room", d), 0o711); err != nil {
			return err
		}
	}
	if err := n.spawn(holder, &syscall.SysProcAttr{Setsid: true, Unshareflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS}, "sleep", "infinity"); err != nil {
		return err
	}
	if err := n.connect(ctx); err != nil {
		return fmt.Errorf("join the room to the machine: %w", err)
	}
	if err := n.makeCgroups(); err != nil {
		return fmt.Errorf("make cgroups: %w", err)
	}
	hosts := fmt.Sprintf("127.0.0.1 localhost\n%s %s\n", n.Address(), Name)
	if err := os.WriteFile(filepath.Join(n.Dir, "hosts"), []byte(hosts), 0o644); err != nil {
		return err
	}
	script := fmt.Sprintf(furnish, n.Dir, strings.Join(covered, " "), n.Address(), n.Outside(), podRange)
	_, err := n.Inside(ctx, "sh", "-c", script)
	return err
}

// connect lays a pair of devices, of the first number that is free.
func (n *Node) connect(ctx context.Context) error {
	pid, ok := n.pid(holder)
	if !ok {
		return errors.New("its first process ended")
	}
	var err error
	for n.number = 1; n.number < 100; n.number++ {
		if _, err = n.output(ctx, "ip", "link", "add", n.device(), "type", "veth", "peer", "name", "eth0", "netns", strconv.Itoa(pid)); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	if err := os.WriteFile(n.numberFile(), []byte(strconv.Itoa(n.number)), 0o644); err != nil {
		return err
	}
	for _, step := range [][]string{
		{"address", "add", n.Outside() + "/24", "dev", n.device()},
		{"link", "set", n.device(), "up"},
	} {
		if _, err := n.output(ctx, "ip", step...); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) numberFile() string { return filepath.Join(n.Dir, "run", "number") }

// device is the machine's end of the pair.
func (n *Node) device() string { return fmt.Sprintf("goshawk%d", n.number) }

// Address is the node's address, also the API server's.
func (n *Node) Address() string { return fmt.Sprintf("10.99.%d.1", n.number) }

// Outside is an address of the machine that pods reach: the world outside of the cluster.
func (n *Node) Outside() string { return fmt.Sprintf("10.99.%d.2", n.number) }

// Inside runs a command in the room and returns what it wrote to standard output.
func (n *Node) Inside(ctx context.Context, program string, args ...string) (string, error) {
	enter, err := n.enter()
	if err != nil {
		return "", err
	}
	return n.output(ctx, enter[0], append(append(enter[1:], program), args...)...)
}

// enter is what a command is preceded by to be run in the room.
func (n *Node) enter() ([]string, error) {
	pid, ok := n.pid(holder)
	if !ok {
		return nil, fmt.Errorf("no cluster runs in %s", n.Dir)
	}
	return []string{"nsenter", "--target", strconv.Itoa(pid), "--net", "--mount", "--"}, nil
}

// closeRoom ends whatever is left in the room. With its last process go its mounts, its
// network and the network namespaces of its pods.
func (n *Node) closeRoom(ctx context.Context) error {
	n.stop(holder)
	err := until(ctx, "processes of the room end", 30*time.Second, func() error {
		left := n.members()
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if len(left) > 0 {
			return fmt.Errorf("%d are left", len(left))
		}
		return nil
	})
	errs := []error{err, n.removeCgroups(ctx), n.restoreKernel()}
	if n.number > 0 { // a namespace goes some time after its last process
		_ = exec.CommandContext(ctx, "ip", "link", "delete", n.device()).Run()
	}
	return errors.Join(errs...)
}

// kernelSettings are those of the whole machine that a kubelet changes.
var kernelSettings = []string{"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
	"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"}

// rememberKernel notes them.
func (n *Node) rememberKernel() error {
	for _, s := range kernelSettings {
		value, err := os.ReadFile(filepath.Join("/proc/sys", s))
		if err != nil {
			return err
		}
		if err := os.WriteFile(n.settingFile(s), value, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// restoreKernel sets them as they were.
func (n *Node) restoreKernel() error {
	var errs []error
	for _, s := range kernelSettings {
		was, err := os.ReadFile(n.settingFile(s))
		if err != nil {
			continue // not changed yet
		}
		path := filepath.Join("/proc/sys", s)
		if now, err := os.ReadFile(path); err != nil || string(now) != string(was) {
			errs = append(errs, err, os.WriteFile(path, was, 0))
		}
	}
	return errors.Join(errs...)
}

func (n *Node) settingFile(name string) string {
	return filepath.Join(n.Dir, "run", strings.ReplaceAll(name, "/", "."))
}
