package dns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// The layout of struct dns_answer in bpf/dns.bpf.c.
const (
	headerSize = 24
	dataSize   = 1232
)

// Answer is one datagram from a DNS server. Data is valid until the next one.
type Answer struct {
	Time   uint64 // CLOCK_BOOTTIME, ns
	Cgroup uint64 // of the socket that asked, in the unified hierarchy
	Data   []byte // the DNS message
	Cut    bool   // the end of Data is missing
}

// Source is the attached programs. Drain is for one goroutine.
type Source struct {
	coll   *ebpf.Collection
	links  []link.Link
	reader *ringbuf.Reader
	record ringbuf.Record
}

// Open loads and attaches the programs to the root of the unified hierarchy below
// cgroupRoot, where the host's cgroup file systems are mounted. An error says why there
// will be no names.
func Open(cgroupRoot string) (*Source, error) {
	root, err := unifiedRoot(cgroupRoot)
	if err != nil {
		return nil, err
	}
	spec, err := loadAnswers()
	if err != nil {
		return nil, fmt.Errorf("read the program for DNS names: %w", err)
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, fmt.Errorf("lift the limit of locked memory: %w", err)
	}
	s := &Source{}
	if s.coll, err = ebpf.NewCollection(spec); err != nil {
		return nil, fmt.Errorf("load the program for DNS names: %w", err)
	}
	if s.reader, err = ringbuf.NewReader(s.coll.Maps["answers"]); err != nil {
		return nil, errors.Join(fmt.Errorf("open the ring of DNS answers: %w", err), s.Close())
	}
	s.reader.SetDeadline(time.Unix(1, 0)) // never waits
	// Answers count if their question was seen: that program comes first.
	for _, p := range []struct {
		name   string
		attach ebpf.AttachType
	}{{"dns_egress", ebpf.AttachCGroupInetEgress}, {"dns_ingress", ebpf.AttachCGroupInetIngress}} {
		l, err := link.AttachCgroup(link.CgroupOptions{Path: root, Attach: p.attach, Program: s.coll.Programs[p.name]})
		if errors.Is(err, unix.EPERM) {
			err = fmt.Errorf("%w: the capability NET_ADMIN is needed", err)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("attach the program for DNS names to %s: %w", root, err), s.Close())
		}
		s.links = append(s.links, l)
	}
	return s, nil
}

// unifiedRoot finds where the unified hierarchy is mounted: at root, or beside those of
// version 1.
func unifiedRoot(root string) (string, error) {
	for _, dir := range []string{root, filepath.Join(root, "unified")} {
		var fs unix.Statfs_t
		if err := unix.Statfs(dir, &fs); err == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC {
			return dir, nil
		}
	}
	return "", fmt.Errorf("no unified cgroup hierarchy is mounted at %s or %s/unified", root, root)
}

// Drain hands out the answers that came, most of them at most, and does not wait. It
// returns although more come meanwhile: who sends answers to himself can be faster than
// they are read. An answer is there before any event that its receiver causes afterwards.
func (s *Source) Drain(most int, do func(*Answer)) error {
	for ; most > 0 && s.reader.AvailableBytes() > 0; most-- {
		switch err := s.reader.ReadInto(&s.record); {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return fmt.Errorf("read DNS answers: %w", err)
		}
		b := s.record.RawSample
		if len(b) < headerSize {
			continue
		}
		order := binary.NativeEndian
		a := Answer{Time: order.Uint64(b), Cgroup: order.Uint64(b[8:]), Cut: order.Uint32(b[20:]) != 0}
		n := min(order.Uint32(b[16:]), dataSize, uint32(len(b)-headerSize))
		a.Data = b[headerSize : headerSize+n]
		do(&a)
	}
	return nil
}

// Lost counts answers for which the ring had no room.
func (s *Source) Lost() (uint64, error) {
	var counts []uint64
	if err := s.coll.Maps["lost"].Lookup(uint32(0), &counts); err != nil {
		return 0, fmt.Errorf("read lost DNS answers: %w", err)
	}
	var sum uint64
	for _, n := range counts {
		sum += n
	}
	return sum, nil
}

// Close takes the programs off.
func (s *Source) Close() error {
	var errs []error
	for _, l := range s.links {
		errs = append(errs, l.Close())
	}
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	s.coll.Close()
	return errors.Join(errs...)
}
