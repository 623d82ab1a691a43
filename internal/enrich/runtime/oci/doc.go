// Package oci reads what a container runtime wrote for runc: the config.json of a
// bundle, which is there before the container's first process runs.
//
// [Parse] takes the parts of the OCI specification that tell one container from
// another, and what the runtimes add as annotations: containerd's CRI plugin
// (io.kubernetes.cri.…), CRI-O (io.kubernetes.cri-o.…, the kubelet's labels) and
// podman. A specification is all Docker gives: its containers have neither name
// nor image here.
//
// # Privileged
//
// A specification has no word for privileged; runtimes spell it out. A container
// counts as privileged when its bounding set has CAP_SYS_ADMIN, no path of /proc
// and /sys is masked or made read-only, and the last rule about all devices allows
// them. Each alone is no proof: procMount: Unmasked masks nothing, and a capability
// can be added by name.
//
// # Host namespaces
//
// A kind of namespace that is not listed is the host's. One with a path belongs to
// somebody else, for the containers of a pod to its sandbox, whose own config.json
// tells whether that is the host's: see [Spec.Inherit].
//
// # Bounds
//
// Whoever writes a pod writes much of this file. The number and the length of
// labels, mounts and addresses are bounded, also while the text is parsed, and what
// is not UTF-8 is replaced.
package oci
