package capture

import (
	"github.com/goshawk-security/goshawk/internal/event"
)

// callsMax and specsMax are the sizes of the tables in bpf/call.h.
const (
	callsMax = 1024
	specsMax = 128
)

// Handlers of bpf/event.h (enum call_handler).
const (
	callOpen = iota + 1
	callPath
	callExec
	callConnect
	callBind
	callListen
	callAccept
	callFile
	callHeartbeat
)

// Marks of struct call_spec.
const (
	argNone  = 0xff
	flagsHow = 0xfe
)

// programs names the program of each handler.
var programs = map[uint32]string{
	callOpen:      "call_open",
	callPath:      "call_path",
	callExec:      "call_exec",
	callConnect:   "call_connect",
	callBind:      "call_bind",
	callListen:    "call_listen",
	callAccept:    "call_accept",
	callFile:      "call_file",
	callHeartbeat: "call_heartbeat",
}

// handlerOf says which program ends a call of this type. Types that end in none
// are reported by hooks of their own.
func handlerOf(t event.Type) uint32 {
	switch t {
	case event.Open, event.Openat, event.Openat2, event.Creat:
		return callOpen
	case event.Execve, event.Execveat:
		return callExec
	case event.Connect:
		return callConnect
	case event.Bind:
		return callBind
	case event.Listen:
		return callListen
	case event.Accept, event.Accept4:
		return callAccept
	case event.Dup, event.Dup2, event.Dup3, event.Fchmod:
		return callFile
	case event.Heartbeat:
		return callHeartbeat
	case event.Unlink, event.Unlinkat, event.Rmdir, event.Rename, event.Renameat, event.Renameat2,
		event.Link, event.Linkat, event.Symlink, event.Symlinkat,
		event.Chmod, event.Fchmodat, event.Fchmodat2, event.Mkdir, event.Mkdirat:
		return callPath
	}
	return 0
}

// tables are what the kernel side knows of system calls; the layout of its
// read-only variables.
type tables struct {
	Calls        [callsMax][2]uint8
	Specs        [specsMax]directCallSpec
	Handlers     [specsMax]uint8
	ProcessCalls [callsMax][2]uint16
}

// makeTables describes the calls of these types, the heartbeat and those that make
// processes.
func makeTables(types []event.Type) *tables {
	t := &tables{}
	next := uint8(1)
	for _, typ := range append([]event.Type{event.Heartbeat}, types...) {
		handler := handlerOf(typ)
		if handler == 0 {
			continue
		}
		t.Specs[next] = specOf(typ)
		t.Handlers[next] = uint8(handler)
		eachNumber(typ, func(nr uint32, abi int) { t.Calls[nr][abi] = next })
		next++
	}
	for _, typ := range []event.Type{event.Execve, event.Execveat, event.Fork, event.Vfork, event.Clone, event.Clone3} {
		eachNumber(typ, func(nr uint32, abi int) { t.ProcessCalls[nr][abi] = uint16(typ) })
	}
	return t
}

// eachNumber calls f with every number that a call has, and its ABI: 0 for the
// kernel's own, 1 for that of 32-bit programs.
func eachNumber(typ event.Type, f func(nr uint32, abi int)) {
	for abi, numbers := range callNumbers {
		if nr, ok := numbers[typ]; ok {
			f(nr, abi)
		}
	}
	if nr, ok := secondNumbers[typ]; ok {
		f(nr, 0)
	}
}

// specOf tells the kernel side where a call's arguments lie.
func specOf(typ event.Type) directCallSpec {
	s := directCallSpec{
		Type: uint16(typ), Dirfd: argNone, Path: argNone, Dirfd2: argNone, Path2: argNone, Flags: argNone, Fd: argNone,
	}
	dirfd := uint8(argNone)
	for i, a := range typ.Info().Args {
		n := uint8(i)
		switch a.Kind {
		case event.ArgDirFD:
			dirfd = n
		case event.ArgPath:
			s.Path, s.Dirfd, dirfd = n, dirfd, argNone
		case event.ArgUnresolved:
			s.Path = n
		case event.ArgPath2:
			s.Path2, s.Dirfd2 = n, dirfd
		case event.ArgOpenFlags:
			s.Flags = n
		case event.ArgFD:
			s.Fd = n
		}
	}
	if typ == event.Openat2 {
		s.Flags = flagsHow
	}
	return s
}
