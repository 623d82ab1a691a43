// Package dns receives the answers that the machine's sockets get from DNS servers.
//
// It is the only part of the kernel side that is no tracepoint: a cgroup_skb program on
// the root of the unified cgroup hierarchy (Linux 5.8, CAP_NET_ADMIN to attach it). It is
// an object of its own, loaded while rules ask for DNS names and not otherwise.
package dns
