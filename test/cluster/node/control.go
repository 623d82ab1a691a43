package node

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

func (n *Node) pki(name string) string { return filepath.Join(n.Dir, "pki", name) }

// config is the flag that names a component's way to the API server.
func (n *Node) config(user string) string {
	return "--kubeconfig=" + filepath.Join(n.Dir, user+".kubeconfig")
}

// startControlPlane starts etcd, API server, controllers and scheduler.
func (n *Node) startControlPlane(ctx context.Context) error {
	if err := n.start("etcd", n.bin("etcd"), "--data-dir="+filepath.Join(n.Dir, "etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls="+clientURL, "--advertise-client-urls="+clientURL, "--listen-peer-urls="+peerURL,
		"--initial-advertise-peer-urls="+peerURL, "--initial-cluster=default="+peerURL); err != nil {
		return err
	}
	if err := n.StartAPIServer(ctx); err != nil {
		return err
	}
	if err := n.start("kube-controller-manager", n.bin("kube-controller-manager"), n.config("controllers"), "--leader-elect=false",
		"--service-account-private-key-file="+n.pki("accounts.key"), "--root-ca-file="+n.pki("ca.crt"), "--use-service-account-credentials=true",
		"--bind-address=127.0.0.1", "--concurrent-job-syncs=20", "--kube-api-qps=200", "--kube-api-burst=400"); err != nil {
		return err
	}
	return n.start("kube-scheduler", n.bin("kube-scheduler"), n.config("scheduler"), "--leader-elect=false", "--bind-address=127.0.0.1",
		"--kube-api-qps=200", "--kube-api-burst=400")
}

// StartAPIServer starts the API server alone, again after StopAPIServer. One that runs
// is left alone.
func (n *Node) StartAPIServer(ctx context.Context) error {
	if _, ok := n.pid("kube-apiserver"); ok {
		return nil
	}
	if err := n.start("kube-apiserver", n.bin("kube-apiserver"), "--etcd-servers="+clientURL,
		"--bind-address=0.0.0.0", "--advertise-address="+n.Address(), fmt.Sprintf("--secure-port=%d", apiPort),
		"--service-cluster-ip-range="+serviceRange, "--authorization-mode=Node,RBAC", "--allow-privileged=true",
		"--tls-cert-file="+n.pki("apiserver.crt"), "--tls-private-key-file="+n.pki("apiserver.key"), "--client-ca-file="+n.pki("ca.crt"),
		"--kubelet-client-certificate="+n.pki("apiserver-kubelet.crt"), "--kubelet-client-key="+n.pki("apiserver-kubelet.key"),
		"--kubelet-certificate-authority="+n.pki("ca.crt"), "--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+n.pki("accounts.crt"),
		"--service-account-signing-key-file="+n.pki("accounts.key"),
		"--audit-policy-file="+filepath.Join(n.Dir, "audit.yaml"), "--audit-log-path="+n.AuditLog,
		"--max-requests-inflight=800", "--shutdown-delay-duration=0s"); err != nil {
		return err
	}
	return until(ctx, "the API server is ready", time.Minute, func() error {
		_, err := n.Kubectl(ctx, "get", "--raw", "/readyz")
		return err
	})
}

// StopAPIServer ends the API server alone.
func (n *Node) StopAPIServer() { n.stop("kube-apiserver") }
