package capture

import (
	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/event"
)

// callNumbers are the numbers of the calls in the kernel's own ABI and in that of
// 32-bit programs (arch/arm/tools/syscall.tbl of Linux 6.18).
var callNumbers = [2]map[event.Type]uint32{
	{
		event.Heartbeat: unix.SYS_FADVISE64,
		event.Execve:    unix.SYS_EXECVE, event.Execveat: unix.SYS_EXECVEAT,
		event.Clone: unix.SYS_CLONE, event.Clone3: unix.SYS_CLONE3,
		event.Openat: unix.SYS_OPENAT, event.Openat2: unix.SYS_OPENAT2,
		event.Connect: unix.SYS_CONNECT, event.Accept: unix.SYS_ACCEPT, event.Accept4: unix.SYS_ACCEPT4,
		event.Bind: unix.SYS_BIND, event.Listen: unix.SYS_LISTEN,
		event.Dup: unix.SYS_DUP, event.Dup3: unix.SYS_DUP3,
		event.Unlinkat: unix.SYS_UNLINKAT,
		event.Renameat: unix.SYS_RENAMEAT, event.Renameat2: unix.SYS_RENAMEAT2,
		event.Linkat: unix.SYS_LINKAT, event.Symlinkat: unix.SYS_SYMLINKAT,
		event.Fchmod: unix.SYS_FCHMOD, event.Fchmodat: unix.SYS_FCHMODAT, event.Fchmodat2: unix.SYS_FCHMODAT2,
		event.Mkdirat: unix.SYS_MKDIRAT,
	},
	{
		event.Execve: 11, event.Execveat: 387,
		event.Fork: 2, event.Vfork: 190, event.Clone: 120, event.Clone3: 435,
		event.Open: 5, event.Openat: 322, event.Openat2: 437, event.Creat: 8,
		event.Connect: 283, event.Accept: 285, event.Accept4: 366, event.Bind: 282, event.Listen: 284,
		event.Dup: 41, event.Dup2: 63, event.Dup3: 358,
		event.Unlink: 10, event.Unlinkat: 328, event.Rmdir: 40,
		event.Rename: 38, event.Renameat: 329, event.Renameat2: 382,
		event.Link: 9, event.Linkat: 330, event.Symlink: 83, event.Symlinkat: 331,
		event.Chmod: 15, event.Fchmod: 94, event.Fchmodat: 333, event.Fchmodat2: 452,
		event.Mkdir: 39, event.Mkdirat: 323,
	},
}

// secondNumbers are further numbers of the kernel's own ABI: none here.
var secondNumbers = map[event.Type]uint32{}
