/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
// network.bpf.c: connections made, accepted and waited for.
//
// Where a TCP connection went is taken from the state change CLOSE→SYN_SENT,
// which the kernel makes in the caller's context with the address it will really
// use. A descriptor can be swapped and the caller's memory changed while connect
// waits; the socket's own state cannot. The call's end finds the address by thread.
// A connection that another call begins (sendto with MSG_FASTOPEN, io_uring) has no
// such end and is reported at once, with no result.

#include "call.h"
#include "socket.h"

// attempt is a TCP connection that this thread began in the connect that it is in.
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
#define PF_KTHREAD 0x00200000
#define EINTR 4

// in_connect tells that the thread is in a connect whose end will be reported.
static __always_inline bool in_connect(struct task_struct *task)
{
	return handlers[call_index(call_number_now(task), call_is_compat(task))] == CALL_CONNECT;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(network_state, struct sock *sk, int old, int new)
{
	struct task_struct *task = task_current();
	struct attempt *a;
	struct slot *s;

	if (old != TCP_CLOSE || new != TCP_SYN_SENT || !type_wanted(type_connect))
		return 0;
	if (bpf_get_current_pid_tgid() >> 32 == agent_pid || READ(task, flags) & PF_KTHREAD)
		return 0;
	if (in_connect(task)) {
		a = attempt_make(task);
		if (a) { // else the call's end falls back on the socket
			socket_fill(&a->ends, sk, 0);
			a->sk = (__u64)sk;
		}
		return 0;
	}
	s = record_begin(task, type_connect);
	if (!s)
		return 0;
	socket_put(s, sk, PARAM_SOCKET, 0);
	record_send(s);
	return 0;
}

// socket_connected reports a connect by what the socket says now.
static __always_inline void socket_connected(struct slot *s, struct call_info *info, struct sock *sk, long ret)
{
	struct socket_info *i = socket_put(s, sk, PARAM_SOCKET, 0);
	const void *addr = (void *)info->args[1];
	__u64 size = (__u32)info->args[2];

	if (!i)
		return;
	if (i->family == AF_UNIX && ret == 0) {
		unix_put(s, sk, PARAM_UNIX, true);
	} else if (i->family == AF_UNIX) {
		i->flags |= SOCKET_GIVEN;
		sockaddr_unix_put(s, addr, size);
	} else if (ret < 0 && !i->remote_port) { // else it is connected already
		sockaddr_put(s, i, addr, size, true);
	}
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_connect, struct pt_regs *regs, long ret)
{
	struct attempt *a = attempt_find(task_current());
	struct socket_info ends = {};
	__u64 began = 0; // the socket
	struct call c;
	struct slot *s;

	if (a) {
		began = a->sk;
		ends = a->ends;
		a->sk = 0;
	}
	if (!type_wanted(type_connect))
		return 0;
	if (call_restarts(ret)) {
		if (!began)
			return 0; // it will be made again, or was interrupted before it began
		ret = -EINTR;
	}
	s = call_begin(&c, regs, ret);
	if (!s)
		return 0;
	struct file *file = file_of(c.task, (int)c.info->args[0]);
	struct sock *sk = file ? sock_of(file) : 0;

	if (began) {
		struct socket_info *i = param_fixed(s, PARAM_SOCKET, socket_info);
		if (i) {
			*i = ends;
			// The local port is chosen after the state change.
			if (began == (__u64)sk)
				i->local_port = READ(sk, __sk_common.skc_num);
		}
	} else if (sk) {
		socket_connected(s, c.info, sk, ret);
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
