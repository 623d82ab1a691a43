package decode

import (
	"bytes"
	"net/netip"

	"github.com/goshawk-security/goshawk/internal/event"
)

func file(b []byte) (event.File, bool) {
	i, ok := read[layoutFileInfo](b)
	return event.File{
		Kind: event.FileKind(i.Kind), Mode: uint32(i.Mode), Dev: i.Dev, Ino: i.Ino, UID: i.Uid,
		CTime: i.Ctime, MTime: i.Mtime, OpenFlags: i.OpenFlags,
		UpperLayer: layoutFileLayer(i.Layer) == layoutFileLayerLAYER_UPPER,
		LowerLayer: layoutFileLayer(i.Layer) == layoutFileLayerLAYER_LOWER,
	}, ok
}

func socket(b []byte) (event.Socket, bool) {
	i, ok := read[layoutSocketInfo](b)
	s := event.Socket{
		Family: event.Family(i.Family), Type: i.Type, Proto: i.Proto,
		Given:  i.Flags&uint16(layoutSocketFlagSOCKET_GIVEN) != 0,
		Server: i.Flags&uint16(layoutSocketFlagSOCKET_SERVER) != 0,
	}
	s.Local = addrPort(s.Family, &i.Local, i.LocalPort)
	s.Remote = addrPort(s.Family, &i.Remote, i.RemotePort)
	if s.Family == event.FamilyIPv6 && isIPv4(s.Remote, s.Local) {
		s.Family = event.FamilyIPv4 // a socket for both that talks IPv4, as Falco has it
	}
	return s, ok
}

// isIPv4 tells the family of the first end that is known.
func isIPv4(ends ...netip.AddrPort) bool {
	for _, a := range ends {
		if a.IsValid() {
			return a.Addr().Is4()
		}
	}
	return false
}

// addrPort makes one end of a socket. An end without address and port is not
// there yet: the zero AddrPort.
func addrPort(family event.Family, b *[16]byte, port uint16) netip.AddrPort {
	if port == 0 && *b == [16]byte{} {
		return netip.AddrPort{}
	}
	switch family {
	case event.FamilyIPv4:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[:4])), port)
	case event.FamilyIPv6:
		return netip.AddrPortFrom(netip.AddrFrom16(*b).Unmap(), port)
	}
	return netip.AddrPort{}
}

// unixName reads a sun_path: up to the first NUL, or, for an abstract name, all
// of it behind an @ as tools print it.
func unixName(b []byte) string {
	if len(b) > 0 && b[0] == 0 {
		b[0] = '@'
		return text(b)
	}
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return text(b)
}
