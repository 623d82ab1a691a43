/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
// dns.bpf.c: answers of DNS servers, as they reach the socket that asked.
//
// No tracepoint sees what a datagram holds, so this is the one program of another kind:
// cgroup_skb/ingress on the root cgroup, attached only while a rule asks for DNS names.
// It is an object of its own: where a kernel or a missing right (NET_ADMIN) keeps it
// away, nothing else is lost. It reads nothing of the kernel's structures, runs from 5.8
// on, and never keeps a packet back.
//
// It runs for every packet of every socket of the machine, so what is no UDP datagram
// from port 53 leaves after one load. Fragments and answers over TCP are not seen.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define DNS_PORT 53
#define DNS_HEADER 12
#define DNS_MAX 1232 // what servers send at most without being asked for more

// dns_answer is one answer. Times are ns of CLOCK_BOOTTIME.
struct dns_answer {
	__u64 time;
	__u64 cgroup; // id of the socket's cgroup in the unified hierarchy
	__u32 len;    // of data
	__u32 cut;    // 1: the datagram was longer
	__u8 data[DNS_MAX];
};
_Static_assert(sizeof(struct dns_answer) == 24 + DNS_MAX, "the layout is shared with the agent");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} answers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

struct udp_dns {
	__be16 source, dest, len, check;
	__be16 id;
	__u8 flags; // the highest bit: an answer
	__u8 flags2;
};

// udp_offset returns where the UDP header begins, 0 if there is none to be read.
static __always_inline __u32 udp_offset(struct __sk_buff *skb)
{
	__u8 head[10];

	if (bpf_skb_load_bytes(skb, 0, head, sizeof(head)))
		return 0;
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (head[9] != IPPROTO_UDP || (head[6] & 0x3f) || head[7])
			return 0; // another protocol, or a part of a datagram
		return (head[0] & 0x0f) * 4;
	}
	if (skb->protocol == bpf_htons(ETH_P_IPV6) && head[6] == IPPROTO_UDP)
		return 40; // extension headers are not followed
	return 0;
}

SEC("cgroup_skb/ingress")
int dns_ingress(struct __sk_buff *skb)
{
	__u32 at = udp_offset(skb), len, zero = 0;
	struct udp_dns udp;
	struct dns_answer *a;
	__u64 *n;

	if (!at || bpf_skb_load_bytes(skb, at, &udp, sizeof(udp)))
		return 1;
	if (udp.source != bpf_htons(DNS_PORT) || !(udp.flags & 0x80))
		return 1;
	at += 8;
	len = skb->len;
	if (len < at + DNS_HEADER)
		return 1;
	len -= at;
	a = bpf_ringbuf_reserve(&answers, sizeof(*a), 0);
	if (!a) {
		n = bpf_map_lookup_elem(&lost, &zero);
		if (n)
			__sync_fetch_and_add(n, 1);
		return 1;
	}
	a->time = bpf_ktime_get_boot_ns();
	a->cgroup = bpf_skb_cgroup_id(skb);
	a->cut = len > DNS_MAX;
	if (len > DNS_MAX)
		len = DNS_MAX;
	a->len = len;
	// verifier: not zero, and at most the array
	if (len < DNS_HEADER || bpf_skb_load_bytes(skb, at, a->data, len)) {
		bpf_ringbuf_discard(a, 0);
		return 1;
	}
	bpf_ringbuf_submit(a, 0);
	return 1;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
