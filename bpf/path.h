/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
// path.h: names of what the kernel holds, walked from dentries and mounts.
//
// A walk goes leaf first and writes each component as it passes; nothing is
// remembered between walks, so no rename or mount can make a name stale. It ends
// at the root of the mount namespace, not of the task: a chroot shortens nothing.
#pragma once

#include "emit.h"

#define PATH_DEPTH 256	     // components and mounts together
#define COMPONENTS_MAX 8192  // bytes; below VALUE_MAX by more than one name
#define DENTRY_NAME_MAX 1023 // FUSE allows 1,024 bytes, others at most 255 characters

#define MNT_INTERNAL 0x4000

static __always_inline struct mount *mount_of(struct vfsmount *mnt)
{
	return AS(mount, (void *)mnt - bpf_core_field_offset(struct mount, mnt));
}

// component_put writes one name and a slash at value + s->walk_len. False: there
// is no room.
static __always_inline bool component_put(struct slot *s, __u8 *value, struct dentry *dentry)
{
	__u32 len = s->walk_len, size = READ(dentry, d_name.len);

	if (len >= COMPONENTS_MAX)
		return false;
	if (size > DENTRY_NAME_MAX)
		size = DENTRY_NAME_MAX;
	BOUND(len, COMPONENTS_MAX - 1);
	BOUND(size, DENTRY_NAME_MAX);
	bpf_probe_read_kernel(value + len, size, READ(dentry, d_name.name));
	value[len + size] = '/';
	s->walk_len = len + size + 1;
	return true;
}

// origin_put appends the components between the root of a mount and the root of
// its file system: what a bind mount hides. s->walk_skip bytes of the resolved
// name lie below that mount.
static __noinline int origin_put(struct slot *s, __u64 root)
{
	struct dentry *dentry = AS(dentry, root);
	__u8 *value = param_at(s);
	__u16 flags = PARAM_TRUNCATED;

	if (!value)
		return 0;
	*(__u64 *)value = s->walk_skip;
	value += sizeof(__u64);
	s->walk_len = 0;
	for (int i = 0; i < PATH_DEPTH; i++) {
		struct dentry *parent = READ(dentry, d_parent);

		if (parent == dentry) {
			flags = 0;
			break;
		}
		if (!component_put(s, value, dentry))
			break;
		dentry = parent;
	}
	param_done(s, PARAM_ORIGIN, flags, s->walk_len + sizeof(__u64));
	return 0;
}

// MNT_NS_ANON_INO of the kernel (include/uapi/linux/nsfs.h), from 6.18 on.
#define ANONYMOUS_INUM 0xEFFFFFF7

// mount_place tells where the topmost mount of a walk is. The kernel's own mounts
// have an error in place of a namespace. A mount that was taken off has none, and one
// that fsmount or open_tree made has an anonymous one: names on those are whatever
// their maker likes.
static __always_inline __u16 mount_place(struct mount *mnt)
{
	__u64 ns = (__u64)READ(mnt, mnt_ns);
	struct mnt_namespace *real = AS(mnt_namespace, ns);
	struct mnt_namespace___seq *old = (void *)real;

	if (ns >= (__u64)-4095)
		return PARAM_DETACHED;
	if (!ns)
		return PARAM_UNREACHABLE;
	if (bpf_core_field_exists(old->seq))
		return BPF_CORE_READ(old, seq) ? 0 : PARAM_UNREACHABLE;
	return READ(real, ns.inum) == ANONYMOUS_INUM ? PARAM_UNREACHABLE : 0;
}

// path_walk writes the components from dentry up to the root of the mount
// namespace and returns the parameter's flags.
static __always_inline __u16 path_walk(struct slot *s, __u8 *value, struct dentry *dentry, struct mount *mnt)
{
	s->walk_len = 0;
	s->walk_skip = 0;
	s->walk_root = 0;
	for (int i = 0; i < PATH_DEPTH; i++) {
		struct dentry *root = READ(mnt, mnt.mnt_root);
		struct dentry *parent = READ(dentry, d_parent);

		if (dentry == root) {
			struct mount *up = READ(mnt, mnt_parent);

			if (!s->walk_root) {
				s->walk_root = (__u64)root;
				s->walk_skip = s->walk_len;
			}
			if (up == mnt)
				return mount_place(mnt);
			dentry = READ(mnt, mnt_mountpoint);
			mnt = up;
			continue;
		}
		if (!component_put(s, value, dentry))
			return PARAM_TRUNCATED;
		if (parent == dentry) // the root of a file system, but of no mount: cut off
			return mount_place(mnt) ?: PARAM_UNREACHABLE;
		dentry = parent;
	}
	return PARAM_TRUNCATED;
}

#define FS_REQUIRES_DEV 1

// has_origin tells that the file has another name on its own file system: its mount
// does not begin at that one's root (a bind mount), or a whole file system on a
// disk is mounted below a directory, as the node's root is in some pods. (Names on
// proc, tmpfs and the like say nothing by themselves.) Call it after path_walk.
static __always_inline bool has_origin(struct slot *s)
{
	struct dentry *root = AS(dentry, s->walk_root);
	struct super_block *sb = READ(root, d_sb);
	struct file_system_type *type = READ(sb, s_type);

	if (READ(root, d_parent) != root)
		return true;
	return s->walk_len > s->walk_skip && READ(type, fs_flags) & FS_REQUIRES_DEV;
}

