package agent

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/capture"
)

// heartbeat proves that events come through: it makes a system call that means
// nothing to the kernel and carries a number that nobody can guess, and waits for
// the number to arrive as an event.
type heartbeat struct {
	now func() time.Time

	mu      sync.Mutex
	pending [32]beat // the last ones made; those that arrived have no nonce
	next    int
	started time.Time
	last    time.Time // when the newest one that arrived was made; zero before the first
	trip    time.Duration
}

// beat is one heartbeat on its way.
type beat struct {
	nonce uint64
	made  time.Time
}

func newHeartbeat(now func() time.Time) *heartbeat {
	return &heartbeat{now: now, started: now()}
}

// begin starts the time within which the first heartbeat must arrive.
func (h *heartbeat) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.started = h.now()
}

// send makes a heartbeat. The descriptor is none, so the kernel answers EBADF and
// does nothing.
func (h *heartbeat) send() error {
	nonce := h.note()
	err := unix.Fadvise(-1, int64(nonce), capture.HeartbeatLength, unix.FADV_NORMAL)
	if err != nil && !errors.Is(err, unix.EBADF) {
		return fmt.Errorf("call fadvise64: %w", err)
	}
	return nil
}

// note draws the nonce of a heartbeat that is about to be made: it must be known
// before the event can arrive.
func (h *heartbeat) note() uint64 {
	var random [8]byte
	rand.Read(random[:]) // never fails, as its documentation says
	nonce := binary.NativeEndian.Uint64(random[:])>>1 | 1
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pending[h.next%len(h.pending)] = beat{nonce: nonce, made: h.now()}
	h.next++
	return nonce
}

// seen notes that a heartbeat arrived. Numbers that were not sent, or arrived
// before, are somebody else's.
func (h *heartbeat) seen(nonce uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.pending {
		b := &h.pending[i]
		if b.nonce == nonce && nonce != 0 {
			h.trip = h.now().Sub(b.made)
			if b.made.After(h.last) {
				h.last = b.made
			}
			b.nonce = 0
			return
		}
	}
}

// age is the time since the newest heartbeat that arrived was made, or since the
// start if none arrived. It counts from the making, so that an agent that is far
// behind counts as blind.
func (h *heartbeat) age() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last.IsZero() {
		return h.now().Sub(h.started)
	}
	return h.now().Sub(h.last)
}

// arrived tells whether there was a heartbeat at all, and how long the last one
// took.
func (h *heartbeat) arrived() (trip time.Duration, any bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.trip, !h.last.IsZero()
}
