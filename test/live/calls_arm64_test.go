package live

// Numbers of system calls, for scripts that make them by number.
const (
	sysOpenat      = "56"
	sysMemfdCreate = "279"
)
