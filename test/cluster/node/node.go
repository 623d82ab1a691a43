package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Name is the node's name.
const Name = "node1"

const (
	apiAddress   = "10.99.0.1"
	apiPort      = 6443
	podRange     = "10.88.0.0/24"
	serviceRange = "10.96.0.0/16"
	dnsAddress   = "10.96.0.10"
	clientURL    = "http://127.0.0.1:23790"
	peerURL      = "http://127.0.0.1:23800"
)

// Node is the cluster.
type Node struct {
	Dir        string // everything is below it
	Kubeconfig string // of the administrator
	Socket     string // of containerd
	AuditLog   string // of the API server, a JSON object a line
	kube       string // the program that is all of Kubernetes
	helm       string
}

// At returns the cluster whose directory is dir, running or not.
func At(dir string) *Node {
	return &Node{Dir: dir, Kubeconfig: filepath.Join(dir, "admin.kubeconfig"), Socket: "/run/containerd/containerd.sock",
		AuditLog: filepath.Join(dir, "log", "audit.log")}
}

// directories are made before anything starts.
var directories = []string{"pki", "log", "run", "etcd", "cni", "ipam", "manifests", "kubelet", "bin", "image"}

// Start builds what is not there yet and starts the cluster. It returns once the node
// is ready. What was started before an error is stopped by Stop.
func (n *Node) Start(ctx context.Context) error {
	for _, d := range directories {
		if err := os.MkdirAll(filepath.Join(n.Dir, d), 0o755); err != nil {
			return err
		}
	}
	if err := n.build(ctx); err != nil {
		return err
	}
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"write keys", func(context.Context) error { return n.writeKeys() }},
		{"write configuration", func(context.Context) error { return n.writeFiles() }},
		{"prepare the network", n.prepareNetwork},
		{"start containerd", n.startContainerd},
		{"make images", n.makeImages},
		{"start the control plane", n.startControlPlane},
		{"start the node", n.startNode},
	}
	for _, s := range steps {
		if err := s.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.what, err)
		}
	}
	return nil
}

// prepareNetwork gives the API server an address that pods can reach, and the node a
// name that resolves.
func (n *Node) prepareNetwork(ctx context.Context) error {
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "ip", "address", "replace", apiAddress+"/32", "dev", "lo").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	hosts, err := os.ReadFile("/etc/hosts")
	if err != nil {
		return err
	}
	if strings.Contains(string(hosts), " "+Name+"\n") {
		return nil
	}
	return os.WriteFile("/etc/hosts", fmt.Appendf(hosts, "%s %s\n", apiAddress, Name), 0o644)
}

func (n *Node) startContainerd(ctx context.Context) error {
	if _, err := os.Stat(n.Socket); err == nil {
		if conn, err := dial(n.Socket); err == nil {
			conn.Close()
			return fmt.Errorf("another containerd listens at %s: stop it first", n.Socket)
		}
	}
	if err := os.MkdirAll(filepath.Dir(n.Socket), 0o711); err != nil {
		return err
	}
	if err := n.start("containerd", "containerd", "--config", filepath.Join(n.Dir, "containerd.toml")); err != nil {
		return err
	}
	return until(ctx, "containerd answers", 30*time.Second, func() error {
		_, err := n.output(ctx, "ctr", "--address", n.Socket, "version")
		return err
	})
}

