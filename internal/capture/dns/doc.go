// Package dns receives the answers that the machine's sockets get from DNS servers.
//
// It is the only part of the kernel side that is no tracepoint: two cgroup_skb programs on
// the root of the unified cgroup hierarchy (Linux 5.8, CAP_NET_ADMIN to attach them). They
// are an object of its own, loaded while rules ask for DNS names and not otherwise. An
// answer counts if the socket that gets it asked for it: whoever can send datagrams to a
// container does not tell it names.
package dns
