package capture_test

import "golang.org/x/sys/unix"

const (
	hasCreat = true
	sysCreat = unix.SYS_CREAT
)
