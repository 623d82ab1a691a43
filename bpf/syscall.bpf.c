/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
// syscall.bpf.c: the end of every system call on the machine.
//
// sys_exit alone is hooked: the arguments are still in the saved registers and the
// result is known. This program runs for every call of every process, so it does
// two loads and leaves for calls that no rule needs. The rest is done by
// programs that it jumps to, one for each family of calls.

#include "call.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, CALL_HANDLERS);
	__type(key, __u32);
	__type(value, __u32);
} call_programs SEC(".maps");

SEC("tp_btf/sys_exit")
int BPF_PROG(syscall_exit, struct pt_regs *regs, long ret)
{
	__u32 nr = call_number(regs), index, handler;

	if (nr >= CALLS_MAX)
		return 0;
	BOUND(nr, CALLS_MAX - 1);
	if (!*(const volatile __u16 *)calls[nr])
		return 0;
	index = call_index(nr, call_is_compat(task_current()));
	handler = handlers[index];
	if (handler == CALL_IGNORED)
		return 0;
	// A connect that a signal interrupts goes on by itself: it has begun. One that
	// nothing wants any more may have left what its end has to take away.
	if (handler != CALL_CONNECT && (!type_wanted(specs[index].type) || call_restarts(ret)))
		return 0;
	if (handler != CALL_HEARTBEAT && bpf_get_current_pid_tgid() >> 32 == agent_pid)
		return 0;
	bpf_tail_call(ctx, &call_programs, handler);
	count_loss(specs[index].type, LOSS_NO_PROGRAM); // the jump failed
	return 0;
}

// The agent's own sign of life, told from another caller's fadvise64 by a length
// that no file has, and its word on what the rules want.
SEC("tp_btf/sys_exit")
int BPF_PROG(call_heartbeat, struct pt_regs *regs, long ret)
{
	__u64 args[6];
	struct slot *s;
	struct call_info *info;

	call_args(args, regs, false);
	if ((int)args[0] != -1)
		return 0;
	if (args[2] - SWITCH_LENGTH < WANTED_MAX) {
		if (bpf_get_current_pid_tgid() >> 32 == agent_pid)
			wanted_set(args[2] - SWITCH_LENGTH, args[1]);
		return 0;
	}
	if (args[2] != HEARTBEAT_LENGTH)
		return 0;
	s = record_begin(task_current(), EVENT_HEARTBEAT);
	if (!s)
		return 0;
	info = param_fixed(s, PARAM_CALL, call_info);
	if (info) {
		info->ret = ret;
		__builtin_memcpy(info->args, args, sizeof(args));
	}
	record_send(s);
	return 0;
}
