/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
// task.h: what is reported of a process at its birth and with each new image.
#pragma once

#include "socket.h"

// pid_nr returns a pid's number in its own namespace, or, with the outermost
// level asked for, in the initial one.
static __always_inline __u32 pid_nr(struct pid *pid, bool own, __u32 *ns_inum)
{
	struct upid id = {};
	__u32 level = own ? READ(pid, level) : 0;

	bpf_probe_read_kernel(&id, sizeof(id), (void *)&pid->numbers + level * sizeof(id));
	if (ns_inum && id.ns) {
		struct pid_namespace *ns = AS(pid_namespace, id.ns);
		*ns_inum = READ(ns, ns.inum);
	}
	return id.nr;
}

static __always_inline struct pid *signal_pid(struct signal_struct *signal, enum pid_type type)
{
	struct pid *pid = 0;

	bpf_probe_read_kernel(&pid, sizeof(pid), (void *)&signal->pids + type * sizeof(pid));
	return AS(pid, pid);
}

static __always_inline __u32 task_tty(struct signal_struct *signal)
{
	struct tty_struct *tty = READ(signal, tty);

	if (!tty)
		return 0;
	struct tty_driver *driver = READ(tty, driver);
	__u32 minor = READ(driver, minor_start) + READ(tty, index);
	// As stat and /proc show device numbers (new_encode_dev).
	return (minor & 0xff) | READ(driver, major) << 8 | (minor & ~0xff) << 12;
}

static __always_inline void task_namespaces(struct task_info *t, struct task_struct *task, const struct cred *cred)
{
	struct nsproxy *proxy = READ(task, nsproxy);

	t->ns_user = READ(cred, user_ns) ? BPF_CORE_READ(cred, user_ns, ns.inum) : 0;
	if (!proxy)
		return;
	t->ns_mount = BPF_CORE_READ(proxy, mnt_ns, ns.inum);
	t->ns_net = BPF_CORE_READ(proxy, net_ns, ns.inum);
	t->ns_uts = BPF_CORE_READ(proxy, uts_ns, ns.inum);
	t->ns_ipc = BPF_CORE_READ(proxy, ipc_ns, ns.inum);
	t->ns_cgroup = BPF_CORE_READ(proxy, cgroup_ns, ns.inum);
}

static __always_inline void task_put(struct slot *s, struct task_struct *task)
{
	struct task_info *t = param_fixed(s, PARAM_TASK, task_info);
	struct task_struct *leader = READ(task, group_leader);
	struct task_struct *parent = READ(leader, real_parent);
	struct task_struct *parent_leader = READ(parent, group_leader);
	struct signal_struct *signal = READ(task, signal);
	const struct cred *cred = READ(task, cred);
	struct pid *pgid = signal_pid(signal, PIDTYPE_PGID);

	if (!t)
		return;
	__builtin_memset(t, 0, sizeof(*t));
	t->pid = READ(task, tgid);
	t->tid = READ(task, pid);
	t->start = READ(leader, start_boottime);
	t->exec_id = READ(task, self_exec_id);
	t->parent_pid = READ(parent, tgid);
	t->parent_start = READ(parent_leader, start_boottime);
	t->cgroup = cgroup_id(task_cgroup(task));
	t->vpid = pid_nr(READ(leader, thread_pid), true, &t->ns_pid);
	t->parent_vpid = pid_nr(READ(parent_leader, thread_pid), true, 0);
	t->sid = pid_nr(signal_pid(signal, PIDTYPE_SID), false, 0);
	t->pgid = pid_nr(pgid, false, 0);
	t->vpgid = pid_nr(pgid, true, 0);
	t->tty = task_tty(signal);
	t->uid = READ(cred, uid.val);
	t->euid = READ(cred, euid.val);
	t->gid = READ(cred, gid.val);
	t->egid = READ(cred, egid.val);
	bpf_probe_read_kernel(&t->cap_effective, sizeof(__u64), &cred->cap_effective);
	bpf_probe_read_kernel(&t->cap_permitted, sizeof(__u64), &cred->cap_permitted);
	bpf_probe_read_kernel(&t->cap_inheritable, sizeof(__u64), &cred->cap_inheritable);
	t->loginuid = -1;
	if (bpf_core_field_exists(task->loginuid)) // absent without CONFIG_AUDIT
		t->loginuid = READ(task, loginuid.val);
	task_namespaces(t, task, cred);
}

#define CGROUP_DEPTH 24

// cgroup_path_put appends a cgroup's path in its hierarchy.
static __noinline int cgroup_path_put(struct slot *s, __u64 cgrp)
{
	struct cgroup *cgroup = AS(cgroup, cgrp);
	struct kernfs_node *kn = READ(cgroup, kn);
	__u8 *value = param_at(s);
	__u16 flags = PARAM_TRUNCATED;

	if (!value)
		return 0;
	s->walk_len = 0;
	for (int i = 0; i < CGROUP_DEPTH; i++) {
		struct kernfs_node *parent = kernfs_parent(kn);
		__u32 len = s->walk_len, n;

		if (!parent) {
			flags = 0;
			break;
		}
		if (len >= COMPONENTS_MAX)
			break;
		BOUND(len, COMPONENTS_MAX - 1);
		n = bpf_probe_read_kernel_str(value + len, DENTRY_NAME_MAX, READ(kn, name));
		if (n == 0 || n > DENTRY_NAME_MAX) // negative ones are large
			break;
		n--;
		BOUND(n, DENTRY_NAME_MAX);
		value[len + n] = '/'; // in place of the NUL
		s->walk_len = len + n + 1;
		kn = AS(kernfs_node, parent);
	}
	param_done(s, PARAM_CGROUP, flags, s->walk_len);
	return 0;
}

// stdio_put appends what the new image finds at descriptor fd.
static __noinline int stdio_put(struct slot *s, __u64 t, int fd)
{
	struct task_struct *task = AS(task_struct, t);
	struct file *file = file_of(task, fd);
	struct stdio_info *i;

	if (!file)
		return 0;
	struct inode *inode = READ(file, f_inode);
	struct super_block *sb = READ(inode, i_sb);
	i = param_fixed(s, PARAM_STDIO, stdio_info);
	if (!i)
		return 0;
	i->fd = fd;
	i->kind = file_kind(file, inode, READ(sb, s_magic));
	if (i->kind == FILE_SOCKET) {
		struct sock *sk = sock_of(file);
		if (sk)
			socket_put(s, sk, PARAM_STDIO_SOCKET, 0);
	} else if (i->kind != FILE_PIPE && i->kind != FILE_ANON) {
		file_path_put(s, file, PARAM_STDIO_PATH, false);
	}
	return 0;
}
