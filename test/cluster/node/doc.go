// Package node starts a Kubernetes of one node on this machine, for tests, and takes
// it away again.
//
// The control plane, kubelet and kube-proxy are one program (test/cluster/kube), built
// from the Go module proxy and kept in the user's cache directory. containerd, runc and
// the CNI plugins are Debian's; pods get addresses of 10.88.0.0/24 and services of
// 10.96.0.0/16, the API server is at 10.99.0.1 on the loopback device. Images come from
// archives that buildah made: no registry is asked.
//
// It needs root, and works without CAP_SYS_RESOURCE and on cgroup v1. Everything it
// makes lies below one directory; its processes are ended by their ids, those of pods by
// the runtime. One at a time runs on a machine.
package node
