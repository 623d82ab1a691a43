package field

import (
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

// fdKind is a kind of descriptor in Falco's words.
type fdKind struct {
	word string // fd.type
	char string // fd.typechar
}

// The kinds that events can have. The zero fdKind is none.
var (
	kindFile      = fdKind{"file", "f"}
	kindDirectory = fdKind{"directory", "d"}
	kindPipe      = fdKind{"pipe", "p"}
	kindIPv4      = fdKind{"ipv4", "4"}
	kindIPv6      = fdKind{"ipv6", "6"}
	kindUnix      = fdKind{"unix", "u"}
	kindNetlink   = fdKind{"netlink", "n"}
	kindSocket    = fdKind{"socket", "o"} // of a family that Falco does not name
	kindMemfd     = fdKind{"memfd", "m"}
	kindAnon      = fdKind{"anon", "o"}
)

// anonKinds are anonymous inodes by what their names contain.
var anonKinds = []struct {
	part string
	kind fdKind
}{
	{"eventfd", fdKind{"event", "e"}},
	{"eventpoll", fdKind{"eventpoll", "l"}},
	{"signalfd", fdKind{"signalfd", "s"}},
	{"inotify", fdKind{"inotify", "i"}},
	{"timerfd", fdKind{"timerfd", "t"}},
	{"io_uring", fdKind{"io_uring", "r"}},
	{"userfaultfd", fdKind{"userfaultfd", "u"}},
	{"pidfd", fdKind{"pidfd", "P"}},
	{"bpf", fdKind{"bpf", "b"}},
}

// familyNetlink is AF_NETLINK.
const familyNetlink event.Family = 16

// kindOf names what stands behind a descriptor. Devices are files, as Falco has
// them, and named pipes are pipes.
func kindOf(kind event.FileKind, family event.Family, name string) fdKind {
	switch kind {
	case event.FileRegular, event.FileCharDevice, event.FileBlockDevice, event.FileSymlink, event.FileOther:
		return kindFile
	case event.FileDirectory:
		return kindDirectory
	case event.FileFIFO, event.FilePipe:
		return kindPipe
	case event.FileMemfd:
		return kindMemfd
	case event.FileAnon:
		for _, k := range anonKinds {
			if strings.Contains(name, k.part) {
				return k.kind
			}
		}
		return kindAnon
	}
	switch family {
	case event.FamilyIPv4:
		return kindIPv4
	case event.FamilyIPv6:
		return kindIPv6
	case event.FamilyUnix:
		return kindUnix
	case familyNetlink:
		return kindNetlink
	}
	if kind == event.FileSocket || family != event.FamilyNone {
		return kindSocket
	}
	return fdKind{}
}
