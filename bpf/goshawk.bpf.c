/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
// goshawk.bpf.c gathers every hook into one object: they share the rings.

#include "syscall.bpf.c"
#include "file.bpf.c"
#include "network.bpf.c"
#include "process.bpf.c"
#include "cgroup.bpf.c"

// Some helpers are for GPL programs only.
char LICENSE[] SEC("license") = "Dual MIT/GPL";
