package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/event"
)

// HeartbeatLength is the third argument of the agent's fadvise64(-1, nonce,
// HeartbeatLength, 0); no file is so long (HEARTBEAT_LENGTH of bpf/event.h).
const HeartbeatLength = 0x676f736861776b

// A record waits for its reader for at most a tick, when the ring is not full enough
// to wake it: a short one while records come, longer ones while none do, since
// each wake-up of an idle machine costs.
const (
	shortTick = 20 * time.Millisecond
	longTick  = 100 * time.Millisecond
)

// Record is one record of the kernel side. Bytes are valid until the next call
// of Next.
type Record struct {
	Bytes []byte
	// BootOffset is what to add to the record's CLOCK_BOOTTIME for nanoseconds
	// since the Unix epoch, sampled when the record was read.
	BootOffset int64
}

// Hook tells what became of a tracepoint.
type Hook struct {
	Tracepoint string
	Err        error // nil: attached
}

// Source is an attached kernel side. Next and Close may be called from two
// goroutines, everything else from any.
type Source struct {
	Flavour Flavour

	coll   *ebpf.Collection
	hooks  []hook
	mu     sync.Mutex           // of links and failed
	links  map[string]link.Link // by tracepoint
	failed map[string]error
	states *ring
	events *ring
	stop   int // eventfd: readable once closed
	closed atomic.Bool

	tick       time.Duration // the next wait's
	bootOffset int64
	sampled    int // records since bootOffset was sampled
}

// ring is one of the two ring buffers with the record that was read but not yet
// handed out.
type ring struct {
	reader *ringbuf.Reader
	fd     int
	rec    ringbuf.Record
	held   bool
	gaps   atomic.Uint64
	last   []uint64 // sequence number by CPU
}

// Open loads the kernel side for the wanted types and attaches it. Births,
// images, deaths and cgroups are always captured, whatever the types. Tracepoints
// that a kernel lacks and that are not essential are named in Hooks.
func Open(cfg Config, types []event.Type) (*Source, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	coll, flavour, err := load(cfg, types)
	if err != nil {
		return nil, explain(err)
	}
	s := &Source{Flavour: flavour, coll: coll, stop: -1, tick: shortTick, links: map[string]link.Link{}, failed: map[string]error{}}
	if err := s.open(makeWanted(types, cfg.Environ)); err != nil {
		return nil, errors.Join(explain(err), s.Close())
	}
	return s, nil
}

func (s *Source) open(w *wanted) error {
	var err error
	if s.stop, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("make eventfd: %w", err)
	}
	if s.states, err = openRing(s.coll.Maps["states"]); err != nil {
		return err
	}
	if s.events, err = openRing(s.coll.Maps["events"]); err != nil {
		return err
	}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return fmt.Errorf("read the kernel's BTF: %w", err)
	}
	s.hooks = hooks(kernel)
	return s.attach(w)
}

func openRing(m *ebpf.Map) (*ring, error) {
	reader, err := ringbuf.NewReader(m)
	if err != nil {
		return nil, fmt.Errorf("open ring: %w", err)
	}
	reader.SetDeadline(time.Unix(1, 0)) // never waits: poll does
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, fmt.Errorf("count CPUs: %w", err)
	}
	return &ring{reader: reader, fd: m.FD(), last: make([]uint64, cpus)}, nil
}

// attach attaches every hook that has a program and is wanted, unless it is. A
// missing hook that the agent cannot do without is an error, others are noted.
func (s *Source) attach(w *wanted) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hooks {
		p := s.coll.Programs[h.program]
		switch {
		case !w.has(h.only) || s.links[h.Tracepoint] != nil:
			continue
		case p == nil && h.needed:
			return fmt.Errorf("kernel has no tracepoint %s with arguments that are known here", h.Tracepoint)
		case p == nil:
			continue
		}
		l, err := link.AttachTracing(link.TracingOptions{Program: p})
		if err != nil && h.needed {
			return fmt.Errorf("attach to tracepoint %s: %w", h.Tracepoint, err)
		}
		if s.failed[h.Tracepoint] = err; err == nil {
			s.links[h.Tracepoint] = l
		}
	}
	return nil
}

// detachUnwanted takes off the hooks that nothing wants any more.
func (s *Source) detachUnwanted(w *wanted) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, h := range s.hooks {
		if w.has(h.only) {
			continue
		}
		if l := s.links[h.Tracepoint]; l != nil {
			errs = append(errs, l.Close())
		}
		delete(s.links, h.Tracepoint)
		delete(s.failed, h.Tracepoint)
	}
	return errors.Join(errs...)
}

// Hooks tells what became of each tracepoint that is wanted, in the order of
// attaching.
func (s *Source) Hooks() []Hook {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Hook
	for _, h := range s.hooks {
		if err, tried := s.failed[h.Tracepoint]; tried {
			list = append(list, Hook{Tracepoint: h.Tracepoint, Err: err})
		}
	}
	return list
}

