package event

import "bytes"

// Provenance says how much a name can be trusted.
type Provenance uint8

// The provenances, best first.
const (
	// NoName: the event has no such name.
	NoName Provenance = iota
	// FromKernel: walked from the open file's own dentry and mount.
	FromKernel
	// DirAndGiven: the kernel's directory joined with the string the caller
	// passed. Symbolic links in the string were not followed.
	DirAndGiven
	// Late: the kernel's view after the call. Links in the directory were followed
	// when the event was handled; they may have been others before.
	Late
	// Given: the caller's string alone; its directory could not be read.
	Given
	// Unread: the caller's memory was gone when it was to be read.
	Unread
)

// String returns the value of the field fd.name.provenance.
func (p Provenance) String() string {
	switch p {
	case FromKernel:
		return "kernel"
	case DirAndGiven:
		return "dir+given"
	case Late:
		return "late"
	case Given:
		return "given"
	case Unread:
		return "unreadable"
	}
	return ""
}

// Components is a name as the kernel walked it: leaf first, each component
// ended by '/'. "shadow/etc/" is /etc/shadow, the empty one is /. It is
// borrowed.
type Components struct {
	Bytes     []byte
	Valid     bool // the name is there
	Truncated bool // too deep or too long: the upper end is missing
	Deleted   bool // the leaf was unlinked
	Detached  bool // on a mount of the kernel's own: memfd, pipe
	// Unreachable: on a mount that is in no mount namespace (taken off, or made by
	// fsmount or open_tree and never put anywhere). Whoever made it chose the names.
	Unreachable bool
}

// Path is what the kernel sent of one path of an event. Which parts are there
// depends on the call: a descriptor has Resolved (and Origin below a bind
// mount), a path call has Given and, if Given needs one, Dir.
type Path struct {
	Resolved Components // to the root of the mount namespace
	// Origin holds the components above the root of the file's own mount, up to
	// the root of its file system: below them stand the first OriginSkip bytes
	// of Resolved.
	Origin     Components
	OriginSkip int

	Given       []byte // as passed, without the NUL
	HasGiven    bool
	GivenCut    bool // longer than what was kept
	GivenUnread bool // the memory was gone
	// Dir is what Given is relative to: the directory descriptor, the working
	// directory, or, for an absolute one, the root of a chroot.
	Dir Components

	// Late is where the directory of the name was found after the call, "" unless
	// that is elsewhere than the text says. Set by enrich, before anybody asks for
	// the event's names.
	Late      string
	LateWhole bool // Late is the whole name: the call follows a link at its end
}

// AppendTo appends the name, root first, to buf and returns the longer buffer.
// A name whose upper end is missing begins with "...", one on a mount that is
// nowhere with "(unreachable)", as the kernel itself writes it: neither can be taken
// for a path.
func (c Components) AppendTo(buf []byte) []byte {
	return appendReversed(c.begin(buf), c.Bytes)
}

// begin appends what stands before the first component.
func (c Components) begin(buf []byte) []byte {
	if c.Unreachable {
		buf = append(buf, "(unreachable)"...)
	}
	if c.Truncated {
		return append(buf, "..."...)
	}
	if len(c.Bytes) == 0 {
		return append(buf, '/')
	}
	return buf
}

// appendReversed appends "/x" for each component of leaf-first b.
func appendReversed(buf, b []byte) []byte {
	for end := len(b); end > 0; {
		end-- // the slash that ends the component
		start := bytes.LastIndexByte(b[:end], '/') + 1
		buf = append(buf, '/')
		buf = append(buf, b[start:end]...)
		end = start
	}
	return buf
}

// appendLate makes the name that was found afterwards.
func (p *Path) appendLate(buf []byte) []byte {
	buf = append(buf, p.Late...)
	if p.LateWhole {
		return buf
	}
	given := bytes.TrimRight(p.Given, "/")
	if buf[len(buf)-1] != '/' {
		buf = append(buf, '/')
	}
	return append(buf, given[bytes.LastIndexByte(given, '/')+1:]...)
}

// appendGiven joins a caller's string with its directory, as text: "." and ".."
// are worked out without looking at the file system, as Falco does.
func appendGiven(buf []byte, p *Path) ([]byte, Provenance) {
	if p.GivenUnread {
		return buf, Unread
	}
	absolute := len(p.Given) > 0 && p.Given[0] == '/'
	if !absolute && !p.Dir.Valid {
		return append(buf, p.Given...), Given
	}
	base := len(buf)
	if p.Dir.Valid && (len(p.Dir.Bytes) > 0 || p.Dir.Truncated) {
		buf = p.Dir.AppendTo(buf)
	}
	root := base
	if absolute {
		root = len(buf) // ".." stops at the root of a chroot
	}
	for rest := p.Given; len(rest) > 0; {
		part := rest
		if i := bytes.IndexByte(rest, '/'); i >= 0 {
			part, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		switch {
		case len(part) == 0 || string(part) == ".":
		case string(part) == "..":
			if i := bytes.LastIndexByte(buf[root:], '/'); i >= 0 {
				buf = buf[:root+i]
			}
		default:
			buf = append(buf, '/')
			buf = append(buf, part...)
		}
	}
	if len(buf) == base {
		buf = append(buf, '/')
	}
	return buf, DirAndGiven
}
