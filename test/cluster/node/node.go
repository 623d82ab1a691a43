package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Name is the node's name.
const Name = "node1"

// Addresses inside the room: no two rooms meet.
const (
	podRange     = "10.88.0.0/22"
	serviceRange = "10.96.0.0/16"
	apiService   = "10.96.0.1"
	dnsService   = "10.96.0.10"
	apiPort      = 6443
	clientURL    = "http://127.0.0.1:2379"
	peerURL      = "http://127.0.0.1:2380"
)

// Node is the cluster.
type Node struct {
	Dir        string // everything is below it
	Kubeconfig string // of the administrator; works on the machine and in the room
	Socket     string // of containerd, as the machine sees it; /run/containerd/containerd.sock in the room
	AuditLog   string // of the API server, a JSON object a line

	number int    // of the room on this machine
	kube   string // the program that is all of Kubernetes
	helm   string
}

// At returns the cluster whose directory is dir, running or not.
func At(dir string) (*Node, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	cache = filepath.Join(cache, "goshawk-cluster")
	n := &Node{Dir: dir, Kubeconfig: filepath.Join(dir, "admin.kubeconfig"), AuditLog: filepath.Join(dir, "log", "audit.log"),
		Socket: filepath.Join(dir, "room/run/containerd/containerd.sock"), kube: filepath.Join(cache, "kube"), helm: filepath.Join(cache, "helm")}
	if b, err := os.ReadFile(n.numberFile()); err == nil {
		n.number, _ = strconv.Atoi(string(b))
	}
	return n, nil
}

// Running tells that the cluster was started and not stopped.
func (n *Node) Running() bool {
	_, ok := n.pid(holder)
	return ok
}

// directories are made before anything starts.
var directories = []string{"pki", "log", "run", "etcd", "cni", "ipam", "manifests", "bin", "image", "room"}

// Start builds what is not there yet and starts the cluster. It returns once the node
// is ready. What was started before an error is stopped by Stop.
func (n *Node) Start(ctx context.Context) error {
	if n.Running() {
		return fmt.Errorf("a cluster runs in %s already", n.Dir)
	}
	for _, d := range directories {
		if err := os.MkdirAll(filepath.Join(n.Dir, d), 0o755); err != nil {
			return err
		}
	}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"build the programs", n.build},
		{"open a room", n.openRoom},
		{"write keys", func(context.Context) error { return n.writeKeys() }},
		{"write configuration", func(context.Context) error { return n.writeFiles() }},
		{"start the control plane", n.startControlPlane},
		{"start containerd", n.startContainerd},
		{"make images", n.makeImages},
		{"start the node", n.startNode},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

func (n *Node) startContainerd(ctx context.Context) error {
	if err := n.start("containerd", "containerd", "--config", filepath.Join(n.Dir, "containerd.toml")); err != nil {
		return err
	}
	return until(ctx, "containerd answers", 30*time.Second, func() error {
		_, err := n.ctr(ctx, "version")
		return err
	})
}

// startNode starts kubelet and kube-proxy.
func (n *Node) startNode(ctx context.Context) error {
	if err := n.start("kubelet", n.bin("kubelet"), n.config("kubelet"), "--config="+filepath.Join(n.Dir, "kubelet.yaml"),
		"--hostname-override="+Name, "--node-ip="+n.Address(), "--cert-dir="+filepath.Join(n.Dir, "pki")); err != nil {
		return err
	}
	// The limits of connection tracking belong to the machine's own network alone.
	if err := n.start("kube-proxy", n.bin("kube-proxy"), n.config("proxy"), "--hostname-override="+Name, "--proxy-mode=iptables",
		"--cluster-cidr="+podRange, "--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0s", "--conntrack-tcp-timeout-close-wait=0s",
		"--iptables-min-sync-period=100ms"); err != nil {
		return err
	}
	return until(ctx, "the node is ready", 2*time.Minute, func() error {
		out, err := n.Kubectl(ctx, "get", "node", Name, "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].status}`)
		if err == nil && out != "True" {
			err = errors.New("not Ready: " + out)
		}
		return err
	})
}

// stopOrder is how components end; the runtime last, since it ends the pods.
var stopOrder = []string{"kube-proxy", "kubelet", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"}

// Stop takes the cluster away: pods, processes, network, files. It does what can be
// done and returns what went wrong. Where nothing runs it does nothing.
func (n *Node) Stop(ctx context.Context) error {
	if n.Dir == "" || n.Dir == "/" {
		return errors.New("a cluster has no directory")
	}
	for _, name := range append([]string{"containerd"}, stopOrder...) {
		_ = n.Resume(name) // a test may have left it paused
	}
	for _, name := range stopOrder {
		n.stop(name)
	}
	if _, ok := n.pid("containerd"); ok {
		n.killPods(ctx)
		n.stop("containerd")
	}
	err := n.closeRoom(ctx)
	if err != nil {
		return err // the directory is what one needs to find out
	}
	return os.RemoveAll(n.Dir)
}

// killPods ends what containerd still runs, so that its shims tidy up. What resists is
// ended with the room.
func (n *Node) killPods(ctx context.Context) {
	_ = until(ctx, "pods end", 20*time.Second, func() error {
		list, err := n.ctr(ctx, "tasks", "list", "--quiet")
		if err != nil {
			return err
		}
		ids := strings.Fields(list)
		if len(ids) == 0 {
			return nil
		}
		_, _ = n.ctr(ctx, append([]string{"tasks", "delete", "--force"}, ids...)...)
		return fmt.Errorf("%d are left", len(ids))
	})
}

// ctr asks containerd.
func (n *Node) ctr(ctx context.Context, args ...string) (string, error) {
	return n.output(ctx, "ctr", append([]string{"--address", n.Socket, "--namespace", "k8s.io"}, args...)...)
}

// hasOverlay tells whether layers of images can be laid over each other below dir.
func hasOverlay(dir string) bool {
	const overlay = 0x794c7630 // the magic number of a file system that is itself such
	var s syscall.Statfs_t
	return syscall.Statfs(dir, &s) == nil && s.Type != overlay
}
