package event

import (
	"net/netip"
	"strings"
)

// Event is one thing that happened, as the rules see it.
type Event struct {
	Type   Type
	CPU    uint16
	Seq    uint64 // per CPU and ring, from 1; a gap is a lost record
	Time   uint64 // CLOCK_BOOTTIME, ns, when the call returned
	TID    uint32 // thread, in the initial pid namespace
	PID    uint32 // process (thread group), in the initial pid namespace
	Start  uint64 // CLOCK_BOOTTIME, ns, at which the process's leader was born
	ExecID uint32 // counts the images of a process; with PID and Start it names one
	UID    uint32 // effective user id, in the initial user namespace
	GID    uint32 // effective group id
	Cgroup uint64 // id of the cgroup the thread is in
	Flags  Flags

	// BootOffset is added to Time for nanoseconds since the Unix epoch.
	BootOffset int64

	// Result is what the call returned; negative is -errno. Meaningful when
	// HasResult is set.
	Result    int64
	HasResult bool
	Args      [maxArgs]uint64 // registers; what each means is in Info.Args

	Path   Path   // the first path, or the file behind the descriptor
	Path2  Path   // the second path: rename's, link's and symlink's new name
	File   File   // the file behind the descriptor; zero if there is none
	Socket Socket // the socket behind the descriptor; zero if there is none

	Task   Task  // of a process that is born or has a new image; see HasTask
	Status int32 // ProcExit: wait status

	// Set by enrich. Process and Image are never nil once it is done;
	// Container is nil for the host's own processes.
	Process   *Process
	Image     *Image
	Container *Container
	Accounts  Accounts // names of users and groups where the process runs; may be nil
	Num       uint64   // counts the events that enrich was given, from 1
	First     uint64   // Time of the first of them
	Before    uint64   // Time of the one before this; 0 for the first
	Host      string   // name of the node
	Peers     Peers    // finds the other end of Socket; may be nil
	// Partial says that the time to wait for metadata is over: what is still on its
	// way counts as absent.
	Partial bool

	peer  *Peer // once it was asked for
	names names
}

// Accounts names users and groups: the host's, or those of a container's own
// passwd and group files. Both are safe to call from the goroutine that handles
// events and never block on the network.
type Accounts interface {
	User(uid uint32) (Account, bool)
	Group(gid uint32) (name string, ok bool)
}

// Account is one line of a passwd file.
type Account struct {
	Name, Home, Shell string
}

// Flags say what the kernel could not do for a record.
type Flags uint32

// The flags; bpf/event.h has the same bits.
const (
	FlagTruncated Flags = 1 << iota // a parameter was cut at its limit
	FlagCompat                      // a 32-bit call on a 64-bit kernel
)

// Wall returns the time of the event in nanoseconds since the Unix epoch.
func (e *Event) Wall() int64 { return int64(e.Time) + e.BootOffset }

// Failed tells that the call returned an error.
func (e *Event) Failed() bool { return e.HasResult && e.Result < 0 && e.Result >= -4095 }

// HasTask tells that Task is filled: the event is a birth or a new image.
func (e *Event) HasTask() bool { return e.Task.PID != 0 }

// Arg returns the register of the first argument of this kind.
func (e *Event) Arg(kind ArgKind) (uint64, bool) {
	info := e.Type.Info()
	if info == nil {
		return 0, false
	}
	i := info.FindKind(kind)
	if i < 0 {
		return 0, false
	}
	return e.Args[i], true
}

// FD returns the descriptor that the event is about: the argument of calls
// that take one, the result of those that make one.
func (e *Event) FD() (int32, bool) {
	if fd, ok := e.Arg(ArgFD); ok {
		return int32(fd), true
	}
	switch e.Type {
	case Open, Openat, Openat2, Creat, Accept, Accept4, Dup, Dup2, Dup3:
		if e.HasResult && e.Result >= 0 {
			return int32(e.Result), true
		}
	}
	return -1, false
}

// Peer returns the other end of the event's socket, nil if it has none or nobody
// can tell. It is asked for once.
func (e *Event) Peer() *Peer {
	if e.peer == nil && e.Peers != nil && e.Socket.Remote.IsValid() {
		e.peer = e.Peers.Peer(e.Socket.Remote.Addr().Unmap())
	}
	return e.peer
}

// Waits tells that metadata is on its way which can still change what rules make of
// the event: its container's, or its peer's if somebody asked for that.
func (e *Event) Waits() bool {
	if e.Partial {
		return false
	}
	return e.Container != nil && e.Container.Waiting != 0 || e.peer != nil && e.peer.Waiting
}

// CopyContext takes over what is not in the kernel's record: what enrich set of
// another event of the same record. The Process is copied, since it goes on; all else
// is shared.
func (e *Event) CopyContext(from *Event) {
	e.BootOffset = from.BootOffset
	if from.Process != nil {
		p := *from.Process
		e.Process = &p
	}
	e.Image, e.Container, e.Accounts = from.Image, from.Container, from.Accounts
	e.Num, e.First, e.Before, e.Host = from.Num, from.First, from.Before, from.Host
	e.Peers, e.peer, e.Partial = from.Peers, from.peer, from.Partial
	e.Path.Late, e.Path.LateWhole = strings.Clone(from.Path.Late), from.Path.LateWhole
	e.Path2.Late, e.Path2.LateWhole = strings.Clone(from.Path2.Late), from.Path2.LateWhole
}

// Reset makes e ready for the next record and keeps its buffers.
func (e *Event) Reset() {
	n := e.names
	n.reset()
	*e = Event{names: n}
}

// FileKind is what stands behind a descriptor.
type FileKind uint8

// The kinds of file; bpf/event.h has the same numbers.
const (
	FileNone FileKind = iota
	FileRegular
	FileDirectory
	FileCharDevice
	FileBlockDevice
	FileFIFO   // a named pipe
	FilePipe   // an anonymous one
	FileSocket // Socket has more
	FileSymlink
	FileAnon // an anonymous inode: epoll, eventfd, timerfd …
	FileMemfd
	FileOther
)

// File is what the kernel knows of an open file.
type File struct {
	Kind       FileKind
	Dev        uint32 // the kernel's number: major << 20 | minor
	Ino        uint64
	Mode       uint32 // type and permission bits
	UID        uint32 // owner
	CTime      uint64 // ns since the Unix epoch
	MTime      uint64 // ns since the Unix epoch
	OpenFlags  uint32 // the open file's O_* flags
	UpperLayer bool   // overlayfs: from the writable layer
	LowerLayer bool   // overlayfs: from the image
}

// Family is a socket's address family, with the kernel's numbers.
type Family uint16

// The families that Goshawk reads.
const (
	FamilyNone Family = 0
	FamilyUnix Family = 1
	FamilyIPv4 Family = 2
	FamilyIPv6 Family = 10
)

// Socket is a socket's two ends at the time of the event.
type Socket struct {
	Family Family
	Type   uint16 // SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_RAW 3
	Proto  uint16 // IPPROTO_*
	Local  netip.AddrPort
	Remote netip.AddrPort
	Path   string // unix sockets: the name bound or connected to; abstract names begin with @
	// Given says that the addresses are those the caller passed, because the
	// socket did not have them (a connect that failed).
	Given bool
	// Server says that this side accepted or listens.
	Server bool
}

// Stdio is what a new image finds at descriptor 0, 1 or 2.
type Stdio struct {
	Kind   FileKind
	Socket Socket     // filled for FileSocket
	Name   string     // resolved name, "" if it has none; made of Path by enrich
	Path   Components // in a Task only: the name as the kernel walked it
}
