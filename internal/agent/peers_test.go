package agent

import (
	"net/netip"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/goshawk-security/goshawk/internal/capture/dns"
	"github.com/goshawk-security/goshawk/internal/enrich/dnsnames"
	"github.com/goshawk-security/goshawk/internal/event"
)

// Without the program and without Kubernetes nothing is known, and nothing breaks.
func TestPeersOff(t *testing.T) {
	p := &peers{cgroups: t.TempDir(), log: zap.NewNop()}
	addr := netip.MustParseAddr("192.0.2.1")
	p.learn(1, nil)
	if p.Peer(addr) != nil || p.DNSName(nil, addr) != "" || p.Advance() || p.err() != nil {
		t.Error("something is known")
	}
	p.watchNames(true) // no cgroup file system is there
	if p.err() == nil {
		t.Error("names are watched where there is no unified hierarchy")
	}
	if got := p.DNSName(&event.Container{FullID: "a"}, addr); got != "" {
		t.Errorf("a name: %q", got)
	}
	p.watchNames(false)
	if p.err() != nil {
		t.Errorf("after nobody asks any more: %v", p.err())
	}
}

// flood has always one more answer.
type flood struct{ read int }

func (f *flood) Drain(most int, do func(*dns.Answer)) error {
	for ; most > 0; most-- {
		f.read++
		do(&dns.Answer{Time: 1, Data: []byte("no DNS")})
	}
	return nil
}

func (f *flood) Close() error { return nil }

// Somebody who answers himself without end takes little of the loop's time.
func TestFloodOfAnswers(t *testing.T) {
	f := &flood{}
	p := &peers{log: zap.NewNop(), names: dnsnames.New(), answers: f}
	who := func(uint64) (string, bool) { return "", true }
	now := uint64(time.Hour)
	p.learn(now, who)
	if f.read != answersPerEvent {
		t.Errorf("%d answers for one event", f.read)
	}
	for i := range uint64(1000) {
		p.learn(now-i%2, who)
	}
	if f.read != answersPerSecond {
		t.Errorf("%d answers in a second", f.read)
	}
	p.learn(now+uint64(time.Second), who)
	if f.read != answersPerSecond+answersPerEvent {
		t.Errorf("%d answers after it", f.read)
	}
}