func (n *Node) startControlPlane(ctx context.Context) error {
	pki := func(name string) string { return filepath.Join(n.Dir, "pki", name) }
	config := func(user string) string { return "--kubeconfig=" + filepath.Join(n.Dir, user+".kubeconfig") }
	if err := n.start("etcd", n.bin("etcd"), "--data-dir="+filepath.Join(n.Dir, "etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls="+clientURL, "--advertise-client-urls="+clientURL, "--listen-peer-urls="+peerURL,
		"--initial-advertise-peer-urls="+peerURL, "--initial-cluster=default="+peerURL); err != nil {
		return err
	}
	if err := n.StartAPIServer(ctx); err != nil {
		return err
	}
	if err := n.start("kube-controller-manager", n.bin("kube-controller-manager"), config("controllers"), "--leader-elect=false",
		"--service-account-private-key-file="+pki("accounts.key"), "--root-ca-file="+pki("ca.crt"), "--use-service-account-credentials=true",
		"--bind-address=127.0.0.1", "--concurrent-job-syncs=20", "--kube-api-qps=200", "--kube-api-burst=400"); err != nil {
		return err
	}
	return n.start("kube-scheduler", n.bin("kube-scheduler"), config("scheduler"), "--leader-elect=false", "--bind-address=127.0.0.1",
		"--kube-api-qps=200", "--kube-api-burst=400")
}

// StartAPIServer starts the API server alone, again after StopAPIServer.
func (n *Node) StartAPIServer(ctx context.Context) error {
	pki := func(name string) string { return filepath.Join(n.Dir, "pki", name) }
	if err := n.start("kube-apiserver", n.bin("kube-apiserver"), "--etcd-servers="+clientURL,
		"--bind-address="+apiAddress, "--advertise-address="+apiAddress, fmt.Sprintf("--secure-port=%d", apiPort),
		"--service-cluster-ip-range="+serviceRange, "--authorization-mode=Node,RBAC", "--allow-privileged=true",
		"--tls-cert-file="+pki("apiserver.crt"), "--tls-private-key-file="+pki("apiserver.key"), "--client-ca-file="+pki("ca.crt"),
		"--kubelet-client-certificate="+pki("apiserver-kubelet.crt"), "--kubelet-client-key="+pki("apiserver-kubelet.key"),
		"--kubelet-certificate-authority="+pki("ca.crt"), "--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+pki("accounts.crt"),
		"--service-account-signing-key-file="+pki("accounts.key"),
		"--audit-policy-file="+filepath.Join(n.Dir, "audit.yaml"), "--audit-log-path="+n.AuditLog, "--max-requests-inflight=800"); err != nil {
		return err
	}
	return until(ctx, "the API server is ready", time.Minute, func() error {
		_, err := n.Kubectl(ctx, "get", "--raw", "/readyz")
		return err
	})
}

// StopAPIServer ends the API server alone.
func (n *Node) StopAPIServer() { n.stop("kube-apiserver") }

func (n *Node) startNode(ctx context.Context) error {
	config := func(user string) string { return "--kubeconfig=" + filepath.Join(n.Dir, user+".kubeconfig") }
	if err := n.start("kubelet", n.bin("kubelet"), config("kubelet"), "--config="+filepath.Join(n.Dir, "kubelet.yaml"),
		"--hostname-override="+Name, "--node-ip="+apiAddress, "--root-dir="+filepath.Join(n.Dir, "kubelet"), "--cert-dir="+filepath.Join(n.Dir, "pki")); err != nil {
		return err
	}
	if err := n.start("kube-proxy", n.bin("kube-proxy"), config("proxy"), "--hostname-override="+Name, "--proxy-mode=iptables",
		"--cluster-cidr="+podRange, "--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0s", "--conntrack-tcp-timeout-close-wait=0s",
		"--nodeport-addresses=127.0.0.0/8", "--healthz-bind-address=127.0.0.1:10256", "--metrics-bind-address=127.0.0.1:10249"); err != nil {
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
// done and returns what went wrong.
func (n *Node) Stop(ctx context.Context) error {
	_ = n.Resume("containerd") // a test may have left it paused
	if _, ok := n.pid("kubelet"); ok {
		_, _ = n.Kubectl(ctx, "delete", "daemonsets,deployments,statefulsets,replicasets,jobs,cronjobs", "-A", "--all", "--wait=false")
		_, _ = n.Kubectl(ctx, "delete", "pods", "-A", "--all", "--grace-period=0", "--force", "--wait=false")
	}
	for _, name := range stopOrder {
		n.stop(name)
	}
	errs := []error{n.removePods(ctx)}
	n.stop("containerd")
	errs = append(errs, n.cleanNetwork(ctx), n.unmount())
	return errors.Join(append(errs, os.RemoveAll(n.Dir))...)
}

// removePods ends what containerd still runs.
func (n *Node) removePods(ctx context.Context) error {
	if _, ok := n.pid("containerd"); !ok {
		return nil
	}
	list, err := n.output(ctx, "ctr", "--address", n.Socket, "--namespace", "k8s.io", "tasks", "list", "--quiet")
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	for _, id := range strings.Fields(list) {
		_, _ = n.output(ctx, "ctr", "--address", n.Socket, "--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", "--all", id)
	}
	return until(ctx, "containers end", 30*time.Second, func() error {
		list, err := n.output(ctx, "ctr", "--address", n.Socket, "--namespace", "k8s.io", "tasks", "list", "--quiet")
		if err != nil {
			return err
		}
		for _, id := range strings.Fields(list) {
			_, _ = n.output(ctx, "ctr", "--address", n.Socket, "--namespace", "k8s.io", "tasks", "delete", "--force", id)
		}
		if strings.TrimSpace(list) != "" {
			return errors.New("some are left")
		}
		return nil
	})
}

// cleanNetwork takes away the rules of kube-proxy, the addresses and the namespaces of
// pods.
func (n *Node) cleanNetwork(ctx context.Context) error {
	if n.kube != "" {
		_, _ = n.output(ctx, n.bin("kube-proxy"), "--cleanup")
	}
	_, err := n.output(ctx, "ip", "address", "delete", apiAddress+"/32", "dev", "lo")
	return err
}

// unmount takes off what is mounted below the directory, the innermost first.
func (n *Node) unmount() error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	lines := strings.Split(string(mounts), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		fields := strings.Fields(lines[i])
		if len(fields) > 1 && strings.HasPrefix(fields[1], n.Dir+"/") {
			_ = syscall.Unmount(fields[1], syscall.MNT_DETACH)
		}
	}
	return nil
}
