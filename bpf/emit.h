/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
// emit.h: the door out. A hook claims a scratch slot, appends parameters and
// sends what it wrote; whatever goes wrong is counted for its event type.
//
// A slot has an owner, claimed atomically, since a program can be preempted (from
// Linux 7.0) or meet another program on its CPU: two writers never share one.
#pragma once

#include "event.h"
#include "kernel.h"

#define SLOTS_PER_CPU 2
#define BODY_MAX 32768	// no parameter begins beyond this; a power of two
#define VALUE_MAX 16384 // of one parameter

struct slot {
	__u32 owner; // 0: free
	__u32 used;  // bytes of data
	// A walk keeps its place here: in registers the verifier would follow every
	// length that each step can lead to; volatile keeps the compiler from that.
	volatile __u32 walk_len;
	volatile __u32 walk_skip;
	volatile __u64 walk_root;
	__u8 data[BODY_MAX + VALUE_MAX + 64];
};

// Set by the agent: SLOTS_PER_CPU for each possible CPU.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct slot);
} slots SEC(".maps");

// Births, deaths and new images have a ring of their own, so that a flood of the
// rest cannot lose one. Sizes are set by the agent.
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} states SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} events SEC(".maps");

enum ring { RING_STATES = 0, RING_EVENTS = 1, RINGS = 2 };

// Sequence numbers, per CPU and ring.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RINGS);
	__type(key, __u32);
	__type(value, __u64);
} sequences SEC(".maps");

// What was not sent: type * LOSS_CAUSES + cause.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EVENT_TYPES_MAX *LOSS_CAUSES);
	__type(key, __u32);
	__type(value, __u64);
} losses SEC(".maps");

// Set by the agent before load.
const volatile __u32 agent_pid = 0;	   // its own thread group: its calls are not reported
const volatile __s32 cgroup_subsys = -1;   // whose hierarchy names the containers; -1: the unified one
const volatile __u32 wakeup_bytes = 65536; // wake the reader when so much waits; else it comes by time

// BOUND makes the verifier see that x is at most mask, where the compiler knows it
// and would leave the test out.
#define BOUND(x, mask)                                                                                                 \
	({                                                                                                             \
		asm volatile("" : "+r"(x));                                                                            \
		(x) &= (mask);                                                                                         \
	})

static __always_inline void count_loss(__u16 type, enum loss_cause cause)
{
	__u32 key = (__u32)type * LOSS_CAUSES + cause;
	__u64 *n = bpf_map_lookup_elem(&losses, &key);
	if (n)
		__sync_fetch_and_add(n, 1);
}

static __always_inline struct cgroup *task_cgroup(struct task_struct *task)
{
	struct css_set *set = READ(task, cgroups);
	struct cgroup_subsys_state *css = 0;

	if (cgroup_subsys < 0)
		return READ(set, dfl_cgrp);
	// A variable index is not a field: read it as plain memory.
	bpf_probe_read_kernel(&css, sizeof(css), (void *)&set->subsys + sizeof(css) * cgroup_subsys);
	css = AS(cgroup_subsys_state, css);
	return READ(css, cgroup);
}

static __always_inline __u64 cgroup_id(struct cgroup *cgrp)
{
	struct kernfs_node *kn = READ(cgrp, kn);
	return READ(kn, id);
}

static __always_inline void header_fill(struct record_header *h, struct task_struct *task, __u16 type)
{
	const struct cred *cred = READ(task, cred);
	struct task_struct *leader = READ(task, group_leader);
	__u64 id = bpf_get_current_pid_tgid();

	h->type = type;
	h->cpu = bpf_get_smp_processor_id();
	h->time = bpf_ktime_get_boot_ns();
	h->tid = id;
	h->pid = id >> 32;
	h->start = READ(leader, start_boottime);
	h->exec_id = READ(task, self_exec_id);
	h->flags = 0;
	h->cgroup = cgroup_id(task_cgroup(task));
	h->uid = READ(cred, euid.val);
	h->gid = READ(cred, egid.val);
}

// record_begin claims a slot and fills the header. NULL means that no slot was
// free, and the loss is already counted. What it returns must go to record_end.
static __always_inline struct slot *record_begin(struct task_struct *task, __u16 type)
{
	__u32 base = bpf_get_smp_processor_id() * SLOTS_PER_CPU;

	for (__u32 i = 0; i < SLOTS_PER_CPU; i++) {
		__u32 key = base + i;
		struct slot *s = bpf_map_lookup_elem(&slots, &key);
		if (!s)
			break;
		if (!claim(&s->owner))
			continue;
		s->used = sizeof(struct record_header);
		header_fill((struct record_header *)s->data, task, type);
		return s;
	}
	count_loss(type, LOSS_NO_SCRATCH);
	return 0;
}

