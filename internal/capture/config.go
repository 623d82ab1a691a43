package capture

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
)

// Config says how to capture. The zero value works on most nodes.
type Config struct {
	// EventsBytes and StateBytes are the sizes of the two rings, powers of two
	// and multiples of the page size. 0 means 8 MiB each.
	EventsBytes int
	StateBytes  int

	// ProcRoot is where the host's /proc is mounted; "" means /proc.
	ProcRoot string

	// CgroupController names the cgroup v1 controller whose hierarchy names the
	// containers; "" means the unified hierarchy.
	CgroupController string

	// Environ asks for the environment of every new image.
	Environ bool

	// Flavour forces one of the two kernel sides; Auto takes the best.
	Flavour Flavour
}

// Flavour is one of the two ways in which the kernel side reads memory.
type Flavour uint8

// The flavours.
const (
	Auto   Flavour = iota
	Direct         // plain loads, Linux 6.2
	Probed         // through a helper, Linux 5.8
)

// String names the flavour.
func (f Flavour) String() string {
	return [...]string{"auto", "direct", "probed"}[f]
}

const (
	defaultEventsBytes = 8 << 20
	defaultStateBytes  = 8 << 20
)

// Validate checks the sizes. It joins all mistakes.
func (c *Config) Validate() error {
	return errors.Join(checkRing("events", c.EventsBytes), checkRing("state", c.StateBytes))
}

func checkRing(name string, size int) error {
	if size == 0 {
		return nil
	}
	if size < os.Getpagesize() || bits.OnesCount(uint(size)) != 1 {
		return fmt.Errorf("ring %s: %d bytes is no power of two of at least a page (%d)", name, size, os.Getpagesize())
	}
	return nil
}

func (c *Config) withDefaults() Config {
	d := *c
	if d.EventsBytes == 0 {
		d.EventsBytes = defaultEventsBytes
	}
	if d.StateBytes == 0 {
		d.StateBytes = defaultStateBytes
	}
	if d.ProcRoot == "" {
		d.ProcRoot = "/proc"
	}
	return d
}
