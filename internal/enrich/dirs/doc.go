// Package dirs finds where the directory of a path really is.
//
// A call on a path (unlink, rename, chmod …) leaves nothing in the kernel that a
// name could be walked from when it returns. Its name is the kernel's directory
// joined with the caller's string, and a symbolic link in that string hides the
// place. A [Finder] follows the string afterwards, in the root of the process: the
// answer is the kernel's own, but late. Who changes the link back in time is not
// seen through; who does not, is.
//
// # Whose root
//
// The path is followed in /proc/PID/root. Where that is a chroot, it is first taken
// off what the kernel's directory says. When the process ended, its parent's root
// serves, or that of process 1 or of the agent, if it is in the same mount namespace.
// Then nobody can tell whether the process was in a chroot, unless an absolute path
// says so.
//
// # Bounds
//
// An answer is used again for the same process and directory for a moment, in event
// time; a symbolic link that is made ends that. New questions are limited
// in number by second, and run aside (package aside), so that a file system that
// does not answer costs a name and not the agent. Each user of a mount
// namespace may have a few questions without an answer only: whoever hangs a file
// system takes names from himself.
//
// A Finder is used by one goroutine, the one that handles events.
package dirs
