/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
// dns.bpf.c: answers of DNS servers, as they reach the socket that asked.
//
// No tracepoint sees what a datagram holds, so these are the programs of another kind:
// cgroup_skb on the root cgroup, attached only while a rule asks for DNS names. They are
// an object of their own: where a kernel or a missing right (NET_ADMIN) keeps them away,
// nothing else is lost. They read nothing of the kernel's structures, run from 5.8 on,
// and never keep a packet back.
//
// An answer counts only if the same socket asked that server with the same id: whoever
// can reach a socket could else tell its container names for his own addresses.
//
// They run for every packet of every socket of the machine, so what is no UDP datagram
// from or to port 53 leaves after one load or two. Fragments and answers over TCP are not
// seen.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <stdbool.h>
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

// question is what an answer must belong to.
struct question {
	__u64 socket;	 // its cookie
	__u8 server[16]; // its address, of IPv4 the first four bytes
	__be16 id;
	__u16 unused[3]; // zero: the whole is a key
};

// asked has the questions without an answer. Whoever asks much takes the oldest ones
// away from others: they lose names, and nobody gets wrong ones.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct question);
	__type(value, __u8);
} asked SEC(".maps");

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

// udp_offset returns where the UDP header begins, 0 if there is none to be read, and
// fills in the address that the packet is from or to.
static __always_inline __u32 udp_offset(struct __sk_buff *skb, bool from, __u8 address[16])
{
	__u8 head[10];

	if (bpf_skb_load_bytes(skb, 0, head, sizeof(head)))
		return 0;
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (head[9] != IPPROTO_UDP || (head[6] & 0x3f) || head[7])
			return 0; // another protocol, or a part of a datagram
		if (bpf_skb_load_bytes(skb, from ? 12 : 16, address, 4))
			return 0;
		return (head[0] & 0x0f) * 4;
	}
	if (skb->protocol == bpf_htons(ETH_P_IPV6) && head[6] == IPPROTO_UDP) {
		if (bpf_skb_load_bytes(skb, from ? 8 : 24, address, 16))
			return 0;
		return 40; // extension headers are not followed
	}
	return 0;
}

SEC("cgroup_skb/egress")
int dns_egress(struct __sk_buff *skb)
{
	struct question q = {};
	struct udp_dns udp;
	__u8 yes = 1;
	__u32 at = udp_offset(skb, false, q.server);

	if (!at || bpf_skb_load_bytes(skb, at, &udp, sizeof(udp)))
		return 1;
	if (udp.dest != bpf_htons(DNS_PORT) || (udp.flags & 0x80))
		return 1;
	q.socket = bpf_get_socket_cookie(skb);
	q.id = udp.id;
	bpf_map_update_elem(&asked, &q, &yes, BPF_ANY);
	return 1;
}

SEC("cgroup_skb/ingress")
int dns_ingress(struct __sk_buff *skb)
{
	struct question q = {};
	__u32 at = udp_offset(skb, true, q.server), len, zero = 0;
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
	q.socket = bpf_get_socket_cookie(skb);
	q.id = udp.id;
	if (bpf_map_delete_elem(&asked, &q))
		return 1; // nobody asked, or it was answered before
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