// Next reads the next record of either ring. It returns os.ErrDeadlineExceeded
// when nothing came for a while, so that the caller can do other things, and
// os.ErrClosed after Close.
func (s *Source) Next(rec *Record) error {
	if err := s.fill(); err != nil {
		return err
	}
	if !s.events.held && !s.states.held {
		if s.closed.Load() {
			return os.ErrClosed
		}
		if err := s.wait(); err != nil {
			return err
		}
		if err := s.fill(); err != nil {
			return err
		}
		if !s.events.held && !s.states.held {
			s.sampled = 0
			s.tick = min(2*s.tick, longTick)
			return os.ErrDeadlineExceeded
		}
		s.tick = shortTick
	}
	r := s.first()
	rec.Bytes = r.take()
	rec.BootOffset = s.offset()
	return nil
}

// fill reads a record of each ring ahead. The order is what keeps cause before
// effect: a state that an event rests on is in its ring before the event is, so
// whoever holds the event and then looks for states finds it.
func (s *Source) fill() error {
	return errors.Join(s.events.fill(), s.states.fill())
}

// first chooses the ring whose record is older; states first where they tie.
func (s *Source) first() *ring {
	if !s.events.held {
		return s.states
	}
	if s.states.held && recordTime(s.states.rec.RawSample) <= recordTime(s.events.rec.RawSample) {
		return s.states
	}
	return s.events
}

func (r *ring) fill() error {
	if r.held || r.reader.AvailableBytes() == 0 {
		return nil
	}
	err := r.reader.ReadInto(&r.rec)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read ring: %w", err)
	}
	r.held = true
	return nil
}

// take hands out the record and counts the sequence numbers that are missing
// before it.
func (r *ring) take() []byte {
	r.held = false
	b := r.rec.RawSample
	if len(b) < headerSize {
		return b // decode says what is wrong with it
	}
	cpu, seq := binary.NativeEndian.Uint16(b[6:]), binary.NativeEndian.Uint64(b[8:])
	if int(cpu) < len(r.last) {
		if last := r.last[cpu]; seq > last+1 {
			r.gaps.Add(seq - last - 1)
		}
		r.last[cpu] = max(seq, r.last[cpu])
	}
	return b
}

// headerSize is that of struct record_header.
const headerSize = 64

// recordTime reads the time of a record's header.
func recordTime(b []byte) uint64 {
	if len(b) < headerSize {
		return 0
	}
	return binary.NativeEndian.Uint64(b[16:])
}

// wait sleeps until a ring has enough to be worth it, a tick has passed, or
// Close was called.
func (s *Source) wait() error {
	fds := [...]unix.PollFd{
		{Fd: int32(s.states.fd), Events: unix.POLLIN},
		{Fd: int32(s.events.fd), Events: unix.POLLIN},
		{Fd: int32(s.stop), Events: unix.POLLIN},
	}
	if _, err := unix.Poll(fds[:], int(s.tick.Milliseconds())); err != nil && err != unix.EINTR {
		return fmt.Errorf("wait for records: %w", err)
	}
	return nil
}

// offset returns the distance between the clocks, sampled anew now and then: a
// step of the wall clock must not touch what was read before.
func (s *Source) offset() int64 {
	if s.sampled == 0 {
		s.bootOffset = bootOffset()
	}
	s.sampled = (s.sampled + 1) % 256
	return s.bootOffset
}

func bootOffset() int64 {
	var boot, wall unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil || unix.ClockGettime(unix.CLOCK_REALTIME, &wall) != nil {
		return 0
	}
	return wall.Nano() - boot.Nano()
}

// Detach stops the kernel side. What is in the rings can still be read: Next
// returns os.ErrClosed once they are empty. The kernel waits for every CPU for
// each link, some tenths of a second on a busy machine, so they go side by side.
func (s *Source) Detach() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	links := slices.Collect(maps.Values(s.links))
	errs := make([]error, len(links), len(links)+1)
	var closing sync.WaitGroup
	for i, l := range links {
		closing.Go(func() { errs[i] = l.Close() })
	}
	closing.Wait()
	clear(s.links)
	s.closed.Store(true)
	if s.stop >= 0 {
		_, err := unix.Write(s.stop, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Close detaches and frees everything. It must not run beside Next.
func (s *Source) Close() error {
	errs := []error{s.Detach()}
	for _, r := range []*ring{s.states, s.events} {
		if r != nil {
			errs = append(errs, r.reader.Close())
		}
	}
	if s.coll != nil {
		s.coll.Close()
	}
	if s.stop >= 0 {
		errs = append(errs, unix.Close(s.stop))
		s.stop = -1
	}
	return errors.Join(errs...)
}
