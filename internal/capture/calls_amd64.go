package capture

import (
	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/event"
)

// callNumbers are the numbers of the calls in the kernel's own ABI and in that of
// 32-bit programs (arch/x86/entry/syscalls/syscall_32.tbl of Linux 6.18).
var callNumbers = [2]map[event.Type]uint32{
	{
		event.Heartbeat: unix.SYS_FADVISE64,
		event.Execve:    unix.SYS_EXECVE, event.Execveat: unix.SYS_EXECVEAT,
		event.Fork: unix.SYS_FORK, event.Vfork: unix.SYS_VFORK, event.Clone: unix.SYS_CLONE, event.Clone3: unix.SYS_CLONE3,
		event.Open: unix.SYS_OPEN, event.Openat: unix.SYS_OPENAT, event.Openat2: unix.SYS_OPENAT2, event.Creat: unix.SYS_CREAT,
		event.Connect: unix.SYS_CONNECT, event.Accept: unix.SYS_ACCEPT, event.Accept4: unix.SYS_ACCEPT4,
		event.Bind: unix.SYS_BIND, event.Listen: unix.SYS_LISTEN,
		event.Dup: unix.SYS_DUP, event.Dup2: unix.SYS_DUP2, event.Dup3: unix.SYS_DUP3,
		event.Unlink: unix.SYS_UNLINK, event.Unlinkat: unix.SYS_UNLINKAT, event.Rmdir: unix.SYS_RMDIR,
		event.Rename: unix.SYS_RENAME, event.Renameat: unix.SYS_RENAMEAT, event.Renameat2: unix.SYS_RENAMEAT2,
		event.Link: unix.SYS_LINK, event.Linkat: unix.SYS_LINKAT,
		event.Symlink: unix.SYS_SYMLINK, event.Symlinkat: unix.SYS_SYMLINKAT,
		event.Chmod: unix.SYS_CHMOD, event.Fchmod: unix.SYS_FCHMOD, event.Fchmodat: unix.SYS_FCHMODAT, event.Fchmodat2: unix.SYS_FCHMODAT2,
		event.Mkdir: unix.SYS_MKDIR, event.Mkdirat: unix.SYS_MKDIRAT,
	},
	{
		event.Execve: 11, event.Execveat: 358,
		event.Fork: 2, event.Vfork: 190, event.Clone: 120, event.Clone3: 435,
		event.Open: 5, event.Openat: 295, event.Openat2: 437, event.Creat: 8,
		event.Connect: 362, event.Accept4: 364, event.Bind: 361, event.Listen: 363,
		event.Dup: 41, event.Dup2: 63, event.Dup3: 330,
		event.Unlink: 10, event.Unlinkat: 301, event.Rmdir: 40,
		event.Rename: 38, event.Renameat: 302, event.Renameat2: 353,
		event.Link: 9, event.Linkat: 303, event.Symlink: 83, event.Symlinkat: 304,
		event.Chmod: 15, event.Fchmod: 94, event.Fchmodat: 306, event.Fchmodat2: 452,
		event.Mkdir: 39, event.Mkdirat: 296,
	},
}

// secondNumbers are what x32 programs use where they have a number of their own
// (arch/x86/entry/syscalls/syscall_64.tbl); the mark of such calls is taken off
// by the kernel side. Other x32 calls have the number of the kernel's own ABI.
var secondNumbers = map[event.Type]uint32{event.Execve: 520, event.Execveat: 545}
