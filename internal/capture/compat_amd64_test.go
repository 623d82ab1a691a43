package capture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/event"
)

// TestLiveCompat: 32-bit calls have numbers and registers of their own, also when
// a 64-bit program makes them.
func TestLiveCompat(t *testing.T) {
	flavours(t, func(t *testing.T, f capture.Flavour) {
		src := open(t, capture.Config{Flavour: f}, event.Open)
		dir := folder(t)
		file := filepath.Join(dir, "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			name  string
			image []byte
		}{
			{"program of 64 bits", program64(file)},
			{"program of 32 bits", program32(file)},
		} {
			t.Run(tt.name, func(t *testing.T) {
				program := filepath.Join(t.TempDir(), "program")
				if err := os.WriteFile(program, tt.image, 0o700); err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command(program)
				if err := cmd.Start(); errors.Is(err, unix.ENOEXEC) {
					t.Skip("kernel without CONFIG_IA32_EMULATION")
				} else if err != nil {
					t.Fatal(err)
				}
				done := make(chan error, 1)
				go func() { done <- ignoreExit(cmd.Wait()) }()
				list := collect(t, src, uint32(cmd.Process.Pid), done)
				if status := unix.WaitStatus(list[len(list)-1].Status); status.Signaled() {
					t.Skip("kernel without CONFIG_IA32_EMULATION:", status.Signal())
				}
				find(t, list, event.Open, func(s *seen) bool {
					return s.Flags&event.FlagCompat != 0 && s.Given == file && s.name(event.Resolved) == file && s.Result >= 0
				})
				find(t, list, event.Open, func(s *seen) bool {
					return s.Flags&event.FlagCompat != 0 && s.Given == "" && s.Result == -int64(unix.EFAULT)
				})
			})
		}
	})
}

// ignoreExit: how the program ended is in the last event.
func ignoreExit(err error) error {
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return nil
	}
	return err
}

// address is where the programs are loaded: below 4 GiB, since the calls take
// pointers of 32 bits.
const address = 0x100000

// code opens the path behind it by a 32-bit call, then one at no address, and
// exits. It means the same in both modes.
func code(path string, at uint32) []byte {
	const size = 39
	b := []byte{0xbb} // mov ebx, path
	b = binary.LittleEndian.AppendUint32(b, at+size)
	for range 2 {
		b = append(b,
			0xb8, 5, 0, 0, 0, // mov eax, 5 (open)
			0x31, 0xc9, // xor ecx, ecx
			0x31, 0xd2, // xor edx, edx
			0xcd, 0x80, // int 0x80
			0x31, 0xdb, // xor ebx, ebx: no path, then exit code 0
		)
	}
	b = append(b, 0xb8, 1, 0, 0, 0, 0xcd, 0x80) // mov eax, 1 (exit); int 0x80
	b = append(b, 0x90)                         // nop
	return append(append(b, path...), 0)
}

func program64(path string) []byte {
	const head = 64 + 56
	text := code(path, address+head)
	size := uint64(head + len(text))
	var b bytes.Buffer
	b.WriteString("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	binary.Write(&b, binary.LittleEndian, struct {
		Type, Machine uint16
		Version       uint32
		Entry, Phoff  uint64
		Shoff         uint64
		Flags         uint32
		Sizes         [6]uint16
	}{2, 62, 1, address + head, 64, 0, 0, [6]uint16{64, 56, 1}})
	binary.Write(&b, binary.LittleEndian, struct {
		Type, Flags uint32
		Rest        [6]uint64 // offset, addresses, sizes, alignment
	}{1, 5, [6]uint64{0, address, address, size, size, 4096}})
	return append(b.Bytes(), text...)
}

func program32(path string) []byte {
	const head = 52 + 32
	text := code(path, address+head)
	size := uint32(head + len(text))
	var b bytes.Buffer
	b.WriteString("\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	binary.Write(&b, binary.LittleEndian, struct {
		Type, Machine               uint16
		Version, Entry, Phoff, Shof uint32
		Flags                       uint32
		Sizes                       [6]uint16
	}{2, 3, 1, address + head, 52, 0, 0, [6]uint16{52, 32, 1}})
	binary.Write(&b, binary.LittleEndian, [8]uint32{1, 0, address, address, size, size, 5, 4096})
	return append(b.Bytes(), text...)
}
