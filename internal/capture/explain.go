package capture

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// explain says what to do about an error of the kernel.
func explain(err error) error {
	var rejected *ebpf.VerifierError
	switch {
	case errors.As(err, &rejected):
		return fmt.Errorf("%w; the kernel refused a program that it should take: please report this with the kernel's version", err)
	case errors.Is(err, unix.EPERM) && filtered():
		return fmt.Errorf("%w; the capabilities are there, but a seccomp profile refuses bpf(2): use the runtime's default of containerd 1.6 or newer, or Unconfined", err)
	case errors.Is(err, os.ErrPermission), errors.Is(err, unix.EPERM):
		return fmt.Errorf("%w; run as root, or with the capabilities BPF, PERFMON and SYS_PTRACE (before Linux 5.11 SYS_RESOURCE too)", err)
	case errors.Is(err, ebpf.ErrNotSupported):
		return fmt.Errorf("%w; Linux 5.8 or newer with CONFIG_BPF_SYSCALL and CONFIG_DEBUG_INFO_BTF is needed, 'goshawk doctor' tells what this one lacks", err)
	}
	return err
}

// filtered tells that a seccomp filter is on while the capability for bpf(2) is there:
// then the filter is what refuses it.
func filtered() bool {
	text, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return false
	}
	var filter, capable bool
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch value = strings.TrimSpace(value); key {
		case "Seccomp":
			filter = value == "2"
		case "CapEff":
			caps, err := strconv.ParseUint(value, 16, 64)
			capable = err == nil && caps&(1<<unix.CAP_BPF) != 0
		}
	}
	return filter && capable
}
