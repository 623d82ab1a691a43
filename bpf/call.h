/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
// call.h: a system call at its end: which one it was and with what arguments.
#pragma once

#include "emit.h"
#include "wanted.h"

#define CALLS_MAX 1024 // a power of two; x32 has numbers of its own from 512 to 547
#define SPECS_MAX 128

// The calls that can be reported, by number: [0] for the kernel's own ABI, [1] for
// 32-bit calls. 0 is none, else an index into specs and handlers. Filled by the
// agent and constant once loaded; which of them the rules want says wanted.h.
const volatile __u8 calls[CALLS_MAX][2] = {};
const volatile struct call_spec specs[SPECS_MAX] = {};
const volatile __u8 handlers[SPECS_MAX] = {};

// The event types of the calls that make processes and images, by number: they
// are reported by hooks of their own, whatever the rules need.
const volatile __u16 process_calls[CALLS_MAX][2] = {};
const volatile __u16 type_clone = 0, type_execve = 0; // where no call is known
const volatile __u16 type_execveat = 0;
const volatile __u16 type_connect = 0;

#if defined(__TARGET_ARCH_x86)

#define TS_COMPAT 2

// The mark of an x32 call, whose other bits are the number (__X32_SYSCALL_BIT).
#define X32_BIT 0x40000000

static __always_inline __u32 call_number(struct pt_regs *regs)
{
	return (__u32)regs->orig_ax & ~X32_BIT;
}

// call_is_compat looks at the thread, not at the code segment: a 64-bit program
// can make 32-bit calls.
static __always_inline bool call_is_compat(struct task_struct *task)
{
	return READ(task, thread_info.status) & TS_COMPAT;
}

static __always_inline void call_args(__u64 *args, struct pt_regs *regs, bool compat)
{
	if (compat) {
		args[0] = (__u32)regs->bx;
		args[1] = (__u32)regs->cx;
		args[2] = (__u32)regs->dx;
		args[3] = (__u32)regs->si;
		args[4] = (__u32)regs->di;
		args[5] = (__u32)regs->bp;
		return;
	}
	args[0] = regs->di;
	args[1] = regs->si;
	args[2] = regs->dx;
	args[3] = regs->r10;
	args[4] = regs->r8;
	args[5] = regs->r9;
}

#else

#define TIF_32BIT 22

static __always_inline __u32 call_number(struct pt_regs *regs)
{
	return regs->syscallno;
}

static __always_inline bool call_is_compat(struct task_struct *task)
{
	return READ(task, thread_info.flags) & (1 << TIF_32BIT);
}

static __always_inline void call_args(__u64 *args, struct pt_regs *regs, bool compat)
{
	args[0] = regs->orig_x0; // regs[0] has the result by now
	for (int i = 1; i < 6; i++)
		args[i] = compat ? (__u32)regs->regs[i] : regs->regs[i];
	if (compat)
		args[0] = (__u32)args[0];
}

#endif

// call_number_now returns the number of the call that the current task is in.
static __always_inline __u32 call_number_now(struct task_struct *task)
{
#ifndef PROBE_READS
	return call_number((struct pt_regs *)bpf_task_pt_regs(task));
#else
	struct pt_regs *regs;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return call_number((struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf()));
	// Before 5.15: the registers lie at the top of a stack of 16 KiB on both
	// architectures (without KASAN and, on arm64, with pages of less than 64 KiB).
	regs = (void *)BPF_CORE_READ(task, stack) + 16384 - bpf_core_type_size(struct pt_regs);
#if defined(__TARGET_ARCH_x86)
	return (__u32)BPF_CORE_READ(regs, orig_ax) & ~X32_BIT;
#else
	return BPF_CORE_READ(regs, syscallno);
#endif
#endif
}

// call_index returns the line of the table of calls for a call, 0 for none.
static __always_inline __u32 call_index(__u32 nr, bool compat)
{
	if (nr >= CALLS_MAX)
		return 0;
	BOUND(nr, CALLS_MAX - 1);
	return calls[nr][compat] & (SPECS_MAX - 1); // verifier: the agent never writes more
}

// call_restarts tells results that the caller never sees: the call goes on or is
// made again (ERESTARTSYS and its kin, -512 to -516).
static __always_inline bool call_restarts(long ret)
{
	return ret <= -512 && ret >= -516;
}

struct call {
	const volatile struct call_spec *spec;
	struct task_struct *task;
	struct call_info *info; // in the record
};

// arg returns a register of the call by the index that the table gives.
static __always_inline __u64 call_arg(struct call_info *info, __u8 i)
{
	return info->args[i < 6 ? i : 0];
}

static __always_inline int call_dirfd(struct call_info *info, __u8 i)
{
	return i == ARG_NONE ? -100 : (int)call_arg(info, i);
}

// call_begin starts the record of a call. NULL: nothing to send, or no slot.
static __always_inline struct slot *call_begin(struct call *c, struct pt_regs *regs, long ret)
{
	struct slot *s;
	bool compat;

	c->task = task_current();
	compat = call_is_compat(c->task);
	c->spec = &specs[call_index(call_number(regs), compat)];
	s = record_begin(c->task, c->spec->type);
	if (!s)
		return 0;
	c->info = param_fixed(s, PARAM_CALL, call_info);
	if (!c->info) // verifier: the record is empty, there is room
		goto drop;
	c->info->ret = compat ? (int)ret : ret;
	call_args(c->info->args, regs, compat);
	if (compat)
		record_head(s)->flags |= RECORD_COMPAT;
	return s;
drop:
	s->owner = 0;
	return 0;
}
