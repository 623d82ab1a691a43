package capture

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/goshawk-security/goshawk/internal/event"
)

// Loss counts the records of one type that were not sent, since Open.
type Loss struct {
	Type  event.Type
	Cause string // see the causes
	Count uint64
}

// The causes of a loss.
const (
	CauseRingFull  = "ring_full"  // the agent did not read fast enough
	CauseNoScratch = "no_scratch" // more hooks at work on one CPU than there are buffers
	CauseTooLarge  = "too_large"
	CauseNoProgram = "no_program" // the kernel side's table of programs had a gap
	CauseRecursion = "recursion"  // the kernel skipped a hook that met itself; its type is Unknown
)

// lossCauses is LOSS_CAUSES of bpf/event.h, in its order.
var lossCauses = [4]string{CauseRingFull, CauseNoScratch, CauseTooLarge, CauseNoProgram}

// typesMax is EVENT_TYPES_MAX.
const typesMax = 128

// Losses reads what the kernel side could not send. Counts only grow.
func (s *Source) Losses() ([]Loss, error) {
	var list []Loss
	m := s.coll.Maps["losses"]
	perCPU := make([]uint64, 0, 64)
	for key := range uint32(typesMax * len(lossCauses)) {
		if event.Type(key/4).Info() == nil {
			continue
		}
		if err := m.Lookup(key, &perCPU); err != nil {
			return nil, fmt.Errorf("read losses: %w", err)
		}
		if n := sum(perCPU); n > 0 {
			list = append(list, Loss{Type: event.Type(key / 4), Cause: lossCauses[key%4], Count: n})
		}
	}
	missed, err := s.recursions()
	if missed > 0 {
		list = append(list, Loss{Cause: CauseRecursion, Count: missed})
	}
	return list, err
}

func sum(perCPU []uint64) uint64 {
	var n uint64
	for _, v := range perCPU {
		n += v
	}
	return n
}

// recursions adds up how often the kernel skipped a program that met itself on
// its CPU (recursion_misses, Linux 5.12; none before).
func (s *Source) recursions() (uint64, error) {
	var n uint64
	for name, p := range s.coll.Programs {
		stats, err := p.Stats()
		if errors.Is(err, ebpf.ErrNotSupported) {
			return 0, nil
		}
		if err != nil {
			return 0, fmt.Errorf("read statistics of %s: %w", name, err)
		}
		n += stats.RecursionMisses
	}
	return n, nil
}

// Gaps counts sequence numbers that never arrived. It says what Losses says, from
// the reader's side: a difference means records vanished without being counted.
func (s *Source) Gaps() uint64 { return s.states.gaps.Load() + s.events.gaps.Load() }

// Usage tells how full a ring is, from 0 to 1.
func (s *Source) Usage() (states, events float64) {
	return s.states.usage(), s.events.usage()
}

func (r *ring) usage() float64 {
	return float64(r.reader.AvailableBytes()) / float64(r.reader.BufferSize())
}
