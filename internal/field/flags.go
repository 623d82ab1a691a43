package field

import (
	"math/bits"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/event"
)

// bit names one flag, or several that stand together.
type bit struct {
	mask uint64
	name string
}

// openBits has Falco's order. O_SYNC holds O_DSYNC's bit and O_TMPFILE holds
// O_DIRECTORY's, so the larger one stands first; the access mode is not a bit
// and is written by appendOpenFlags.
var openBits = []bit{
	{unix.O_TMPFILE, "O_TMPFILE"}, {unix.O_DIRECTORY, "O_DIRECTORY"}, {unix.O_DIRECT, "O_DIRECT"},
	{unix.O_TRUNC, "O_TRUNC"}, {unix.O_SYNC, "O_SYNC"}, {unix.O_NONBLOCK, "O_NONBLOCK"},
	{unix.O_EXCL, "O_EXCL"}, {unix.O_DSYNC, "O_DSYNC"}, {unix.O_APPEND, "O_APPEND"},
	{unix.O_CREAT, "O_CREAT"}, {unix.O_NOFOLLOW, "O_NOFOLLOW"}, {unix.O_PATH, "O_PATH"}, {unix.O_NOATIME, "O_NOATIME"},
}

var cloneBits = []bit{
	{unix.CLONE_FILES, "CLONE_FILES"}, {unix.CLONE_FS, "CLONE_FS"}, {unix.CLONE_IO, "CLONE_IO"},
	{unix.CLONE_NEWIPC, "CLONE_NEWIPC"}, {unix.CLONE_NEWNET, "CLONE_NEWNET"}, {unix.CLONE_NEWNS, "CLONE_NEWNS"},
	{unix.CLONE_NEWPID, "CLONE_NEWPID"}, {unix.CLONE_NEWUTS, "CLONE_NEWUTS"}, {unix.CLONE_PARENT, "CLONE_PARENT"},
	{unix.CLONE_PARENT_SETTID, "CLONE_PARENT_SETTID"}, {unix.CLONE_PTRACE, "CLONE_PTRACE"},
	{unix.CLONE_SIGHAND, "CLONE_SIGHAND"}, {unix.CLONE_SYSVSEM, "CLONE_SYSVSEM"}, {unix.CLONE_THREAD, "CLONE_THREAD"},
	{unix.CLONE_UNTRACED, "CLONE_UNTRACED"}, {unix.CLONE_VM, "CLONE_VM"}, {unix.CLONE_NEWUSER, "CLONE_NEWUSER"},
	{unix.CLONE_CHILD_CLEARTID, "CLONE_CHILD_CLEARTID"}, {unix.CLONE_CHILD_SETTID, "CLONE_CHILD_SETTID"},
	{unix.CLONE_SETTLS, "CLONE_SETTLS"}, {unix.CLONE_VFORK, "CLONE_VFORK"}, {unix.CLONE_NEWCGROUP, "CLONE_NEWCGROUP"},
}

// resolveCached is RESOLVE_CACHED of linux/openat2.h (5.12).
const resolveCached = 0x20

var resolveBits = []bit{
	{unix.RESOLVE_BENEATH, "RESOLVE_BENEATH"}, {unix.RESOLVE_IN_ROOT, "RESOLVE_IN_ROOT"},
	{unix.RESOLVE_NO_MAGICLINKS, "RESOLVE_NO_MAGICLINKS"}, {unix.RESOLVE_NO_SYMLINKS, "RESOLVE_NO_SYMLINKS"},
	{unix.RESOLVE_NO_XDEV, "RESOLVE_NO_XDEV"}, {resolveCached, "RESOLVE_CACHED"},
}

var renameBits = []bit{
	{unix.RENAME_NOREPLACE, "RENAME_NOREPLACE"}, {unix.RENAME_EXCHANGE, "RENAME_EXCHANGE"},
	{unix.RENAME_WHITEOUT, "RENAME_WHITEOUT"},
}

var modeBits = []bit{
	{unix.S_IXOTH, "S_IXOTH"}, {unix.S_IWOTH, "S_IWOTH"}, {unix.S_IROTH, "S_IROTH"},
	{unix.S_IXGRP, "S_IXGRP"}, {unix.S_IWGRP, "S_IWGRP"}, {unix.S_IRGRP, "S_IRGRP"},
	{unix.S_IXUSR, "S_IXUSR"}, {unix.S_IWUSR, "S_IWUSR"}, {unix.S_IRUSR, "S_IRUSR"},
	{unix.S_ISVTX, "S_ISVTX"}, {unix.S_ISGID, "S_ISGID"}, {unix.S_ISUID, "S_ISUID"},
}

