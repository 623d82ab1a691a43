package capture

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/event"
)

// wantedWords is WANTED_MAX of bpf/wanted.h: words of 64 event types each, and one
// of flags.
const (
	wantedWords   = 3
	wantedFlags   = wantedWords - 1
	wantedEnviron = 1
)

// switchLength is SWITCH_LENGTH of bpf/event.h.
const switchLength = 0x676f737700000000

// wanted is what the kernel side sends: the content of its map of that name.
type wanted [wantedWords]uint64

// makeWanted asks for events of these types, and for heartbeats.
func makeWanted(types []event.Type, environ bool) *wanted {
	w := &wanted{}
	for _, t := range append([]event.Type{event.Heartbeat}, types...) {
		w[t/64] |= 1 << (t % 64)
	}
	if environ {
		w[wantedFlags] = wantedEnviron
	}
	return w
}

// has tells that events of a type are asked for; of type 0 they always are.
func (w *wanted) has(t event.Type) bool { return t == 0 || w[t/64]>>(t%64)&1 != 0 }

// contents is the map's content before it is frozen.
func (w *wanted) contents() []ebpf.MapKV {
	list := make([]ebpf.MapKV, len(w))
	for i, bits := range w {
		list[i] = ebpf.MapKV{Key: uint32(i), Value: bits}
	}
	return list
}

// Update changes which events are sent, from one system call to the next: nothing
// that is wanted before and after is missed meanwhile. It may run beside Next, but
// not beside itself. When it fails, what was wanted before may still be.
func (s *Source) Update(types []event.Type, environ bool) error {
	w := makeWanted(types, environ)
	if err := s.attach(w); err != nil {
		return explain(err)
	}
	for i, bits := range w {
		if err := s.switchWord(uint32(i), bits); err != nil {
			return fmt.Errorf("tell the kernel side what is wanted: %w", err)
		}
	}
	return s.detachUnwanted(w)
}

// switchWord asks the kernel side to set a word of what is wanted, by a call that
// the kernel itself answers with EBADF, and looks whether it did.
func (s *Source) switchWord(word uint32, bits uint64) error {
	err := unix.Fadvise(-1, int64(bits), switchLength+int64(word), unix.FADV_NORMAL)
	if err != nil && !errors.Is(err, unix.EBADF) {
		return fmt.Errorf("call fadvise64: %w", err)
	}
	var now uint64
	if err := s.coll.Maps["wanted"].Lookup(word, &now); err != nil {
		return err
	}
	if now != bits {
		return fmt.Errorf("it did not take the change: word %d is %#x, want %#x", word, now, bits)
	}
	return nil
}
