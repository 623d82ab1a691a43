// Package aside runs what may never return.
//
// Files of other people's processes can hang whoever reads them: a FUSE file
// system answers when it likes, and the memory that /proc/PID/cmdline shows may
// be such a file. A [Runner] lets a function run on a goroutine of its own and
// waits for it a bounded time; what is late is left alone, and only so many may
// be late at once.
//
// aside imports nothing of ours.
package aside
