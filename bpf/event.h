/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
// event.h: the layout of a record, between this kernel side and package decode.
//
// A record is a header and a body of parameters, each with its own length and
// padded to 8 bytes, sent with the bytes that it needs. There is one version:
// the agent carries these objects with it and compares sizes when it loads.
// Numbers are in the machine's byte order, ids in the initial namespaces, times
// in ns of CLOCK_BOOTTIME unless they say otherwise.
#pragma once

#include <linux/types.h>

// Fixed event types; system calls have theirs from the table of calls, which the
// agent fills (internal/event/type.go has both).
enum event_type {
	EVENT_PROCEXIT = 1,
	EVENT_CGROUP_MKDIR = 2,
	EVENT_HEARTBEAT = 3,
	EVENT_CGROUP_RMDIR = 4,
};

#define EVENT_TYPES_MAX 128

enum record_flag {
	RECORD_TRUNCATED = 1, // a parameter was cut at its limit
	RECORD_COMPAT = 2,    // a 32-bit call on a 64-bit kernel
};

struct record_header {
	__u32 size; // of the whole record
	__u16 type; // event type
	__u16 cpu;
	__u64 seq; // per CPU and ring, from 1; a gap is a lost record
	__u64 time;
	__u32 tid;
	__u32 pid;
	__u64 start;   // birth of the thread group's leader
	__u32 exec_id; // low half of self_exec_id
	__u32 flags;   // enum record_flag
	__u64 cgroup;  // kernfs id in the hierarchy the agent chose
	__u32 uid;     // effective
	__u32 gid;     // effective
};
_Static_assert(sizeof(struct record_header) == 64, "the header's size is part of the format");

enum param_id {
	PARAM_CALL = 1,	     // struct call_info
	PARAM_NAME = 2,	     // bytes: first path as the caller gave it
	PARAM_NAME_DIR = 3,  // components: what that is relative to
	PARAM_NAME2 = 4,     // bytes: second path
	PARAM_NAME2_DIR = 5, // components
	PARAM_PATH = 6,	     // components: the open file, to the root of the mount namespace
	PARAM_ORIGIN = 7,    // __u64 skip, components: from its mount's root to its file system's
	PARAM_FILE = 8,	     // struct file_info
	PARAM_SOCKET = 9,    // struct socket_info
	PARAM_UNIX = 10,     // bytes: name of a unix socket, as in sun_path
	PARAM_TASK = 11,     // struct task_info
	PARAM_COMM = 12,     // bytes
	PARAM_EXE = 13,	     // components
	PARAM_EXE_FILE = 14, // struct file_info
	PARAM_FILENAME = 15, // bytes: given to execve
	PARAM_ARGV = 16,     // bytes: arguments, each ended by NUL
	PARAM_ENVIRON = 17,  // bytes: the same
	PARAM_CWD = 18,	     // components
	PARAM_CGROUP = 19,   // components
	PARAM_STDIO = 20,    // struct stdio_info; the next three belong to it
	PARAM_STDIO_SOCKET = 21,
	PARAM_STDIO_UNIX = 22,
	PARAM_STDIO_PATH = 23,
	PARAM_STATUS = 24, // __u64: wait status
};

enum param_flag {
	PARAM_TRUNCATED = 1,	// the end (for components: the upper end) is missing
	PARAM_UNREADABLE = 2,	// the caller's memory was gone
	PARAM_DELETED = 4,	// components: the leaf was unlinked
	PARAM_DETACHED = 8,	// components: on one of the kernel's own mounts (memfd, pipe …)
	PARAM_UNREACHABLE = 16, // components: on a mount that is in no mount namespace
};

// A list of components is leaf first, each ended by '/': "shadow/etc/" is
// /etc/shadow. A name cannot hold a slash, so nothing is escaped.
struct param_header {
	__u16 id;
	__u16 flags;
	__u32 len; // of the value, without header and padding
};
_Static_assert(sizeof(struct param_header) == 8, "the parameter header's size is part of the format");

struct call_info {
	__s64 ret;
	__u64 args[6];
};

