/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
// wanted.h: what the loaded rules ask for. It is the one thing that a reload of
// the rules changes here.
//
// The map is frozen: only programs write it, when the agent itself asks for it by a
// call that nobody else makes. So nobody can blind the agent by emptying it, and
// what is wanted changes from one call to the next without anything being attached
// or taken off.
#pragma once

#include "event.h"

#define WANTED_WORDS (EVENT_TYPES_MAX / 64)
#define WANTED_FLAGS WANTED_WORDS // the word behind those of the types
#define WANTED_ENVIRON 1	  // a flag: environments of new images
#define WANTED_MAX (WANTED_FLAGS + 1)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WANTED_MAX);
	__type(key, __u32);
	__type(value, __u64);
} wanted SEC(".maps");

static __always_inline bool wanted_bit(__u32 word, __u64 bit)
{
	__u64 *bits = bpf_map_lookup_elem(&wanted, &word);

	return bits && *(volatile __u64 *)bits & bit;
}

static __always_inline bool type_wanted(__u16 type)
{
	return wanted_bit(type / 64, 1ULL << (type % 64));
}

static __always_inline bool environ_wanted(void)
{
	return wanted_bit(WANTED_FLAGS, WANTED_ENVIRON);
}

static __always_inline void wanted_set(__u32 word, __u64 bits)
{
	__u64 *old = bpf_map_lookup_elem(&wanted, &word);

	if (old)
		*(volatile __u64 *)old = bits;
}
