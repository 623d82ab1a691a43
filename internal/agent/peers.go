package agent

import (
	"bytes"
	"net/netip"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/goshawk-security/goshawk/internal/capture/dns"
	"github.com/goshawk-security/goshawk/internal/enrich/dnsnames"
	"github.com/goshawk-security/goshawk/internal/enrich/peer"
	"github.com/goshawk-security/goshawk/internal/event"
)

// peers are the other ends of connections: whose an address is, by the cache, and by
// which name it was looked up. It implements enrich.Peers for the loop.
type peers struct {
	cache   *peer.Cache // nil: nobody is asked
	cgroups string      // where the cgroup file systems are mounted
	log     *zap.Logger

	// While a rule asks for names. Of the loop alone.
	names   *dnsnames.Table
	answers answers
	early   []dns.Answer // that are later than the event handled last
	told    bool         // that names cannot be had
	pace    pace

	failed atomic.Pointer[error]
}

// answers are what peers needs of dns.Source.
type answers interface {
	Drain(most int, do func(*dns.Answer)) error
	Close() error
}

// How many answers are taken over. Whoever asks and answers himself can make more of
// them than the loop could read beside its events; what is over is lost in the kernel.
const (
	answersPerEvent  = 32
	answersPerSecond = 2000
)

// pace counts what was taken over since a second began.
type pace struct {
	began uint64 // CLOCK_BOOTTIME, ns
	taken int
}

// left returns how many more may be taken over now.
func (p *pace) left(now uint64) int {
	if now >= p.began+uint64(time.Second) { // events are not quite in order
		p.began, p.taken = now, 0
	}
	return min(answersPerEvent, answersPerSecond-p.taken)
}

// Peer implements event.Peers.
func (p *peers) Peer(addr netip.Addr) *event.Peer {
	if p.cache == nil {
		return nil
	}
	return p.cache.Peer(addr)
}

// DNSName implements event.Peers.
func (p *peers) DNSName(c *event.Container, addr netip.Addr) string {
	if p.names == nil {
		return ""
	}
	id := ""
	if c != nil {
		id = c.FullID
	}
	return p.names.Name(id, addr, bootTime())
}

// Advance implements enrich.Peers.
func (p *peers) Advance() bool { return p.cache != nil && p.cache.Advance() }

// changed says that a pod of this node has come or is another: what was known of its
// addresses may be old. Any goroutine may call it.
func (p *peers) changed(pod *event.Pod) {
	if p.cache == nil || pod == nil || pod.HostNetwork {
		return
	}
	for _, ip := range pod.IPs {
		if addr, err := netip.ParseAddr(ip); err == nil {
			p.cache.Changed(addr)
		}
	}
}

// watchNames begins or ends to follow which names are looked up.
func (p *peers) watchNames(on bool) {
	switch {
	case !on && p.names != nil:
		p.close()
		p.names = nil
	case on && p.names == nil:
		p.names = dnsnames.New()
		if source, err := dns.Open(p.cgroups); err == nil {
			p.answers = source
		} else {
			p.failed.Store(&err)
			p.log.Warn("rules ask for DNS names, and there will be none", zap.Error(err),
				zap.String("next", "give the agent the capability NET_ADMIN, or leave fd.sip.name and the like out of the rules"))
		}
	}
}

// maxEarly bounds the answers that came in before the events that precede them were
// handled. An agent that is so far behind loses other things, too.
const maxEarly = 4096

// learn takes over the answers from before the event that is handled next. Later ones
// wait: the container that got one may not be known yet. who says whose a cgroup of the
// unified hierarchy is.
func (p *peers) learn(now uint64, who func(cgroup uint64) (container string, ok bool)) {
	if p.answers == nil {
		return
	}
	err := p.answers.Drain(p.pace.left(now), func(a *dns.Answer) {
		p.pace.taken++
		if len(p.early) == maxEarly {
			p.early = p.early[1:]
		}
		kept := *a
		kept.Data = bytes.Clone(a.Data)
		p.early = append(p.early, kept)
	})
	for len(p.early) > 0 && p.early[0].Time <= now {
		a := &p.early[0]
		if container, ok := who(a.Cgroup); ok {
			p.names.Seen(container, a.Data, a.Time)
		}
		p.early = p.early[1:]
	}
	if err != nil && !p.told {
		p.told = true
		p.log.Error("DNS names are not known any more", zap.Error(err))
	}
}

// err says why names are not known, nil if they are or nobody asks for them.
func (p *peers) err() error {
	if e := p.failed.Load(); e != nil {
		return *e
	}
	return nil
}

// close takes the program off.
func (p *peers) close() {
	p.failed.Store(nil)
	p.early = nil
	if p.answers == nil {
		return
	}
	if err := p.answers.Close(); err != nil {
		p.log.Warn("take off the program for DNS names", zap.Error(err))
	}
	p.answers = nil
}
