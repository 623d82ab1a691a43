package event

import (
	"net/netip"
	"strconv"
	"unsafe"
)

// Name is one name of an event's file.
type Name struct {
	Text       string // absolute where the directory is known
	Provenance Provenance
	Form       Form
}

// Form says which of the three names of one file this is.
type Form uint8

// The forms of a name.
const (
	Resolved  Form = iota // walked to the root of the mount namespace, perhaps late
	Origin                // walked on to the root of the file system
	GivenForm             // the caller's string, joined lexically
)

// names are the names of Path, made on demand in a buffer that is kept.
type names struct {
	made     bool
	selected int
	count    int
	list     [4]Name
	late     int       // where in list the names found afterwards are, 0 if there are none
	late2    Name      // of Path2, the companion of list[late]
	given    givenName // of Path
	given2   givenName // of Path2
	buf      []byte
}

// givenName is a caller's name once it was asked for.
type givenName struct {
	made bool
	name Name
}

func (n *names) reset() {
	n.made, n.selected, n.count, n.late = false, 0, 0, 0
	n.given.made, n.given2.made = false, false
	n.buf = n.buf[:0]
}

// Names returns how many names the file of the event has: none, one, or up to
// four. A rule is true of an event when it is true with any one of them
// selected. Names of two paths come in pairs: both as given, both as found
// afterwards.
func (e *Event) Names() int {
	e.makeNames()
	return e.names.count
}

// SelectName makes Name return the i-th name, 0 <= i < Names().
func (e *Event) SelectName(i int) { e.names.selected = i }

// Name returns the selected name: fd.name and what is derived from it. Its
// Provenance is NoName if the event has none.
func (e *Event) Name() Name {
	e.makeNames()
	if e.names.selected >= e.names.count {
		return Name{}
	}
	return e.names.list[e.names.selected]
}

// PathName returns the first path's name of the pair that is selected: the
// caller's string on its directory, or what was found afterwards.
func (e *Event) PathName() Name {
	e.makeNames()
	if e.names.late != 0 && e.names.selected == e.names.late {
		return e.names.list[e.names.late]
	}
	return e.GivenName()
}

// PathName2 is PathName for the second path.
func (e *Event) PathName2() Name {
	e.makeNames()
	if e.names.late != 0 && e.names.selected == e.names.late {
		return e.names.late2
	}
	return e.Name2()
}

// Lexical joins the caller's string of one of the event's paths with its
// directory, as text.
func (e *Event) Lexical(p *Path) string {
	return e.keep(func(b []byte) []byte { b, _ = appendGiven(b, p); return b }, DirAndGiven, GivenForm).Text
}

// Name2 returns the second path's name: the caller's string on its directory.
func (e *Event) Name2() Name {
	return e.givenName(&e.Path2, &e.names.given2)
}

// GivenName returns the first path's name as the caller gave it, on its
// directory, whatever is selected.
func (e *Event) GivenName() Name {
	return e.givenName(&e.Path, &e.names.given)
}

// OriginName returns the first path's name on its own file system where that
// differs from the resolved one; its Provenance is NoName otherwise.
func (e *Event) OriginName() Name {
	e.makeNames()
	for _, n := range e.names.list[:e.names.count] {
		if n.Form == Origin {
			return n
		}
	}
	return Name{}
}

// makeNames fills the list of names, best first.
func (e *Event) makeNames() {
	if e.names.made {
		return
	}
	e.names.made = true
	if e.Socket.Family != FamilyNone {
		e.addName(e.socketName())
		return
	}
	p := &e.Path
	if p.Resolved.Valid {
		e.addName(e.keep(p.Resolved.AppendTo, FromKernel, Resolved))
		if p.Origin.Valid {
			e.addName(e.keep(p.appendOrigin, FromKernel, Origin))
		}
		if e.onlyReads() {
			return
		}
	}
	if p.HasGiven || p.GivenUnread {
		e.addName(e.GivenName())
	}
	if e.Path.Late != "" || e.Path2.Late != "" {
		e.addLate()
	}
}

