// Package capture loads the kernel side (bpf/), attaches what the rules need and
// reads its rings.
//
// [Open] attaches before it returns, so that whoever scans the running system
// afterwards misses nobody. [Source.Next] hands out the records of both rings in
// the order in which things happened: a process's birth before what it did.
//
// Records that the kernel side could not send are counted for each event type
// and cause ([Source.Losses]); nothing is lost silently.
//
// Two flavours of the kernel side exist, see bpf/kernel.h; Open takes the faster
// one that the kernel can load. Needs Linux 5.8 with BTF, and CAP_BPF and
// CAP_PERFMON; before 5.11 CAP_SYS_RESOURCE too, since maps are locked memory there.
package capture
