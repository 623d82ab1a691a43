// Package node starts a Kubernetes of one node on this machine, for tests, and takes
// it away again.
//
// The control plane, kubelet and kube-proxy are one program (test/cluster/kube), built
// from the Go module proxy and kept in the user's cache directory. containerd, runc and
// the CNI plugins are Debian's. Images come from archives that buildah made: no registry
// is asked. There is no DNS.
//
// All of it lives in a room of its own: a network namespace, joined to the machine by one
// pair of devices, a mount namespace, in which the usual paths (/run/containerd,
// /var/lib/kubelet) are the room's, a root of cgroups, and one directory. So several can
// run on one machine, beside whatever else runs containers there, and the end of a room
// leaves nothing. Process ids are the machine's, as a node agent expects.
//
// It needs root, and works without CAP_SYS_RESOURCE and on cgroup v1.
package node
