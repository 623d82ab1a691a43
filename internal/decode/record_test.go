package decode

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"
)

// param appends one parameter as the kernel side lays it out.
func param(b []byte, id layoutParamId, flags layoutParamFlag, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(id))
	b = binary.NativeEndian.AppendUint16(b, uint16(flags))
	b = binary.NativeEndian.AppendUint32(b, uint32(len(value)))
	b = append(b, value...)
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	return b
}

// bytesOf returns a structure as it lies in memory.
func bytesOf[T any](v T) []byte {
	return append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(&v)), unsafe.Sizeof(v))...)
}

// record puts a header before parameters.
func record(t event.Type, params []byte) []byte {
	h := layoutRecordHeader{
		Size: uint32(headerSize + len(params)), Type: uint16(t), Cpu: 3, Seq: 7, Time: 1000,
		Tid: 12, Pid: 11, Start: 500, ExecId: 2, Cgroup: 99, Uid: 1000, Gid: 100,
	}
	return append(bytesOf(h), params...)
}

func callParam(ret int64, args ...uint64) []byte {
	c := layoutCallInfo{Ret: ret}
	copy(c.Args[:], args)
	return param(nil, layoutParamIdPARAM_CALL, 0, bytesOf(c))
}

func TestRecordOpen(t *testing.T) {
	b := callParam(5, 0xffffff9c, 0x7000, 0, 0)
	b = param(b, layoutParamIdPARAM_FILE, 0, bytesOf(layoutFileInfo{Kind: uint8(event.FileRegular), Layer: 1, Mode: 0o100644, Ino: 42}))
	b = param(b, layoutParamIdPARAM_PATH, layoutParamFlagPARAM_DELETED, []byte("shadow/mnt/"))
	b = param(b, layoutParamIdPARAM_ORIGIN, 0, append(binary.NativeEndian.AppendUint64(nil, 7), "etc/"...))
	b = param(b, layoutParamIdPARAM_NAME, 0, []byte("../x"))

	var ev event.Event
	if err := Record(record(event.Openat, b), &ev); err != nil {
		t.Fatal(err)
	}
	if ev.Type != event.Openat || ev.PID != 11 || ev.TID != 12 || ev.CPU != 3 || ev.Seq != 7 || ev.UID != 1000 || ev.Cgroup != 99 {
		t.Errorf("header: %+v", ev)
	}
	if fd, ok := ev.FD(); !ok || fd != 5 {
		t.Errorf("FD() = %d, %v", fd, ok)
	}
	if !ev.Path.Resolved.Deleted || !ev.File.UpperLayer || ev.File.Ino != 42 {
		t.Errorf("file: %+v", ev.File)
	}
	var names []string
	for i := range ev.Names() {
		ev.SelectName(i)
		names = append(names, ev.Name().Text)
	}
	if diff := cmp.Diff([]string{"/mnt/shadow", "/etc/shadow"}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestRecordConnect(t *testing.T) {
	s := layoutSocketInfo{Family: 2, Type: 1, Proto: 6, LocalPort: 40000, RemotePort: 443}
	copy(s.Local[:], []byte{10, 0, 0, 1})
	copy(s.Remote[:], []byte{1, 2, 3, 4})
	b := param(callParam(-115, 3), layoutParamIdPARAM_SOCKET, 0, bytesOf(s))

	var ev event.Event
	if err := Record(record(event.Connect, b), &ev); err != nil {
		t.Fatal(err)
	}
	if want := netip.MustParseAddrPort("1.2.3.4:443"); ev.Socket.Remote != want {
		t.Errorf("remote %v, want %v", ev.Socket.Remote, want)
	}
	if got, want := ev.Name().Text, "10.0.0.1:40000->1.2.3.4:443"; got != want {
		t.Errorf("name %q, want %q", got, want)
	}
}

func TestSocketFamily(t *testing.T) {
	mapped := netip.MustParseAddr("::ffff:1.2.3.4").As16()
	six := netip.MustParseAddr("2001:db8::1").As16()
	tests := []struct {
		name          string
		local, remote [16]byte
		want          event.Family
	}{
		{"IPv6", six, six, event.FamilyIPv6},
		{"mapped", mapped, mapped, event.FamilyIPv4},
		{"listens on mapped", mapped, [16]byte{}, event.FamilyIPv4},
		{"listens on all", [16]byte{}, [16]byte{}, event.FamilyIPv6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i := layoutSocketInfo{Family: 10, Type: 1, LocalPort: 80, Local: tt.local, Remote: tt.remote}
			s, ok := socket(bytesOf(i))
			if !ok || s.Family != tt.want {
				t.Errorf("family %d, want %d", s.Family, tt.want)
			}
		})
	}
}

func TestRecordExec(t *testing.T) {
	b := callParam(0)
	b = param(b, layoutParamIdPARAM_TASK, 0, bytesOf(layoutTaskInfo{Pid: 11, Tid: 11, Start: 500, Loginuid: ^uint32(0)}))
	b = param(b, layoutParamIdPARAM_COMM, 0, []byte("nc"))
	b = param(b, layoutParamIdPARAM_ARGV, 0, []byte("nc\x00-e\x00"))
	b = param(b, layoutParamIdPARAM_STDIO, 0, bytesOf(layoutStdioInfo{Fd: 0, Kind: uint32(event.FileSocket)}))
	b = param(b, layoutParamIdPARAM_STDIO_SOCKET, 0, bytesOf(layoutSocketInfo{Family: 1}))
	b = param(b, layoutParamIdPARAM_STDIO_UNIX, 0, []byte("\x00abstract"))
	b = param(b, layoutParamIdPARAM_STDIO, 0, bytesOf(layoutStdioInfo{Fd: 1, Kind: uint32(event.FileCharDevice)}))
	b = param(b, layoutParamIdPARAM_STDIO_PATH, 0, []byte("null/dev/"))

	var ev event.Event
	if err := Record(record(event.Execve, b), &ev); err != nil {
		t.Fatal(err)
	}
	if !ev.HasTask() || ev.Task.Comm != "nc" || string(ev.Task.Argv) != "nc\x00-e\x00" || ev.Task.ArgvCut {
		t.Errorf("task: %+v", ev.Task)
	}
	if s := ev.Task.Stdio[0]; s.Kind != event.FileSocket || s.Socket.Path != "@abstract" {
		t.Errorf("stdin: %+v", s)
	}
	if s := ev.Task.Stdio[1]; string(s.Path.Bytes) != "null/dev/" {
		t.Errorf("stdout: %+v", s)
	}
}

func TestRecordMalformed(t *testing.T) {
	good := record(event.Openat, callParam(0))
	long := append([]byte(nil), good...)
	binary.NativeEndian.PutUint32(long[headerSize+4:], 1<<31)
	unknown := append([]byte(nil), good...)
	binary.NativeEndian.PutUint16(unknown[4:], 127)
	skip := append(binary.NativeEndian.AppendUint64(nil, 100), "a/"...)
	tests := map[string][]byte{
		"empty":              nil,
		"half a header":      good[:headerSize/2],
		"size too large":     good[:len(good)-8],
		"unknown type":       unknown,
		"parameter too long": long,
		"short structure":    record(event.Openat, param(nil, layoutParamIdPARAM_CALL, 0, []byte("12345678"))),
		"origin beyond name": record(event.Openat, param(nil, layoutParamIdPARAM_ORIGIN, 0, skip)),
	}
	for name, b := range tests {
		t.Run(name, func(t *testing.T) {
			var ev event.Event
			if err := Record(b, &ev); !errors.Is(err, ErrMalformed) {
				t.Errorf("got %v, want ErrMalformed", err)
			}
		})
	}
}

func TestRecordDoesNotAllocate(t *testing.T) {
	b := callParam(5, 0xffffff9c, 0x7000, 1, 0)
	b = param(b, layoutParamIdPARAM_PATH, 0, []byte("x/tmp/"))
	b = param(b, layoutParamIdPARAM_NAME, 0, []byte("/tmp/./x"))
	b = record(event.Openat, b)
	var ev event.Event
	n := testing.AllocsPerRun(100, func() {
		if err := Record(b, &ev); err != nil || ev.Names() != 1 {
			t.Fatal(err, ev.Names())
		}
	})
	if n != 0 {
		t.Errorf("%v allocations for a record, want none", n)
	}
}

// FuzzRecord holds the decoder against any bytes: it may refuse them, and what it
// takes must be safe to ask for every name.
func FuzzRecord(f *testing.F) {
	f.Add(record(event.Openat, callParam(5)))
	f.Add(record(event.Openat, param(callParam(5), layoutParamIdPARAM_PATH, 0, []byte("shadow/etc/"))))
	f.Add(record(event.Rename, param(callParam(0), layoutParamIdPARAM_NAME2, 0, []byte("../../x"))))
	f.Add(record(event.Execve, param(callParam(0), layoutParamIdPARAM_STDIO, 0, make([]byte, 8))))
	f.Fuzz(func(t *testing.T, b []byte) {
		var ev event.Event
		if Record(b, &ev) != nil {
			return
		}
		for i := range ev.Names() {
			ev.SelectName(i)
			_ = ev.Name()
		}
		_, _, _ = ev.Name2(), ev.GivenName(), ev.OriginName()
		_, _ = ev.FD()
	})
}
