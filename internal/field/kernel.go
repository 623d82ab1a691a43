package field

import (
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

// KernelTest says by what a field could be tested before an event leaves the
// kernel.
type KernelTest uint8

// The tests. What is constant for a process's image is decided once for each and
// reduced to a bit; the others are looked at for each event.
const (
	NotInKernel   KernelTest = iota
	KernelType               // the type of the event decides
	KernelProcess            // the process's word of bits
	KernelPath               // components of the path that the call leaves in the kernel
	KernelNumber             // results, ids, descriptors, ports
	KernelFlags              // flags and modes
	KernelAddress            // addresses and networks
)

var kernelTestNames = [...]string{
	NotInKernel: "no", KernelType: "type", KernelProcess: "process", KernelPath: "path", KernelNumber: "number", KernelFlags: "flags",
	KernelAddress: "address",
}

// String names a test.
func (k KernelTest) String() string { return kernelTestNames[k] }

// InKernel says by what the field could be tested in the kernel.
func (f *Field) InKernel() KernelTest {
	switch {
	case f.Undelivered != "":
		return KernelType // never there, whatever the event
	case f.OfType:
		return KernelType
	case f.Scope == PerImage, f.Scope == PerProcess, f.Scope == PerNode:
		return KernelProcess
	case f.Type == event.TypeIP:
		return KernelAddress
	case f.Type == event.TypePort:
		return KernelNumber
	case f.Path && (f.Scope == PerName || strings.HasPrefix(f.Name, "fs.path.")):
		return KernelPath
	case strings.HasPrefix(f.Name, "evt.is_open_"):
		return KernelFlags
	}
	switch f.Name {
	case "evt.arg", "evt.rawarg":
		return KernelFlags
	case "evt.failed", "evt.res", "evt.rawres", "user.uid", "group.gid", "fd.num", "fd.type", "fd.typechar", "fd.l4proto", "fd.sockfamily", "fd.is_server":
		return KernelNumber
	case "fd.filename":
		return KernelPath
	case "container.id", "container.full_id", "container.type", "k8s.pod.uid", "k8s.pod.id":
		return KernelProcess
	}
	return NotInKernel
}
