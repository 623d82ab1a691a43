/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
// kernel.h: the kernel's structures, as far as we read them, and the two ways
// to read them.
//
// Two objects are built of every source. The direct one loads fields as plain
// memory: bpf_rdonly_cast gives any address a type whose loads the kernel guards
// (Linux 6.2). The other one (PROBE_READS) reads through a helper and runs from
// 5.8. Field offsets come from the running kernel's BTF in both. A field that
// was renamed has an accessor here; nothing else asks for a version.
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct qstr {
	union {
		struct {
			__u32 hash;
			__u32 len;
		};
		__u64 hash_len;
	};
	const unsigned char *name;
};

struct hlist_bl_node {
	struct hlist_bl_node *next, **pprev;
};

struct file_system_type {
	int fs_flags;
};

struct super_block {
	struct file_system_type *s_type;
	__u32 s_dev;
	unsigned long s_magic;
	struct dentry *s_root;
};

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};

struct inode {
	__u16 i_mode;
	struct {
		__u32 val;
	} i_uid;
	struct super_block *i_sb;
	unsigned long i_ino;
	__u32 i_rdev;
};

// Inode times: two timespecs until 6.6, __i_ctime in 6.6 and __i_mtime in 6.7,
// seconds and nanoseconds as fields of their own from 6.11.
struct inode___timespec {
	struct timespec64 i_ctime;
	struct timespec64 i_mtime;
};
struct inode___ctime {
	struct timespec64 __i_ctime;
};
struct inode___mtime {
	struct timespec64 __i_mtime;
};
struct inode___split {
	__s64 i_ctime_sec, i_mtime_sec;
	__u32 i_ctime_nsec, i_mtime_nsec;
};

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
	int mnt_flags;
};

struct mnt_namespace;

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_flags;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct fs_struct {
	struct path root, pwd;
};

struct ns_common {
	unsigned int inum;
};
struct mnt_namespace {
	struct ns_common ns;
};
// Gone in 6.18; 0 for an anonymous namespace before.
struct mnt_namespace___seq {
	__u64 seq;
};
struct uts_namespace {
	struct ns_common ns;
};
struct ipc_namespace {
	struct ns_common ns;
};
struct net {
	struct ns_common ns;
};
struct cgroup_namespace {
	struct ns_common ns;
};
struct user_namespace {
	struct ns_common ns;
};
struct pid_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct uts_namespace *uts_ns;
	struct ipc_namespace *ipc_ns;
	struct mnt_namespace *mnt_ns;
	struct net *net_ns;
	struct cgroup_namespace *cgroup_ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};
struct pid {
	unsigned int level;
	struct upid numbers[1];
};

enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID };

struct tty_driver {
	int major;
	int minor_start;
};
struct tty_struct {
	struct tty_driver *driver;
	int index;
};

struct signal_struct {
	struct {
		int counter;
	} live;
	int group_exit_code;
	unsigned int flags;
	struct pid *pids[4];
	struct tty_struct *tty;
};

typedef struct {
	__u64 val; // two words before 6.3, of the same bytes
} kernel_cap_t;

struct cred {
	struct {
		__u32 val;
	} uid, gid, euid, egid;
	kernel_cap_t cap_inheritable, cap_permitted, cap_effective;
	struct user_namespace *user_ns;
};

struct kernfs_node {
	const char *name;
	__u64 id;
};
struct kernfs_node___parent {
	struct kernfs_node *parent;
};
// The field became __parent in 6.15.
struct kernfs_node___renamed {
	struct kernfs_node *__parent;
};

struct cgroup_root;
struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
};
struct cgroup_subsys_state {
	struct cgroup *cgroup;
};
struct css_set {
	struct cgroup_subsys_state *subsys[1];
	struct cgroup *dfl_cgrp;
};

struct mm_struct {
	unsigned long arg_start, arg_end, env_start, env_end;
};

struct thread_info {
	unsigned long flags;
	__u32 status;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	void *stack;
	int pid, tgid;
	int exit_code;
	__u64 start_boottime;
	__u64 self_exec_id;
	char comm[16];
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	const struct cred *cred;
	struct pid *thread_pid;
	struct css_set *cgroups;
	struct mm_struct *mm;
	struct {
		__u32 val;
	} loginuid;
};

