/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
// socket.h: the two ends of a socket.
#pragma once

#include "path.h"

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10

static __always_inline struct sock *sock_of(struct file *file)
{
	struct inode *inode = READ(file, f_inode);

	if ((READ(inode, i_mode) & S_IFMT) != 0140000)
		return 0;
	struct socket *sock = AS(socket, READ(file, private_data));
	return READ(sock, sk);
}

static __always_inline void sock_addresses(struct socket_info *i, struct sock *sk)
{
	i->local_port = READ(sk, __sk_common.skc_num);
	i->remote_port = bpf_ntohs(READ(sk, __sk_common.skc_dport));
	if (i->family == AF_INET6) {
		bpf_probe_read_kernel(i->local, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_probe_read_kernel(i->remote, 16, &sk->__sk_common.skc_v6_daddr);
	} else {
		*(__u32 *)i->local = READ(sk, __sk_common.skc_rcv_saddr);
		*(__u32 *)i->remote = READ(sk, __sk_common.skc_daddr);
	}
}

// unix_put appends the name of a unix socket, its own or its peer's.
static __always_inline void unix_put(struct slot *s, struct sock *sk, enum param_id id, bool peer)
{
	struct unix_sock *unix = AS(unix_sock, sk);
	struct unix_address *addr;
	__u8 *value = param_at(s);
	__u32 len;

	if (peer) {
		struct sock *other = READ(unix, peer);
		if (!other)
			return;
		unix = AS(unix_sock, other);
	}
	addr = READ(unix, addr);
	if (!addr || !value)
		return;
	len = READ(addr, len) - 2; // without sun_family
	if (len == 0 || len > 108)
		return;
	BOUND(len, 0x7f);
	bpf_probe_read_kernel(value, len, (void *)&addr->name + 2);
	param_done(s, id, 0, len);
}

// socket_fill reads what the socket itself knows.
static __always_inline void socket_fill(struct socket_info *i, struct sock *sk, __u16 flags)
{
	__builtin_memset(i, 0, sizeof(*i));
	i->family = READ(sk, __sk_common.skc_family);
	i->type = READ(sk, sk_type);
	i->proto = READ(sk, sk_protocol);
	i->flags = flags;
	if (i->family == AF_INET || i->family == AF_INET6)
		sock_addresses(i, sk);
}

// socket_put appends it. id is PARAM_SOCKET or PARAM_STDIO_SOCKET; the name of a
// unix socket follows as the next id.
static __always_inline struct socket_info *socket_put(struct slot *s, struct sock *sk, enum param_id id, __u16 flags)
{
	struct socket_info *i = param_fixed(s, id, socket_info);

	if (i)
		socket_fill(i, sk, flags);
	return i;
}

// sockaddr_put overwrites the end of a socket that it does not know itself with
// the address in the caller's memory.
static __always_inline void sockaddr_put(struct slot *s, struct socket_info *i, const void *addr, __u64 size,
					 bool remote)
{
	struct {
		__u16 family;
		__u16 port;
		__u32 v4; // IPv6: flow information
		__u8 v6[16];
	} given = {};

	if (size > sizeof(given))
		size = sizeof(given);
	if (bpf_probe_read_user(&given, size, addr))
		return;
	i->flags |= SOCKET_GIVEN;
	i->family = given.family; // connect may name another family than the socket's
	if (remote)
		i->remote_port = bpf_ntohs(given.port);
	else
		i->local_port = bpf_ntohs(given.port);
	__u8 *end = remote ? i->remote : i->local;
	if (given.family == AF_INET)
		*(__u32 *)end = given.v4;
	else if (given.family == AF_INET6)
		__builtin_memcpy(end, given.v6, 16);
}

// sockaddr_unix_put appends the path in a struct sockaddr_un of the caller's.
static __always_inline void sockaddr_unix_put(struct slot *s, const void *addr, __u64 size)
{
	if (size <= 2)
		return;
	size -= 2;
	if (size > 108)
		size = 108;
	param_user(s, PARAM_UNIX, addr + 2, size);
}
