/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
// file.bpf.c: calls that open a file, change a name, or take a descriptor.
//
// What a call left in the kernel is read there: the file that an open made gives
// its own name, whatever the caller wrote and whoever changed that since. Calls
// that leave nothing (and every call that failed) are named by the caller's string
// and the kernel's directory.

#include "call.h"
#include "socket.h"

// struct open_how (linux/openat2.h).
struct how {
	__u64 flags, mode, resolve;
};

#define RESOLVE_IN_ROOT 0x10

// how_read puts openat2's flags, mode and resolve where openat has its own. They
// lie in memory that another thread may have changed since.
static __always_inline void how_read(struct call_info *info)
{
	struct how how = {};

	bpf_probe_read_user(&how, sizeof(how), (void *)info->args[2]);
	info->args[2] = how.flags;
	info->args[3] = how.mode;
	info->args[4] = how.resolve;
}

#define O_ACCMODE 3
#define O_CREAT 0100
#define O_TRUNC 01000

// open_flags returns what the call was asked for. Of openat2 the right to write is
// taken from the file that it made, since that is what counts.
static __always_inline __u32 open_flags(struct call *c, struct file *file)
{
	if (c->spec->flags == ARG_NONE) // creat
		return O_CREAT;
	if (c->spec->flags != FLAGS_HOW)
		return call_arg(c->info, c->spec->flags);
	how_read(c->info);
	if (file)
		c->info->args[2] = (c->info->args[2] & ~O_ACCMODE) | (READ(file, f_flags) & O_ACCMODE);
	return c->info->args[2];
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_open, struct pt_regs *regs, long ret)
{
	struct call c;
	struct slot *s = call_begin(&c, regs, ret);

	if (!s)
		return 0;
	struct file *file = ret >= 0 ? file_of(c.task, ret) : 0;
	__u32 flags = open_flags(&c, file);
	const void *name = (void *)call_arg(c.info, c.spec->path);
	bool in_root = c.spec->flags == FLAGS_HOW && c.info->args[4] & RESOLVE_IN_ROOT;

	if (file) {
		file_put(s, file, PARAM_FILE);
		file_path_put(s, file, PARAM_PATH, true);
	}
	// An open that only reads is judged by what it opened; its string is evidence
	// and needs no directory. (Unless the walk was cut: then it is all there is.)
	if (file && !(flags & (O_ACCMODE | O_CREAT | O_TRUNC)) && !(record_head(s)->flags & RECORD_TRUNCATED))
		param_user_string(s, PARAM_NAME, name);
	else
		given_put(s, c.task, PARAM_NAME, name, call_dirfd(c.info, c.spec->dirfd), in_root);
	record_send(s);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_path, struct pt_regs *regs, long ret)
{
	struct call c;
	struct slot *s = call_begin(&c, regs, ret);

	if (!s)
		return 0;
	if (c.spec->path != ARG_NONE)
		given_put(s, c.task, PARAM_NAME, (void *)call_arg(c.info, c.spec->path),
			  call_dirfd(c.info, c.spec->dirfd), false);
	if (c.spec->path2 != ARG_NONE)
		given_put(s, c.task, PARAM_NAME2, (void *)call_arg(c.info, c.spec->path2),
			  call_dirfd(c.info, c.spec->dirfd2), false);
	record_send(s);
	return 0;
}

// A failed execve. One that worked is reported by sched_process_exec: by now its
// registers are the new image's.
SEC("tp_btf/sys_exit")
int BPF_PROG(call_exec, struct pt_regs *regs, long ret)
{
	struct call c;
	struct slot *s;

	if (ret >= 0)
		return 0;
	s = call_begin(&c, regs, ret);
	if (!s)
		return 0;
	given_put(s, c.task, PARAM_NAME, (void *)call_arg(c.info, c.spec->path), call_dirfd(c.info, c.spec->dirfd),
		  false);
	record_send(s);
	return 0;
}

// dup and its kin by the descriptor they made, fchmod by the one it took.
SEC("tp_btf/sys_exit")
int BPF_PROG(call_file, struct pt_regs *regs, long ret)
{
	struct call c;
	struct slot *s = call_begin(&c, regs, ret);
	struct file *file;

	if (!s)
		return 0;
	file = file_of(c.task, c.spec->fd == ARG_NONE ? ret : (long)(int)call_arg(c.info, c.spec->fd));
	if (file) {
		file_put(s, file, PARAM_FILE);
		struct sock *sk = sock_of(file);
		if (!sk) {
			file_path_put(s, file, PARAM_PATH, true);
		} else {
			struct socket_info *i = socket_put(s, sk, PARAM_SOCKET, 0);
			if (i && i->family == AF_UNIX)
				unix_put(s, sk, PARAM_UNIX, true);
		}
	}
	record_send(s);
	return 0;
}
