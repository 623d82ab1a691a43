package doctor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// The oldest kernel that the agent runs on: it has the ring buffer.
const (
	oldestMajor = 5
	oldestMinor = 8
)

// release is a kernel's version as far as decisions rest on it.
type release struct{ major, minor int }

func (r release) before(major, minor int) bool {
	return r.major < major || r.major == major && r.minor < minor
}

// parseRelease reads the first two numbers of a release such as 6.18.44-generic.
func parseRelease(s string) (release, error) {
	var r release
	if n, err := fmt.Sscanf(s, "%d.%d", &r.major, &r.minor); n != 2 {
		return release{}, fmt.Errorf("read kernel release %q: %w", s, err)
	}
	return r, nil
}

func (h Host) release() (string, release, error) {
	text, err := os.ReadFile(filepath.Join(h.Proc, "sys/kernel/osrelease"))
	if err != nil {
		return "", release{}, err
	}
	name := strings.TrimSpace(string(text))
	r, err := parseRelease(name)
	return name, r, err
}

func (h Host) kernelRelease() Check {
	c := Check{Name: "kernel"}
	name, r, err := h.release()
	switch {
	case err != nil:
		c.Status = Degraded
		c.Found = fmt.Sprintf("release unknown: %v", err)
		c.Fix = "mount /proc; the agent tries all the same"
	case r.before(oldestMajor, oldestMinor):
		c.Status = Missing
		c.Found = fmt.Sprintf("kernel %s is too old", name)
		c.Fix = fmt.Sprintf("use Linux %d.%d or newer", oldestMajor, oldestMinor)
	default:
		c.Found = fmt.Sprintf("%s, needed is %d.%d", name, oldestMajor, oldestMinor)
	}
	return c
}

func (h Host) btf() Check {
	c := Check{Name: "kernel types (BTF)"}
	path := filepath.Join(h.Sys, "kernel/btf/vmlinux")
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Status = Missing
		c.Found = path + " is not there, so the kernel does not describe its types"
		c.Fix = "use a kernel built with CONFIG_DEBUG_INFO_BTF=y, and mount /sys if this is a container"
	case err != nil:
		c.Status = Missing
		c.Found = fmt.Sprintf("kernel types cannot be read (%v)", err)
		c.Fix = "mount /sys read-only into the container"
	default:
		if err := checkBTF(path, info.Size()); err != nil {
			c.Status = Missing
			c.Found = fmt.Sprintf("%s does not describe the kernel's types (%v)", path, err)
			c.Fix = "use a kernel built with CONFIG_DEBUG_INFO_BTF=y, and take off what is mounted over the file"
			return c
		}
		c.Found = fmt.Sprintf("%s, %d KiB", path, info.Size()/1024)
	}
	return c
}

// btfHeader is struct btf_header of linux/btf.h.
type btfHeader struct {
	Magic                    uint16
	Version, Flags           uint8
	Length                   uint32
	TypesOffset, TypesLength uint32
	NamesOffset, NamesLength uint32
}

// btfMagic begins BTF in the machine's byte order.
const btfMagic = 0xeb9f

// checkBTF reads the header of BTF and compares it with the size of the file:
// enough to find a file that is none or was cut, in a fraction of the time that
// reading all types takes.
func checkBTF(path string, size int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() // read only: nothing to lose
	if size == 0 {
		return errors.New("it is empty")
	}
	var h btfHeader
	if err := binary.Read(f, binary.NativeEndian, &h); err != nil || h.Magic != btfMagic {
		return errors.New("it is no BTF")
	}
	end := int64(h.Length) + max(int64(h.TypesOffset)+int64(h.TypesLength), int64(h.NamesOffset)+int64(h.NamesLength))
	switch {
	case h.TypesLength == 0:
		return errors.New("it has no types")
	case end > size:
		return fmt.Errorf("it ends after %d of %d bytes", size, end)
	}
	return nil
}

// lockdown: in confidentiality mode the kernel lets no BPF program read its
// memory, whoever asks.
func (h Host) lockdown() Check {
	c := Check{Name: "lockdown"}
	text, err := os.ReadFile(filepath.Join(h.Sys, "kernel/security/lockdown"))
	if err != nil {
		c.Found = "not active"
		return c
	}
	mode := "none"
	if _, rest, ok := strings.Cut(string(text), "["); ok {
		mode, _, _ = strings.Cut(rest, "]")
	}
	c.Found = "mode " + mode
	if mode == "confidentiality" {
		c.Status = Missing
		c.Found = "kernel lockdown is in confidentiality mode, which forbids BPF programs to read kernel memory"
		c.Fix = "boot with lockdown=integrity or without lockdown"
	}
	return c
}

// memlock: before 5.11 maps count against RLIMIT_MEMLOCK, which is 64 KiB by
// default; the agent raises it and needs a capability for that.
func (h Host) memlock() Check {
	c := Check{Name: "locked memory"}
	if _, r, err := h.release(); err == nil && !r.before(5, 11) {
		c.Found = "no limit to care for since Linux 5.11"
		return c
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		c.Status, c.Found = Degraded, fmt.Sprintf("limit unknown: %v", err)
		return c
	}
	if limit.Max == unix.RLIM_INFINITY {
		c.Found = "unlimited"
		return c
	}
	c.Found = fmt.Sprintf("limit %d KiB", limit.Max/1024)
	if set, err := h.effective(); err == nil && !set.has(unix.CAP_SYS_RESOURCE) {
		c.Status = Missing
		c.Found = fmt.Sprintf("locked memory is limited to %d KiB", limit.Max/1024)
		c.Fix = "raise RLIMIT_MEMLOCK to unlimited or grant CAP_SYS_RESOURCE"
	}
	return c
}
