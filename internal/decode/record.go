package decode

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/goshawk-security/goshawk/internal/event"
)

// ErrMalformed is the cause of every error of Record.
var ErrMalformed = errors.New("malformed record")

const (
	headerSize = int(unsafe.Sizeof(layoutRecordHeader{}))
	paramSize  = int(unsafe.Sizeof(layoutParamHeader{}))
)

// Record fills ev with what b says; what ev held before is gone. The event
// borrows b, which must not change until the event is done with, and b's unix
// socket names may be rewritten in place. Errors wrap ErrMalformed; ev is then
// without meaning. BootOffset is the caller's to set.
func Record(b []byte, ev *event.Event) error {
	ev.Reset()
	h, ok := read[layoutRecordHeader](b)
	if !ok {
		return fmt.Errorf("%w: %d bytes are no header", ErrMalformed, len(b))
	}
	if int(h.Size) != len(b) {
		return fmt.Errorf("%w: %d bytes, header says %d", ErrMalformed, len(b), h.Size)
	}
	if event.Type(h.Type).Info() == nil {
		return fmt.Errorf("%w: unknown type %d", ErrMalformed, h.Type)
	}
	setHeader(ev, &h)

	stdio := -1 // the descriptor that parameters of an exec belong to
	for rest := b[headerSize:]; len(rest) > 0; {
		p, ok := read[layoutParamHeader](rest)
		if !ok || uint64(p.Len) > uint64(len(rest)-paramSize) {
			return fmt.Errorf("%w: %s: parameter does not fit", ErrMalformed, ev.Type)
		}
		value := rest[paramSize : paramSize+int(p.Len)]
		if err := setParam(ev, p, value, &stdio); err != nil {
			return err
		}
		rest = rest[min(paramSize+(int(p.Len)+7)&^7, len(rest)):]
	}
	return nil
}

func setHeader(ev *event.Event, h *layoutRecordHeader) {
	ev.Type = event.Type(h.Type)
	ev.CPU = h.Cpu
	ev.Seq = h.Seq
	ev.Time = h.Time
	ev.TID = h.Tid
	ev.PID = h.Pid
	ev.Start = h.Start
	ev.ExecID = h.ExecId
	ev.UID = h.Uid
	ev.GID = h.Gid
	ev.Cgroup = h.Cgroup
	ev.Flags = event.Flags(h.Flags)
}

// setParam stores one parameter. Parameters of a later version are skipped.
func setParam(ev *event.Event, p layoutParamHeader, b []byte, stdio *int) error {
	ok := true
	switch layoutParamId(p.Id) {
	case layoutParamIdPARAM_CALL:
		var c layoutCallInfo
		c, ok = read[layoutCallInfo](b)
		ev.Result, ev.HasResult, ev.Args = c.Ret, true, c.Args
	case layoutParamIdPARAM_NAME:
		setGiven(&ev.Path, p, b)
	case layoutParamIdPARAM_NAME_DIR:
		ev.Path.Dir = components(p, b)
	case layoutParamIdPARAM_NAME2:
		setGiven(&ev.Path2, p, b)
	case layoutParamIdPARAM_NAME2DIR:
		ev.Path2.Dir = components(p, b)
	case layoutParamIdPARAM_PATH:
		ev.Path.Resolved = components(p, b)
	case layoutParamIdPARAM_ORIGIN:
		ok = setOrigin(&ev.Path, p, b)
	case layoutParamIdPARAM_FILE:
		ev.File, ok = file(b)
	case layoutParamIdPARAM_SOCKET:
		ev.Socket, ok = socket(b)
	case layoutParamIdPARAM_UNIX:
		ev.Socket.Path = unixName(b)
	case layoutParamIdPARAM_STATUS:
		var status uint64
		status, ok = read[uint64](b)
		ev.Status = int32(status)
	default:
		ok = setTaskParam(&ev.Task, p, b, stdio)
	}
	if !ok {
		return fmt.Errorf("%w: %s: parameter %d has %d bytes", ErrMalformed, ev.Type, p.Id, len(b))
	}
	return nil
}

func setGiven(path *event.Path, p layoutParamHeader, b []byte) {
	path.Given = b
	path.GivenUnread = p.Flags&uint16(layoutParamFlagPARAM_UNREADABLE) != 0
	path.GivenCut = p.Flags&uint16(layoutParamFlagPARAM_TRUNCATED) != 0
	path.HasGiven = !path.GivenUnread
}

func setOrigin(path *event.Path, p layoutParamHeader, b []byte) bool {
	skip, ok := read[uint64](b)
	if !ok || skip > uint64(len(path.Resolved.Bytes)) {
		return false
	}
	path.OriginSkip = int(skip)
	path.Origin = components(p, b[8:])
	return true
}

// components wraps a walked name. Bytes that do not end in a slash were no walk
// and are an empty name.
func components(p layoutParamHeader, b []byte) event.Components {
	if n := len(b); n > 0 && b[n-1] != '/' {
		b = nil
	}
	return event.Components{
		Bytes:     b,
		Valid:     true,
		Truncated: p.Flags&uint16(layoutParamFlagPARAM_TRUNCATED) != 0,
		Deleted:   p.Flags&uint16(layoutParamFlagPARAM_DELETED) != 0,
		Detached:  p.Flags&uint16(layoutParamFlagPARAM_DETACHED) != 0,

		Unreachable: p.Flags&uint16(layoutParamFlagPARAM_UNREACHABLE) != 0,
	}
}

// read copies a value of fixed size from the beginning of b, which need not be
// aligned. False: b is too short.
func read[T any](b []byte) (v T, ok bool) {
	size := int(unsafe.Sizeof(v))
	if len(b) < size {
		return v, false
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&v)), size), b)
	return v, true
}

// text makes a string of bytes without copying them.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