// callBits are the flags of calls whose argument is of kind ArgFlags. A call
// that is not here has a number.
func callBits(t event.Type) []bit {
	switch t {
	case event.Clone:
		return cloneBits
	case event.Openat2:
		return resolveBits
	case event.Renameat2:
		return renameBits
	case event.Dup3:
		return []bit{{unix.O_CLOEXEC, "O_CLOEXEC"}}
	case event.Unlinkat:
		return []bit{{unix.AT_REMOVEDIR, "AT_REMOVEDIR"}}
	case event.Linkat:
		return []bit{{unix.AT_SYMLINK_FOLLOW, "AT_SYMLINK_FOLLOW"}, {unix.AT_EMPTY_PATH, "AT_EMPTY_PATH"}}
	case event.Fchmodat2:
		return []bit{{unix.AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"}, {unix.AT_EMPTY_PATH, "AT_EMPTY_PATH"}}
	}
	return nil
}

// appendFlags writes the names of the flags that are set, joined by |, and
// what has no name as a hexadecimal number.
func appendFlags(buf []byte, v uint64, names []bit) []byte {
	start := len(buf)
	for _, b := range names {
		if v&b.mask == b.mask && b.mask != 0 {
			buf = appendName(buf, start, b.name)
			v &^= b.mask
		}
	}
	if v != 0 {
		buf = appendName(buf, start, "0x")
		buf = strconv.AppendUint(buf, v, 16)
	}
	if len(buf) == start {
		buf = append(buf, '0')
	}
	return buf
}

// appendName writes | unless the name is the first.
func appendName(buf []byte, start int, name string) []byte {
	if len(buf) > start {
		buf = append(buf, '|')
	}
	return append(buf, name...)
}

// appendOpenFlags writes the flags of an open as Falco does, with the overlay
// layer of the file that was opened.
func appendOpenFlags(buf []byte, flags uint64, f *event.File) []byte {
	start := len(buf)
	for _, b := range openBits {
		if flags&b.mask == b.mask {
			buf = appendName(buf, start, b.name)
			flags &^= b.mask
		}
	}
	switch flags & unix.O_ACCMODE {
	case unix.O_RDONLY:
		buf = appendName(buf, start, "O_RDONLY")
	case unix.O_WRONLY:
		buf = appendName(buf, start, "O_WRONLY")
	case unix.O_RDWR:
		buf = appendName(buf, start, "O_RDWR")
	}
	if flags&unix.O_CLOEXEC != 0 {
		buf = appendName(buf, start, "O_CLOEXEC")
	}
	if f.UpperLayer {
		buf = appendName(buf, start, "FD_UPPER_LAYER")
	}
	if f.LowerLayer {
		buf = appendName(buf, start, "FD_LOWER_LAYER")
	}
	return buf
}

// appendOctal writes a mode as C does: 0755.
func appendOctal(buf []byte, v uint64) []byte {
	if v != 0 {
		buf = append(buf, '0')
	}
	return strconv.AppendUint(buf, v, 8)
}

var capNames = [...]string{
	unix.CAP_CHOWN: "CAP_CHOWN", unix.CAP_DAC_OVERRIDE: "CAP_DAC_OVERRIDE", unix.CAP_DAC_READ_SEARCH: "CAP_DAC_READ_SEARCH",
	unix.CAP_FOWNER: "CAP_FOWNER", unix.CAP_FSETID: "CAP_FSETID", unix.CAP_KILL: "CAP_KILL", unix.CAP_SETGID: "CAP_SETGID",
	unix.CAP_SETUID: "CAP_SETUID", unix.CAP_SETPCAP: "CAP_SETPCAP", unix.CAP_LINUX_IMMUTABLE: "CAP_LINUX_IMMUTABLE",
	unix.CAP_NET_BIND_SERVICE: "CAP_NET_BIND_SERVICE", unix.CAP_NET_BROADCAST: "CAP_NET_BROADCAST",
	unix.CAP_NET_ADMIN: "CAP_NET_ADMIN", unix.CAP_NET_RAW: "CAP_NET_RAW", unix.CAP_IPC_LOCK: "CAP_IPC_LOCK",
	unix.CAP_IPC_OWNER: "CAP_IPC_OWNER", unix.CAP_SYS_MODULE: "CAP_SYS_MODULE", unix.CAP_SYS_RAWIO: "CAP_SYS_RAWIO",
	unix.CAP_SYS_CHROOT: "CAP_SYS_CHROOT", unix.CAP_SYS_PTRACE: "CAP_SYS_PTRACE", unix.CAP_SYS_PACCT: "CAP_SYS_PACCT",
	unix.CAP_SYS_ADMIN: "CAP_SYS_ADMIN", unix.CAP_SYS_BOOT: "CAP_SYS_BOOT", unix.CAP_SYS_NICE: "CAP_SYS_NICE",
	unix.CAP_SYS_RESOURCE: "CAP_SYS_RESOURCE", unix.CAP_SYS_TIME: "CAP_SYS_TIME", unix.CAP_SYS_TTY_CONFIG: "CAP_SYS_TTY_CONFIG",
	unix.CAP_MKNOD: "CAP_MKNOD", unix.CAP_LEASE: "CAP_LEASE", unix.CAP_AUDIT_WRITE: "CAP_AUDIT_WRITE",
	unix.CAP_AUDIT_CONTROL: "CAP_AUDIT_CONTROL", unix.CAP_SETFCAP: "CAP_SETFCAP", unix.CAP_MAC_OVERRIDE: "CAP_MAC_OVERRIDE",
	unix.CAP_MAC_ADMIN: "CAP_MAC_ADMIN", unix.CAP_SYSLOG: "CAP_SYSLOG", unix.CAP_WAKE_ALARM: "CAP_WAKE_ALARM",
	unix.CAP_BLOCK_SUSPEND: "CAP_BLOCK_SUSPEND", unix.CAP_AUDIT_READ: "CAP_AUDIT_READ", unix.CAP_PERFMON: "CAP_PERFMON",
	unix.CAP_BPF: "CAP_BPF", unix.CAP_CHECKPOINT_RESTORE: "CAP_CHECKPOINT_RESTORE",
}

// appendCaps writes the names of a capability set, joined by blanks.
func appendCaps(buf []byte, set uint64) []byte {
	start := len(buf)
	for ; set != 0; set &= set - 1 {
		if len(buf) > start {
			buf = append(buf, ' ')
		}
		if i := bits.TrailingZeros64(set); i < len(capNames) {
			buf = append(buf, capNames[i]...)
		} else {
			buf = append(buf, "CAP_"...)
			buf = strconv.AppendInt(buf, int64(i), 10)
		}
	}
	return buf
}
