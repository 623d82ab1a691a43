package agent

import (
	"net/netip"
	"testing"

	"go.uber.org/zap"

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