enum file_kind {
	FILE_NONE = 0,
	FILE_REGULAR = 1,
	FILE_DIRECTORY = 2,
	FILE_CHAR = 3,
	FILE_BLOCK = 4,
	FILE_FIFO = 5,
	FILE_PIPE = 6,
	FILE_SOCKET = 7,
	FILE_SYMLINK = 8,
	FILE_ANON = 9,
	FILE_MEMFD = 10,
	FILE_OTHER = 11,
};

enum file_layer { LAYER_NONE = 0, LAYER_UPPER = 1, LAYER_LOWER = 2 };

struct file_info {
	__u8 kind;  // enum file_kind
	__u8 layer; // enum file_layer, overlayfs only
	__u16 mode;
	__u32 dev;
	__u64 ino;
	__u64 ctime; // ns since the Unix epoch
	__u64 mtime; // ns since the Unix epoch
	__u32 uid;   // owner
	__u32 open_flags;
};
_Static_assert(sizeof(struct file_info) == 40, "part of the format");

enum socket_flag {
	SOCKET_GIVEN = 1,  // addresses are the caller's words
	SOCKET_SERVER = 2, // this side accepted or listens
};

struct socket_info {
	__u16 family;
	__u16 type;
	__u16 proto;
	__u16 flags;
	__u16 local_port;  // host order
	__u16 remote_port; // host order
	__u32 pad;
	__u8 local[16]; // IPv4 in the first four bytes
	__u8 remote[16];
};
_Static_assert(sizeof(struct socket_info) == 48, "part of the format");

struct stdio_info {
	__u32 fd;
	__u32 kind; // enum file_kind
};

struct task_info {
	__u32 pid;
	__u32 tid;
	__u64 start;
	__u64 parent_start;
	__u64 cgroup;
	__u64 cap_effective;
	__u64 cap_permitted;
	__u64 cap_inheritable;
	__u32 exec_id;
	__u32 parent_pid;
	__u32 vpid;
	__u32 parent_vpid;
	__u32 sid;
	__u32 pgid;
	__u32 vpgid;
	__u32 tty;
	__u32 uid;
	__u32 euid;
	__u32 gid;
	__u32 egid;
	__u32 loginuid;
	__u32 ns_mount;
	__u32 ns_pid;
	__u32 ns_net;
	__u32 ns_user;
	__u32 ns_uts;
	__u32 ns_ipc;
	__u32 ns_cgroup;
};
_Static_assert(sizeof(struct task_info) == 136, "part of the format");

// Why a record was not sent; counted for each type.
enum loss_cause {
	LOSS_RING_FULL = 0,
	LOSS_NO_SCRATCH = 1, // every scratch slot of the CPU had an owner
	LOSS_TOO_LARGE = 2,
	LOSS_NO_PROGRAM = 3, // the table of programs had none
	LOSS_CAUSES = 4,
};

// One line of the table of calls: what to do at the end of a system call.
#define ARG_NONE 0xff
#define FLAGS_HOW 0xfe
struct call_spec {
	__u16 type;
	__u8 dirfd; // index of the argument, ARG_NONE for the working directory
	__u8 path;  // ARG_NONE: the call has no path
	__u8 dirfd2;
	__u8 path2;
	__u8 flags; // index of the open flags, FLAGS_HOW for openat2's structure
	__u8 fd;    // index of the descriptor, ARG_NONE: it is the result
};
_Static_assert(sizeof(struct call_spec) == 8, "part of the format");

// What ends a call: an index into the table of programs.
enum call_handler {
	CALL_IGNORED = 0,
	CALL_OPEN = 1,
	CALL_PATH = 2, // paths as given, no descriptor
	CALL_EXEC = 3, // only what failed
	CALL_CONNECT = 4,
	CALL_BIND = 5,
	CALL_LISTEN = 6,
	CALL_ACCEPT = 7,
	CALL_FILE = 8, // a descriptor: dup, fchmod
	CALL_HEARTBEAT = 9,
	CALL_HANDLERS = 16,
};

// The heartbeat is fadvise64(-1, nonce, HEARTBEAT_LENGTH, 0), which fails with
// EBADF whoever makes it.
#define HEARTBEAT_LENGTH 0x676f736861776bULL

// fadvise64(-1, bits, SWITCH_LENGTH + word, 0) by the agent sets a word of what is
// wanted (wanted.h).
#define SWITCH_LENGTH 0x676f737700000000ULL
