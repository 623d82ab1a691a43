package node

import (
	"fmt"
	"os"
	"path/filepath"
)

// containerdConfig: restrict_oom_score_adj is what makes a sandbox start without
// CAP_SYS_RESOURCE.
const containerdConfig = `version = 2
root = "%[1]s/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "%[1]s/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "%[1]s/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "%[2]s"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`

const cniConfig = `{
  "cniVersion": "0.4.0", "name": "pods",
  "plugins": [
    {"type": "ptp", "ipMasq": false, "mtu": 1500,
     "ipam": {"type": "host-local", "dataDir": "%[1]s/ipam", "ranges": [[{"subnet": "%[2]s"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
    {"type": "portmap", "capabilities": {"portMappings": true}, "snat": true}
  ]
}
`

const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
cgroupRoot: /%[2]s
failCgroupV1: false
failSwapOn: false
localStorageCapacityIsolation: false
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
resolvConf: ""
staticPodPath: %[1]s/manifests
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: %[1]s/pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: %[1]s/pki/kubelet.crt
tlsPrivateKeyFile: %[1]s/pki/kubelet.key
clusterDNS: [%[3]s]
clusterDomain: cluster.local
maxPods: 250
kubeAPIQPS: 200
kubeAPIBurst: 400
eventRecordQPS: 0
serializeImagePulls: false
nodeStatusUpdateFrequency: 5s
syncFrequency: 10s
configMapAndSecretChangeDetectionStrategy: Watch
evictionHard: {memory.available: 100Mi, nodefs.available: 0%%, imagefs.available: 0%%, nodefs.inodesFree: 0%%}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
`

// auditPolicy logs who did what, without secrets and without the reads of the
// components themselves.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - {level: None, userGroups: [system:nodes]}
  - {level: None, users: [system:kube-scheduler, system:kube-controller-manager, system:kube-proxy, system:apiserver]}
  - {level: Metadata}
`

// writeFiles writes the configuration of everything.
func (n *Node) writeFiles() error {
	snapshotter := "overlayfs"
	if !hasOverlay(n.Dir) {
		snapshotter = "native"
	}
	for name, text := range map[string]string{
		"containerd.toml":   fmt.Sprintf(containerdConfig, n.Dir, snapshotter),
		"cni/pods.conflist": fmt.Sprintf(cniConfig, n.Dir, podRange),
		"kubelet.yaml":      fmt.Sprintf(kubeletConfig, n.Dir, n.cgroup(), dnsService),
		"audit.yaml":        auditPolicy,
	} {
		if err := os.WriteFile(filepath.Join(n.Dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// writeKeys makes the certificates, the keys of service accounts, and a kubeconfig for
// each component.
func (n *Node) writeKeys() error {
	a, err := newAuthority(filepath.Join(n.Dir, "pki"))
	if err != nil {
		return fmt.Errorf("make the certificate authority: %w", err)
	}
	for _, c := range []struct {
		name, user string
		groups     []string
		hosts      []string
	}{
		{"apiserver", "kube-apiserver", nil, []string{n.Address(), apiService, "127.0.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}},
		{"accounts", "service-accounts", nil, nil},
		{"kubelet", "system:node:" + Name, []string{"system:nodes"}, []string{Name, n.Address()}},
		{"apiserver-kubelet", "kube-apiserver", []string{"system:masters"}, nil},
		{"controllers", "system:kube-controller-manager", nil, nil},
		{"scheduler", "system:kube-scheduler", nil, nil},
		{"proxy", "system:kube-proxy", nil, nil},
		{"admin", "admin", []string{"system:masters"}, nil},
	} {
		if err := a.issue(c.name, c.user, c.groups, c.hosts...); err != nil {
			return fmt.Errorf("make the certificate %s: %w", c.name, err)
		}
	}
	for _, user := range []string{"kubelet", "controllers", "scheduler", "proxy", "admin"} {
		if err := a.kubeconfig(filepath.Join(n.Dir, user+".kubeconfig"), user, n.Address()); err != nil {
			return err
		}
	}
	return nil
}
