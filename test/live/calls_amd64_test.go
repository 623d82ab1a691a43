package live

// Numbers of system calls, for scripts that make them by number.
const (
	sysOpenat      = "257"
	sysMemfdCreate = "319"
)
