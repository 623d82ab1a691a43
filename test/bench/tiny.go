package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
)

// writeTiny writes a static program that ends at once: a process whose cost is
// the kernel's, not that of a loader or a runtime.
func writeTiny(path string) error {
	if err := os.WriteFile(path, tinyELF(tinyMachine, tinyCode), 0o755); err != nil {
		return fmt.Errorf("write a tiny program: %w", err)
	}
	return nil
}

// tinyELF puts code into the smallest ELF file: a header, one segment that holds
// the whole file, and the code.
func tinyELF(machine uint16, code []byte) []byte {
	const base, headers = 0x400000, 64 + 56
	size := uint64(headers + len(code))
	var b bytes.Buffer
	b.Write([]byte{0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}) // 64 bits, little endian
	for _, v := range []any{
		uint16(2), machine, uint32(1), // an executable
		uint64(base + headers), uint64(64), uint64(0), // entry, segments, no sections
		uint32(0), uint16(64), uint16(56), uint16(1), uint16(0), uint16(0), uint16(0),
		// The segment: loaded, readable and executable.
		uint32(1), uint32(5), uint64(0), uint64(base), uint64(base), size, size, uint64(0x1000),
	} {
		_ = binary.Write(&b, binary.LittleEndian, v) // a buffer takes everything
	}
	b.Write(code)
	return b.Bytes()
}
