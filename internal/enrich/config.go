package enrich

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/goshawk-security/goshawk/internal/enrich/metadata"
	"github.com/goshawk-security/goshawk/internal/event"
)

// Config sets up an Enricher. The zero value means the defaults.
type Config struct {
	Host          string        // name of the node, for events; may be empty
	ProcRoot      string        // where proc is mounted; /proc
	CgroupRoot    string        // where cgroup file systems are mounted; /sys/fs/cgroup
	MaxProcesses  int           // 65536
	MaxCgroups    int           // 65536
	MaxNamespaces int           // containers whose users are kept; 256
	MaxText       int64         // bytes of command lines, environments and paths; 32 MiB
	Grace         time.Duration // how long an ended process is kept; 5 s
	Environ       bool          // read environments in /proc, too: a rule asks for one
	NoLateNames   bool          // follow no links in the paths of calls: no rule asks for such names

	Wait time.Duration // how long events wait for metadata; 5 s
	// Runtime, if there is one, is asked for each container. It answers with
	// Enricher.Answer.
	Runtime metadata.Runtime
	Pods    bool  // pods are told with Enricher.Report
	Peers   Peers // finds the other ends of connections; may be nil
}

// Peers is event.Peers whose answers arrive between two events.
type Peers interface {
	event.Peers
	// Advance takes over what arrived and tells whether anything did.
	Advance() bool
}

// minText is the least budget that leaves room for one command line of every kind.
const minText = 1 << 20

// withDefaults fills in what was not set.
func (c Config) withDefaults() Config {
	if c.ProcRoot == "" {
		c.ProcRoot = "/proc"
	}
	if c.CgroupRoot == "" {
		c.CgroupRoot = "/sys/fs/cgroup"
	}
	if c.MaxProcesses == 0 {
		c.MaxProcesses = 65536
	}
	if c.MaxCgroups == 0 {
		c.MaxCgroups = 65536
	}
	if c.MaxNamespaces == 0 {
		c.MaxNamespaces = 256
	}
	if c.MaxText == 0 {
		c.MaxText = 32 << 20
	}
	if c.Wait == 0 {
		c.Wait = 5 * time.Second
	}
	if c.Grace == 0 {
		c.Grace = 5 * time.Second
	}
	return c
}

// Validate reports every setting that cannot be used.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	for _, p := range []struct{ name, value string }{{"procRoot", c.ProcRoot}, {"cgroupRoot", c.CgroupRoot}} {
		if !filepath.IsAbs(p.value) {
			errs = append(errs, fmt.Errorf("%s %q: must be an absolute path", p.name, p.value))
		}
	}
	for _, n := range []struct {
		name       string
		value, min int64
	}{
		{"maxProcesses", int64(c.MaxProcesses), 16},
		{"maxCgroups", int64(c.MaxCgroups), 16},
		{"maxNamespaces", int64(c.MaxNamespaces), 1},
		{"maxText", c.MaxText, minText},
	} {
		if n.value < n.min {
			errs = append(errs, fmt.Errorf("%s %d: must be at least %d", n.name, n.value, n.min))
		}
	}
	if c.Wait < 0 {
		errs = append(errs, fmt.Errorf("wait %v: must not be negative", c.Wait))
	}
	if c.Grace < 0 {
		errs = append(errs, fmt.Errorf("grace %v: must not be negative", c.Grace))
	}
	return errors.Join(errs...)
}
