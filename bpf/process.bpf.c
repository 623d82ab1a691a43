/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
// process.bpf.c: a process is born, takes a new image, ends.
//
// sched_process_fork runs in the parent before the child may run, so a child's
// birth is in the ring before anything it does. sched_process_exec fires past the
// point of no return: a failed execve never gets there. Threads are not reported.

#include "call.h"
#include "task.h"

// task_call returns the event type of the system call that the current task is
// in, or otherwise for a call that no table names.
static __always_inline __u16 task_call(struct task_struct *task, __u16 otherwise)
{
	bool compat = call_is_compat(task);
	__u32 nr = call_number_now(task), i;

	if (nr >= CALLS_MAX)
		return otherwise;
	BOUND(nr, CALLS_MAX - 1);
	i = process_calls[nr][compat];
	return i ? i : otherwise;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	struct call_info *info;
	struct slot *s;

	if (READ(child, tgid) != READ(child, pid))
		return 0; // a thread
	s = record_begin(task_current(), task_call(task_current(), type_clone));
	if (!s)
		return 0;
	info = param_fixed(s, PARAM_CALL, call_info);
	if (info) {
		__builtin_memset(info, 0, sizeof(*info));
		info->ret = READ(child, pid);
	}
	task_put(s, child);
	record_send_state(s);
	return 0;
}

// Which of the three descriptors a shell reads and writes decides whether it is
// somebody's remote control, so they are part of what an image is.
#define STDIO_FDS 3

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct file *file = READ(bprm, file);
	struct fs_struct *fs = READ(task, fs);
	struct mm_struct *mm = READ(task, mm);
	__u16 type = task_call(task, type_execve);
	struct slot *s;

	// x86 makes every call that brought a new image an execve, by number; one of a
	// descriptor can still be told.
	if (READ(bprm, fdpath))
		type = type_execveat;
	s = record_begin(task, type);
	if (!s)
		return 0;
	struct call_info *info = param_fixed(s, PARAM_CALL, call_info);
	if (info)
		__builtin_memset(info, 0, sizeof(*info));
	task_put(s, task);
	param_kernel_string(s, PARAM_COMM, task->comm);
	file_put(s, file, PARAM_EXE_FILE);
	file_path_put(s, file, PARAM_EXE, false);
	path_put(s, (__u64)READ(fs, pwd.dentry), (__u64)READ(fs, pwd.mnt), PARAM_CWD, false);
	param_kernel_string(s, PARAM_FILENAME, READ(bprm, filename));
	cgroup_path_put(s, (__u64)task_cgroup(task));
	for (int fd = 0; fd < STDIO_FDS; fd++)
		stdio_put(s, (__u64)task, fd);

	__u64 start = READ(mm, arg_start), end = READ(mm, arg_end);
	param_user(s, PARAM_ARGV, (void *)start, end - start);
	if (environ_wanted()) {
		start = READ(mm, env_start);
		end = READ(mm, env_end);
		param_user(s, PARAM_ENVIRON, (void *)start, end - start);
	}
	record_send_state(s);
	return 0;
}

#define SIGNAL_GROUP_EXIT 4

static __always_inline int process_ended(struct task_struct *task)
{
	struct signal_struct *signal = READ(task, signal);
	struct slot *s = record_begin(task, EVENT_PROCEXIT);

	if (!s)
		return 0;
	__u32 status = READ(task, exit_code);
	if (READ(signal, flags) & SIGNAL_GROUP_EXIT)
		status = READ(signal, group_exit_code);
	param_u64(s, PARAM_STATUS, status);
	record_send_state(s);
	return 0;
}

// sched_process_exit says itself which thread is the last one from 6.17 on.
SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit_group, struct task_struct *task, bool group_dead)
{
	return group_dead ? process_ended(task) : 0;
}

// Before, the count of live threads says it, which do_exit has lowered by now. Two
// last threads may both see none left; the agent takes the first of such records.
SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	struct signal_struct *signal = READ(task, signal);

	return READ(signal, live.counter) == 0 ? process_ended(task) : 0;
}
