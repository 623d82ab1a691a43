package capture

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// explain says what to do about an error of the kernel.
func explain(err error) error {
	var rejected *ebpf.VerifierError
	switch {
	case errors.As(err, &rejected):
		return fmt.Errorf("%w; the kernel refused a program that it should take: please report this with the kernel's version", err)
	case errors.Is(err, os.ErrPermission), errors.Is(err, unix.EPERM):
		return fmt.Errorf("%w; run as root, or with the capabilities BPF, PERFMON and SYS_PTRACE (before Linux 5.11 SYS_RESOURCE too)", err)
	case errors.Is(err, ebpf.ErrNotSupported):
		return fmt.Errorf("%w; Linux 5.8 or newer with CONFIG_BPF_SYSCALL and CONFIG_DEBUG_INFO_BTF is needed, 'goshawk doctor' tells what this one lacks", err)
	}
	return err
}
