/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
// network.bpf.c: connections made, accepted and waited for.
//
// Where a TCP connection went is taken from the state change CLOSE→SYN_SENT,
// which the kernel makes in the caller's context with the address it will really
// use. A descriptor can be swapped and the caller's memory changed while connect
// waits; the socket's own state cannot. The call's end finds the address by thread.

#include "call.h"
#include "socket.h"

// attempt is a TCP connection that this thread began.
struct attempt {
	__u64 sk; // 0: none
	struct socket_info ends;
};

#ifndef PROBE_READS
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct attempt);
} attempts SEC(".maps");

static __always_inline struct attempt *attempt_make(struct task_struct *task)
{
	return bpf_task_storage_get(&attempts, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
}
static __always_inline struct attempt *attempt_find(struct task_struct *task)
{
	return bpf_task_storage_get(&attempts, task, 0, 0);
}
#else
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32); // thread
	__type(value, struct attempt);
} attempts SEC(".maps");

static __always_inline struct attempt *attempt_find(struct task_struct *task)
{
	__u32 tid = bpf_get_current_pid_tgid();
	return bpf_map_lookup_elem(&attempts, &tid);
}
static __always_inline struct attempt *attempt_make(struct task_struct *task)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct attempt none = {};
	bpf_map_update_elem(&attempts, &tid, &none, BPF_ANY);
	return bpf_map_lookup_elem(&attempts, &tid);
}
#endif

#define TCP_SYN_SENT 2
#define TCP_CLOSE 7

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(network_state, struct sock *sk, int old, int new)
{
	struct attempt *a;

	if (old != TCP_CLOSE || new != TCP_SYN_SENT)
		return 0;
	a = attempt_make(task_current());
	if (!a)
		return 0; // the call's end falls back on the socket
	a->ends.family = READ(sk, __sk_common.skc_family);
	a->ends.type = READ(sk, sk_type);
	a->ends.proto = READ(sk, sk_protocol);
	a->ends.flags = 0;
	sock_addresses(&a->ends, sk);
	a->sk = (__u64)sk;
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_connect, struct pt_regs *regs, long ret)
{
	struct call c;
	struct slot *s = call_begin(&c, regs, ret);
	struct attempt *a;
	struct file *file;
	struct sock *sk;

	if (!s)
		return 0;
	const void *addr = (void *)c.info->args[1];
	__u64 size = (__u32)c.info->args[2];

	file = file_of(c.task, (int)c.info->args[0]);
	sk = file ? sock_of(file) : 0;
	a = attempt_find(c.task);
	if (a && a->sk) {
		struct socket_info *i = param_fixed(s, PARAM_SOCKET, socket_info);
		if (i) {
			*i = a->ends;
			// The local port is chosen after the state change.
			if (sk && a->sk == (__u64)sk)
				i->local_port = READ(sk, __sk_common.skc_num);
		}
		a->sk = 0;
	} else if (sk) {
		struct socket_info *i = socket_put(s, sk, PARAM_SOCKET, 0);
		if (i && i->family == AF_UNIX) {
			if (ret == 0)
				unix_put(s, sk, PARAM_UNIX, true);
			else {
				i->flags |= SOCKET_GIVEN;
				sockaddr_unix_put(s, addr, size);
			}
		} else if (i && ret < 0) {
			sockaddr_put(s, i, addr, size, true);
		}
	}
	record_send(s);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_accept, struct pt_regs *regs, long ret)
{
	struct call c;
	struct slot *s = call_begin(&c, regs, ret);
	struct file *file;

	if (!s)
		return 0;
	file = file_of(c.task, ret);
	if (file) {
		struct sock *sk = sock_of(file);
		if (sk) {
			struct socket_info *i = socket_put(s, sk, PARAM_SOCKET, SOCKET_SERVER);
			if (i && i->family == AF_UNIX)
				unix_put(s, sk, PARAM_UNIX, false);
		}
	}
	record_send(s);
	return 0;
}

// address_put appends the socket's own address after bind or listen, or the one
// that bind was asked for in vain.
static __always_inline void address_put(struct slot *s, struct call_info *info, struct sock *sk, bool binds,
					bool failed)
{
	struct socket_info *i = socket_put(s, sk, PARAM_SOCKET, binds ? 0 : SOCKET_SERVER);
	const void *addr = (void *)info->args[1];
	__u64 size = (__u32)info->args[2];

	if (!i)
		return;
	if (!binds || !failed) {
		if (i->family == AF_UNIX)
			unix_put(s, sk, PARAM_UNIX, false);
	} else if (i->family == AF_UNIX) {
		i->flags |= SOCKET_GIVEN;
		sockaddr_unix_put(s, addr, size);
	} else {
		sockaddr_put(s, i, addr, size, false);
	}
}

static __always_inline int address_call(struct pt_regs *regs, long ret, bool binds)
{
	struct call c;
	struct slot *s = call_begin(&c, regs, ret);
	struct file *file;

	if (!s)
		return 0;
	file = file_of(c.task, (int)c.info->args[0]);
	if (file) {
		struct sock *sk = sock_of(file);
		if (sk)
			address_put(s, c.info, sk, binds, ret < 0);
	}
	record_send(s);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_bind, struct pt_regs *regs, long ret)
{
	return address_call(regs, ret, true);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_listen, struct pt_regs *regs, long ret)
{
	return address_call(regs, ret, false);
}
