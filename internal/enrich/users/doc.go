// Package users names users and groups.
//
// The names of the host come from its passwd and group files, those of a
// container from the files it sees itself, read below /proc/PID/root, one copy
// for each mount namespace. Files are read when somebody asks, looked at again at
// most once a second of event time, and read again when they changed. Other
// sources of names (LDAP, systemd's dynamic users) are not asked: nothing here
// waits for a network.
//
// # A hostile container
//
// A container chooses its files. They are found with openat2 and
// RESOLVE_IN_ROOT, so that no link leads out of its root; only regular files are
// opened, so that no pipe or device is; sizes, lines, the number of namespaces and
// the memory of all their names are bounded; and the reading runs aside (package aside), so that a file system
// which does not answer costs a name and not the agent. The host's files are read by
// a runner of their own, and each container has one late reading at most, so that
// names are lost only where they hang.
//
// A [Cache] and the [Accounts] it hands out are used by one goroutine, the one
// that handles events.
package users