struct linux_binprm {
	struct file *file;
	const char *filename;
	const char *fdpath; // execveat of a descriptor
};

struct in6_addr {
	__u8 bytes[16];
};

struct sock_common {
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	__u16 skc_dport; // network order
	__u16 skc_num;	 // host order
	unsigned short skc_family;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};
struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
};
struct socket {
	struct sock *sk;
};

struct sockaddr_un {
	__u16 sun_family;
	char sun_path[108];
};
struct unix_address {
	int len;
	struct sockaddr_un name[1]; // before 5.17 a hash lies between
};
struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long bp, bx, r10, r9, r8, cx, dx, si, di, orig_ax;
};
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
	__u64 regs[31];
	__u64 orig_x0;
	int syscallno;
};
#else
#error "no system call registers for this architecture"
#endif

#pragma clang attribute pop

#ifndef PROBE_READS

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;

// AS gives an address a type. The address may be anything: a load from a bad
// one gives 0.
#define AS(type, addr) ((struct type *)bpf_rdonly_cast((void *)(addr), bpf_core_type_id_kernel(struct type)))
#define READ(ptr, field) ((ptr)->field)
#define task_current() bpf_get_current_task_btf()

// From 7.0 on a program can be preempted, so counters shared on one CPU are
// changed atomically. claim tells whether the caller is the new owner.
#define counter_next(ptr) (__sync_fetch_and_add(ptr, 1) + 1)
#define claim(ptr) (__sync_val_compare_and_swap(ptr, 0, 1) == 0)

#else

#define AS(type, addr) ((struct type *)(addr))
#define READ(ptr, field) BPF_CORE_READ(ptr, field)
#define task_current() ((struct task_struct *)bpf_get_current_task())

// Kernels that take this object run tracepoint programs with preemption off, and
// fetching atomics do not exist before 5.12.
#define counter_next(ptr) (++*(ptr))
#define claim(ptr) (*(ptr) == 0 ? (*(ptr) = 1, true) : false)

#endif

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *kn)
{
	struct kernfs_node___renamed *renamed = (void *)kn;
	struct kernfs_node___parent *plain = (void *)kn;

	if (bpf_core_field_exists(renamed->__parent))
		return BPF_CORE_READ(renamed, __parent);
	return BPF_CORE_READ(plain, parent);
}

static __always_inline __u64 inode_ctime(struct inode *inode)
{
	struct inode___split *split = (void *)inode;
	struct inode___ctime *underscored = (void *)inode;
	struct inode___timespec *plain = (void *)inode;

	// From 6.13 on the highest bit of the nanoseconds notes that somebody asked.
	if (bpf_core_field_exists(split->i_ctime_sec))
		return BPF_CORE_READ(split, i_ctime_sec) * 1000000000ULL +
		       (BPF_CORE_READ(split, i_ctime_nsec) & ~(1U << 31));
	if (bpf_core_field_exists(underscored->__i_ctime))
		return BPF_CORE_READ(underscored, __i_ctime.tv_sec) * 1000000000ULL +
		       BPF_CORE_READ(underscored, __i_ctime.tv_nsec);
	return BPF_CORE_READ(plain, i_ctime.tv_sec) * 1000000000ULL + BPF_CORE_READ(plain, i_ctime.tv_nsec);
}

static __always_inline __u64 inode_mtime(struct inode *inode)
{
	struct inode___split *split = (void *)inode;
	struct inode___mtime *underscored = (void *)inode;
	struct inode___timespec *plain = (void *)inode;

	if (bpf_core_field_exists(split->i_mtime_sec))
		return BPF_CORE_READ(split, i_mtime_sec) * 1000000000ULL + BPF_CORE_READ(split, i_mtime_nsec);
	if (bpf_core_field_exists(underscored->__i_mtime))
		return BPF_CORE_READ(underscored, __i_mtime.tv_sec) * 1000000000ULL +
		       BPF_CORE_READ(underscored, __i_mtime.tv_nsec);
	return BPF_CORE_READ(plain, i_mtime.tv_sec) * 1000000000ULL + BPF_CORE_READ(plain, i_mtime.tv_nsec);
}
