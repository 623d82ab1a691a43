package dnsnames

import (
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// maxAddresses bounds what is kept of one answer.
const maxAddresses = 32

// answer is what a message says: the name that was asked for and the addresses it has.
type answer struct {
	name      string // lower case, without the dot at the end
	addresses []netip.Addr
	seconds   uint32 // the least time that one of them is to be believed
}

// parse reads a message. It is false for one that is no answer with addresses, and for
// everything that cannot be read; a message that was cut is read up to there.
func parse(data []byte, a *answer) bool {
	var p dnsmessage.Parser
	h, err := p.Start(data)
	if err != nil || !h.Response || h.RCode != dnsmessage.RCodeSuccess {
		return false
	}
	q, err := p.Question()
	if err != nil || q.Class != dnsmessage.ClassINET || q.Type != dnsmessage.TypeA && q.Type != dnsmessage.TypeAAAA {
		return false
	}
	if p.SkipAllQuestions() != nil {
		return false
	}
	a.addresses, a.seconds = a.addresses[:0], ^uint32(0)
	for len(a.addresses) < maxAddresses {
		r, err := p.AnswerHeader()
		if err != nil {
			break
		}
		switch r.Type {
		case dnsmessage.TypeA:
			var v dnsmessage.AResource
			if v, err = p.AResource(); err == nil {
				a.add(netip.AddrFrom4(v.A), r.TTL)
			}
		case dnsmessage.TypeAAAA:
			var v dnsmessage.AAAAResource
			if v, err = p.AAAAResource(); err == nil {
				a.add(netip.AddrFrom16(v.AAAA).Unmap(), r.TTL)
			}
		default: // an alias, a signature
			err = p.SkipAnswer()
		}
		if err != nil {
			break
		}
	}
	if len(a.addresses) == 0 {
		return false
	}
	a.name = strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	return a.name != ""
}

func (a *answer) add(addr netip.Addr, ttl uint32) {
	a.addresses = append(a.addresses, addr)
	a.seconds = min(a.seconds, ttl)
}
