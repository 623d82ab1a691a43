package capture_test

import "golang.org/x/sys/unix"

const sysCreat = unix.SYS_CREAT
