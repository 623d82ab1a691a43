package event

import "net/netip"

// PeerKind says what the other end of a connection is.
type PeerKind uint8

// The kinds of peer.
const (
	PeerUnknown PeerKind = iota // nobody could say
	PeerPod
	PeerService
	PeerNode
	PeerOutside // of the cluster
	PeerLocal   // the same machine or link, by a loopback or link-local address
)

// String returns the kind as k8s.peer.type shows it.
func (k PeerKind) String() string {
	return [...]string{"", "pod", "service", "node", "outside", "local"}[k]
}

// Peer is the other end of a connection. Kind, Namespace, Name, Labels and Owner
// never change once Waiting is false; enrich alone sets them before, in the goroutine
// that handles events.
type Peer struct {
	Waiting   bool // for an answer
	Missed    bool // nobody answered in time: what is here may be less than there is
	Kind      PeerKind
	Namespace string
	Name      string
	Labels    map[string]string
	Owner     Object // of a pod: its workload, the zero Object if it has none
}

// Peers finds the other ends of connections. It is safe to call from the goroutine
// that handles events, and never blocks.
type Peers interface {
	// Peer returns what is known of an address. Waiting says that an answer is on
	// its way: the same Peer has it later. It is nil if nobody can tell.
	Peer(addr netip.Addr) *Peer
	// DNSName returns the name that the container, or the host if it is nil, looked
	// up last and got addr for, "" if none was seen.
	DNSName(c *Container, addr netip.Addr) string
}