// addLate adds the names found afterwards. A path that led where its text says
// goes with the other as it is.
func (e *Event) addLate() {
	n := &e.names
	if n.count == 0 {
		n.list[0], n.count = Name{}, 1 // the first is what the event itself says: nothing
	}
	n.late = n.count
	n.count++
	n.list[n.late], n.late2 = e.GivenName(), e.Name2()
	if e.Path.Late != "" {
		n.list[n.late] = e.keep(e.Path.appendLate, Late, Resolved)
	}
	if e.Path2.Late != "" {
		n.late2 = e.keep(e.Path2.appendLate, Late, Resolved)
	}
}

// onlyReads tells that the event is a successful open without any right to
// write: then the string that the caller gave adds nothing but false alarms.
func (e *Event) onlyReads() bool {
	flags, ok := e.Arg(ArgOpenFlags)
	const accessMode, creat, trunc = 0o3, 0o100, 0o1000
	return ok && flags&(accessMode|creat|trunc) == 0 && !e.Failed()
}

// addName adds a name unless there is one with the same text.
func (e *Event) addName(name Name) {
	if name.Provenance == NoName || e.names.count == len(e.names.list) {
		return
	}
	for _, have := range e.names.list[:e.names.count] {
		if have.Text == name.Text && have.Provenance != Unread {
			return
		}
	}
	e.names.list[e.names.count] = name
	e.names.count++
}

// keep lets fill append a name to the event's buffer.
func (e *Event) keep(fill func([]byte) []byte, prov Provenance, form Form) Name {
	start := len(e.names.buf)
	e.names.buf = fill(e.names.buf)
	return Name{Text: borrow(e.names.buf[start:]), Provenance: prov, Form: form}
}

// Scratch lets fill append text to the event's buffer and returns it, borrowed
// until the event is reused. It is for values that have to be put together.
func (e *Event) Scratch(fill func([]byte) []byte) string {
	start := len(e.names.buf)
	e.names.buf = fill(e.names.buf)
	return borrow(e.names.buf[start:])
}

// givenName makes the caller's name of a path, NoName if it has none. It is made
// once for an event and kept in g.
func (e *Event) givenName(p *Path, g *givenName) Name {
	switch {
	case g.made:
		return g.name
	case !p.HasGiven && !p.GivenUnread:
		return Name{}
	}
	start := len(e.names.buf)
	buf, prov := appendGiven(e.names.buf, p)
	e.names.buf = buf
	*g = givenName{made: true, name: Name{Text: borrow(buf[start:]), Provenance: prov, Form: GivenForm}}
	return g.name
}

// appendOrigin appends the name on the file system itself.
func (p *Path) appendOrigin(buf []byte) []byte {
	start := len(buf)
	if p.Origin.Truncated {
		buf = append(buf, "..."...)
	}
	buf = appendReversed(buf, p.Origin.Bytes)
	buf = appendReversed(buf, p.Resolved.Bytes[:min(p.OriginSkip, len(p.Resolved.Bytes))])
	if len(buf) == start {
		buf = append(buf, '/')
	}
	return buf
}

// socketName makes Falco's fd.name of a socket: client->server, or the local
// address of a socket that listens.
func (e *Event) socketName() Name {
	s := &e.Socket
	prov := FromKernel
	if s.Given {
		prov = Given
	}
	return e.keep(s.appendName, prov, Resolved)
}

// AppendName appends Falco's name of a socket to buf: client->server, the local
// address of one that listens, or the path of a unix socket.
func (s *Socket) AppendName(buf []byte) []byte { return s.appendName(buf) }

func (s *Socket) appendName(buf []byte) []byte {
	if s.Family == FamilyUnix {
		return append(buf, s.Path...)
	}
	client, server := s.Local, s.Remote
	if s.Server {
		client, server = s.Remote, s.Local
	}
	if client.IsValid() {
		buf = appendAddrPort(buf, client)
	}
	if client.IsValid() && server.IsValid() {
		buf = append(buf, "->"...)
	}
	if server.IsValid() {
		buf = appendAddrPort(buf, server)
	}
	return buf
}

// appendAddrPort writes address:port, without brackets for IPv6, as Falco does.
func appendAddrPort(buf []byte, a netip.AddrPort) []byte {
	buf = a.Addr().Unmap().AppendTo(buf)
	buf = append(buf, ':')
	return strconv.AppendUint(buf, uint64(a.Port()), 10)
}

// borrow makes a string of bytes that stay where they are until Reset: a
// buffer that grows leaves the old bytes to the strings made of them.
func borrow(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}
