package dnsnames

import (
	"net/netip"
	"strings"
	"time"
)

// How long an address keeps a name. Programs use addresses for longer than they should,
// and connections outlive the answer.
const (
	leastAge = 10 * time.Minute
	mostAge  = 24 * time.Hour
)

// What is kept at most.
const (
	maxContainers = 1024
	maxNames      = 1024 // of one container
	maxAll        = 32768
)

// Stats counts what a Table did.
type Stats struct {
	Containers int
	Names      int
	Seen       uint64 // answers with addresses
	Unreadable uint64 // others, and what is no DNS
	Evicted    uint64 // names and containers that were forgotten, since there were too many
}

// Table remembers names.
type Table struct {
	containers map[string]*names // by full id, "" for the host
	names      int               // of all containers
	answer     answer
	stats      Stats
}

// names are those of one container. Addresses of the same name share its text.
type names struct {
	byAddr map[netip.Addr]entry
	used   uint64 // when it was added to last
}

type entry struct {
	name  string
	until uint64 // CLOCK_BOOTTIME, ns
}

// New returns an empty Table.
func New() *Table { return &Table{containers: map[string]*names{}} }

// Seen takes a DNS message that a socket of a container got, "" for the host. now is
// CLOCK_BOOTTIME in ns.
func (t *Table) Seen(container string, message []byte, now uint64) {
	if !parse(message, &t.answer) {
		t.stats.Unreadable++
		return
	}
	t.stats.Seen++
	n := t.containers[container]
	if n == nil {
		if len(t.containers) >= maxContainers {
			t.evict()
		}
		n = &names{byAddr: map[netip.Addr]entry{}}
		t.containers[strings.Clone(container)] = n
	}
	n.used = now
	age := min(max(time.Duration(t.answer.seconds)*time.Second, leastAge), mostAge)
	for _, a := range t.answer.addresses {
		if _, known := n.byAddr[a]; !known {
			if len(n.byAddr) >= maxNames {
				t.shrink(n, maxNames, now)
			}
			if t.names >= maxAll {
				big := t.largest()
				t.shrink(big, len(big.byAddr), now)
			}
			t.names++
		}
		n.byAddr[a] = entry{t.answer.name, now + uint64(age)}
	}
}

// shrink forgets what is too old or, if most are left then, those of n that are believed
// for the shortest time, up to a half.
func (t *Table) shrink(n *names, most int, now uint64) {
	before, sum := len(n.byAddr), uint64(0)
	for a, e := range n.byAddr {
		if now >= e.until {
			delete(n.byAddr, a)
			continue
		}
		sum += e.until - now
	}
	if left := len(n.byAddr); left >= most {
		for a, e := range n.byAddr {
			if len(n.byAddr) > most/2 && e.until-now <= sum/uint64(left) {
				delete(n.byAddr, a)
				t.stats.Evicted++
			}
		}
	}
	t.names -= before - len(n.byAddr)
}

// largest returns the container with the most names: whoever fills the table loses his.
func (t *Table) largest() *names {
	var most *names
	for _, n := range t.containers {
		if most == nil || len(n.byAddr) > len(most.byAddr) {
			most = n
		}
	}
	return most
}

// evict forgets the container that was quiet for longest.
func (t *Table) evict() {
	oldest, at := "", ^uint64(0)
	for id, n := range t.containers {
		if n.used < at {
			oldest, at = id, n.used
		}
	}
	t.stats.Evicted += uint64(len(t.containers[oldest].byAddr))
	t.Forget(oldest)
}

// Name returns the name by which a container, "" for the host, got an address, "" if
// none was seen.
func (t *Table) Name(container string, addr netip.Addr, now uint64) string {
	n := t.containers[container]
	if n == nil {
		return ""
	}
	if e := n.byAddr[addr]; now < e.until {
		return e.name
	}
	return ""
}

// Forget drops the names of a container that ended.
func (t *Table) Forget(container string) {
	if n := t.containers[container]; n != nil {
		t.names -= len(n.byAddr)
		delete(t.containers, container)
	}
}

// Stats returns the counters.
func (t *Table) Stats() Stats {
	s := t.stats
	s.Containers, s.Names = len(t.containers), t.names
	return s
}