// path_put appends the name of dentry on mnt (addresses of struct dentry and
// struct vfsmount). with_origin adds PARAM_ORIGIN where there is one.
static __noinline int path_put(struct slot *s, __u64 leaf, __u64 vfsmnt, __u32 id, bool with_origin)
{
	struct dentry *dentry = AS(dentry, leaf);
	__u8 *value = param_at(s);
	__u16 flags;

	if (!value)
		return 0;
	flags = path_walk(s, value, dentry, mount_of((struct vfsmount *)vfsmnt));
	if (!READ(dentry, d_hash.pprev))
		flags |= PARAM_DELETED;
	param_done(s, id, flags, s->walk_len);

	if (with_origin && s->walk_root && has_origin(s))
		origin_put(s, s->walk_root);
	return 0;
}

static __always_inline void path_put_path(struct slot *s, const struct path *path, enum param_id id)
{
	path_put(s, (__u64)READ(path, dentry), (__u64)READ(path, mnt), id, false);
}

// file_of returns the open file behind a descriptor of the current task, NULL if
// there is none.
static __always_inline struct file *file_of(struct task_struct *task, int fd)
{
	struct files_struct *files = READ(task, files);
	struct fdtable *fdt = READ(files, fdt);
	struct file *file = 0;

	if (fd < 0 || (__u32)fd >= READ(fdt, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), READ(fdt, fd) + fd);
	return file ? AS(file, file) : 0;
}

#define AT_FDCWD -100

// given_put appends a path as the caller gave it and the directory it starts from:
// for an absolute one the task's root, or dirfd where the caller asked for that
// (openat2 with RESOLVE_IN_ROOT).
static __always_inline void given_put(struct slot *s, struct task_struct *task, enum param_id id, const void *name,
				      int dirfd, bool in_root)
{
	__u8 first = param_user_string(s, id, name);
	struct fs_struct *fs = READ(task, fs);
	__u64 dentry, mnt;

	if (first == '/' && !in_root) {
		dentry = (__u64)READ(fs, root.dentry);
		mnt = (__u64)READ(fs, root.mnt);
	} else if (dirfd == AT_FDCWD) {
		dentry = (__u64)READ(fs, pwd.dentry);
		mnt = (__u64)READ(fs, pwd.mnt);
	} else {
		struct file *dir = file_of(task, dirfd);
		if (!dir)
			return;
		dentry = (__u64)READ(dir, f_path.dentry);
		mnt = (__u64)READ(dir, f_path.mnt);
	}
	// The directory's parameter follows the name's.
	path_put(s, dentry, mnt, id + 1, false);
}

#define S_IFMT 0170000
#define OVERLAYFS_MAGIC 0x794c7630
#define PIPEFS_MAGIC 0x50495045
#define ANON_INODE_MAGIC 0x09041934

static __always_inline __u8 file_kind(struct file *file, struct inode *inode, unsigned long magic)
{
	struct vfsmount *mnt = READ(file, f_path.mnt);

	switch (READ(inode, i_mode) & S_IFMT) {
	case 0100000:
		if (magic == ANON_INODE_MAGIC)
			return FILE_ANON;
		return READ(mnt, mnt_flags) & MNT_INTERNAL ? FILE_MEMFD : FILE_REGULAR;
	case 0040000:
		return FILE_DIRECTORY;
	case 0020000:
		return FILE_CHAR;
	case 0060000:
		return FILE_BLOCK;
	case 0010000:
		return magic == PIPEFS_MAGIC ? FILE_PIPE : FILE_FIFO;
	case 0140000:
		return FILE_SOCKET;
	case 0120000:
		return FILE_SYMLINK;
	}
	return magic == ANON_INODE_MAGIC ? FILE_ANON : FILE_OTHER;
}

// inode_layer tells where overlayfs has a file. Its inode (struct ovl_inode,
// fs/overlayfs/ovl_entry.h, unchanged from 4.19 to 6.18) has the upper dentry right
// behind the common part.
static __always_inline __u8 inode_layer(struct inode *inode, unsigned long magic)
{
	void *upper = 0;

	if (magic != OVERLAYFS_MAGIC)
		return LAYER_NONE;
	bpf_probe_read_kernel(&upper, sizeof(upper), (void *)inode + bpf_core_type_size(struct inode));
	return upper ? LAYER_UPPER : LAYER_LOWER;
}

static __always_inline __u8 file_put(struct slot *s, struct file *file, enum param_id id)
{
	struct inode *inode = READ(file, f_inode);
	struct super_block *sb = READ(inode, i_sb);
	unsigned long magic = READ(sb, s_magic);
	struct file_info *f = param_fixed(s, id, file_info);

	if (!f)
		return FILE_NONE;
	f->kind = file_kind(file, inode, magic);
	f->layer = inode_layer(inode, magic);
	f->mode = READ(inode, i_mode);
	f->dev = READ(sb, s_dev);
	f->ino = READ(inode, i_ino);
	f->ctime = inode_ctime(inode);
	f->mtime = inode_mtime(inode);
	f->uid = READ(inode, i_uid.val);
	f->open_flags = READ(file, f_flags);
	return f->kind;
}

static __always_inline void file_path_put(struct slot *s, struct file *file, enum param_id id, bool with_origin)
{
	path_put(s, (__u64)READ(file, f_path.dentry), (__u64)READ(file, f_path.mnt), id, with_origin);
}