static __always_inline struct record_header *record_head(struct slot *s)
{
	return (struct record_header *)s->data;
}

// record_end numbers the record, sends it and frees the slot.
static __always_inline void record_end(struct slot *s, void *map, enum ring ring)
{
	struct record_header *h = record_head(s);
	__u32 key = ring, size = s->used;
	__u64 *seq = bpf_map_lookup_elem(&sequences, &key);

	if (seq)
		h->seq = counter_next(seq);
	h->size = size;
	if (size > sizeof(s->data)) {
		count_loss(h->type, LOSS_TOO_LARGE);
	} else {
		// The reader comes by itself every few milliseconds. It is woken early
		// only by the record that fills the ring past a mark.
		__u64 waiting = bpf_ringbuf_query(map, BPF_RB_AVAIL_DATA);
		__u64 flags = BPF_RB_NO_WAKEUP;

		if (waiting < wakeup_bytes && waiting + size + 8 >= wakeup_bytes)
			flags = BPF_RB_FORCE_WAKEUP;
		if (bpf_ringbuf_output(map, s->data, size, flags))
			count_loss(h->type, LOSS_RING_FULL);
	}
	s->owner = 0;
}

#define record_send_state(s) record_end(s, &states, RING_STATES)
#define record_send(s) record_end(s, &events, RING_EVENTS)

// param_at returns where the next parameter's value will lie, NULL if the record
// is full. At least VALUE_MAX bytes may be written there.
static __always_inline __u8 *param_at(struct slot *s)
{
	__u32 off = s->used;

	if (off >= BODY_MAX) {
		record_head(s)->flags |= RECORD_TRUNCATED;
		return 0;
	}
	off &= BODY_MAX - 1; // verifier: the bound above is lost when the value is spilled
	return s->data + off + sizeof(struct param_header);
}

// param_done closes the parameter whose value lies at s->used.
static __always_inline void param_done(struct slot *s, enum param_id id, __u16 flags, __u32 len)
{
	__u32 off = s->used & (BODY_MAX - 1); // verifier: param_at checked it
	struct param_header *p = (void *)s->data + off;

	p->id = id;
	p->flags = flags;
	p->len = len;
	if (flags & PARAM_TRUNCATED)
		record_head(s)->flags |= RECORD_TRUNCATED;
	s->used = off + sizeof(*p) + ((len + 7) & ~7U);
}

// param_fixed reserves a parameter of a fixed size for the caller to fill.
#define param_fixed(s, param, type) ((struct type *)param_reserve(s, param, sizeof(struct type)))

static __always_inline void *param_reserve(struct slot *s, enum param_id id, __u32 size)
{
	void *value = param_at(s);

	if (value)
		param_done(s, id, 0, size);
	return value;
}

static __always_inline void param_u64(struct slot *s, enum param_id id, __u64 v)
{
	__u64 *value = param_reserve(s, id, sizeof(v));

	if (value)
		*value = v;
}

// param_user appends size bytes of the caller's memory, which may hold NULs.
static __always_inline void param_user(struct slot *s, enum param_id id, const void *from, __u64 size)
{
	__u8 *value = param_at(s);
	__u16 flags = 0;

	if (!value)
		return;
	if (size > VALUE_MAX) {
		size = VALUE_MAX;
		flags = PARAM_TRUNCATED;
	}
	if (bpf_probe_read_user(value, size, from)) {
		size = 0;
		flags |= PARAM_UNREADABLE;
	}
	param_done(s, id, flags, size);
}

#define NAME_MAX_BYTES 4096 // PATH_MAX, with its NUL

// param_user_string appends a path of the caller's memory, without its NUL.
// Returns its first byte, 0 for an empty or unreadable one.
static __always_inline __u8 param_user_string(struct slot *s, enum param_id id, const void *from)
{
	__u8 *value = param_at(s);
	__u16 flags = 0;
	__u8 first = 0;
	long n;

	if (!value)
		return 0;
	n = bpf_probe_read_user_str(value, NAME_MAX_BYTES, from);
	if (n <= 0) {
		flags = PARAM_UNREADABLE;
		n = 1;
	} else {
		first = value[0];
	}
	param_done(s, id, flags, n - 1);
	return first;
}

// param_kernel_string appends a string of the kernel's, without its NUL.
static __always_inline void param_kernel_string(struct slot *s, enum param_id id, const void *from)
{
	__u8 *value = param_at(s);
	long n;

	if (!value)
		return;
	n = bpf_probe_read_kernel_str(value, NAME_MAX_BYTES, from);
	param_done(s, id, 0, n > 0 ? n - 1 : 0);
}
