package enrich

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/enrich/budget"
	"github.com/goshawk-security/goshawk/internal/enrich/dirs"
	"github.com/goshawk-security/goshawk/internal/enrich/metadata"
	"github.com/goshawk-security/goshawk/internal/enrich/process"
	"github.com/goshawk-security/goshawk/internal/enrich/users"
	"github.com/goshawk-security/goshawk/internal/enrich/workload"
	"github.com/goshawk-security/goshawk/internal/event"
)

// Enricher adds context to events. Used by one goroutine.
type Enricher struct {
	cfg     Config
	log     *zap.Logger
	table   *process.Table
	cgroups *workload.Resolver
	meta    *metadata.Joiner
	users   *users.Cache
	dirs    *dirs.Finder // nil if nobody asks for late names
	hostMnt uint32       // mount namespace of the host, 0 if it cannot be read

	count         uint64 // events that were given
	first, before uint64 // when the first of them happened, and the last

	trimmed uint64 // of Table.Trimmed, when it was looked at last
	warn    uint64 // event time before which trimming is not logged again
}

// Stats are the counters of the tables. Plain numbers: copy them to read them in
// another goroutine.
type Stats struct {
	Process  process.Stats
	Workload workload.Stats
	Metadata metadata.Stats
	Users    users.Stats
	Dirs     dirs.Stats
}

// New returns an Enricher that knows nothing yet: attach capture, then call Scan.
func New(cfg Config, log *zap.Logger) (*Enricher, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure enrichment: %w", err)
	}
	cfg = cfg.withDefaults()
	if log == nil {
		log = zap.NewNop()
	}
	text := budget.New(cfg.MaxText)
	meta := metadata.New(metadata.Config{Runtime: cfg.Runtime, Pods: cfg.Pods, Wait: cfg.Wait, Now: bootTime})
	cgroups, err := workload.New(workload.Config{
		ProcRoot: cfg.ProcRoot, CgroupRoot: cfg.CgroupRoot, MaxCgroups: cfg.MaxCgroups, Text: text, Containers: meta,
	})
	if err != nil {
		return nil, fmt.Errorf("set up enrichment: %w", err)
	}
	controller := cgroups.Controller()
	e := &Enricher{
		cfg:     cfg,
		log:     log,
		cgroups: cgroups,
		meta:    meta,
		users:   users.New(users.Config{ProcRoot: cfg.ProcRoot, MaxNamespaces: cfg.MaxNamespaces}),
		table: process.New(process.Config{
			ProcRoot:     cfg.ProcRoot,
			MaxProcesses: cfg.MaxProcesses,
			Grace:        cfg.Grace,
			Environ:      cfg.Environ,
			Text:         text,
			Now:          bootTime,
			CgroupPath:   func(data []byte) (string, bool) { return workload.PathIn(data, controller) },
		}),
	}
	// Process 1 may be looked at with CAP_SYS_PTRACE alone; without it the agent
	// is taken to run on the host.
	if e.hostMnt = mountNamespace(cfg.ProcRoot, "1"); e.hostMnt == 0 {
		e.hostMnt = mountNamespace(cfg.ProcRoot, "self")
	}
	if !cfg.NoLateNames {
		e.dirs = dirs.New(dirs.Config{
			ProcRoot: cfg.ProcRoot, HostMnt: mountNamespace(cfg.ProcRoot, "1"), OwnMnt: mountNamespace(cfg.ProcRoot, "self"),
		})
	}
	return e, nil
}

// Scan takes over what runs already: the cgroups, then the processes. It is
// called once, after capture was attached. An error says what is missing; the
// Enricher works with what there is.
func (e *Enricher) Scan(ctx context.Context) error {
	err := errors.Join(e.cgroups.Walk(ctx), e.table.Scan(ctx))
	p, w := e.table.Stats(), e.cgroups.Stats()
	e.log.Info("scanned the running system",
		zap.Int("processes", p.Processes), zap.Int("cgroups", w.Cgroups), zap.Int("containers", w.Containers))
	return err
}

// SetEnviron says whether environments are read in /proc from now on, too. What was
// read without stays so.
func (e *Enricher) SetEnviron(on bool) { e.table.SetEnviron(on) }

// number counts the event.
func (e *Enricher) number(ev *event.Event) {
	if e.count++; e.count == 1 {
		e.first = ev.Time
	}
	ev.Num, ev.First, ev.Before = e.count, e.first, e.before
	e.before = ev.Time
	ev.Host = e.cfg.Host
	if e.cfg.Peers != nil {
		ev.Peers = e.cfg.Peers
	}
}

// Answer takes what the runtime says of a container. Any goroutine may call it.
func (e *Enricher) Answer(a metadata.Answer) { e.meta.Answer(a) }

// Unified returns the full id of the container that a cgroup of the unified hierarchy
// belongs to, "" for the host; false if the cgroup is not known.
func (e *Enricher) Unified(cgroup uint64) (container string, ok bool) {
	return e.cgroups.Unified(cgroup)
}

// Report takes what the API server says of a pod. Any goroutine may call it.
func (e *Enricher) Report(r metadata.PodReport) { e.meta.Report(r) }

// Advance applies metadata that came in and gives up what came too late. It is called
// between two events, also while none come, and tells whether anything changed.
func (e *Enricher) Advance() bool {
	changed := e.meta.Advance()
	if e.cfg.Peers != nil && e.cfg.Peers.Advance() {
		changed = true
	}
	return changed
}

// Apply updates the tables with a state event and sets Process, Image, Container
// and Accounts of any event, as they are after it: for a birth the parent's, for
// an exec the new image, for an end the one that ended. An event of a known
// process that changes nothing costs no allocation.
func (e *Enricher) Apply(ev *event.Event) {
	var (
		p   *process.Entry
		img *event.Image
	)
	e.number(ev)
	e.table.Advance(ev.Time)
	if n := e.table.Trimmed(); n != e.trimmed {
		e.reportTrimmed(n, ev.Time)
	}
	switch ev.Type {
	case event.Fork, event.Vfork, event.Clone, event.Clone3:
		if ev.HasTask() {
			p, img = e.table.Fork(ev)
			break
		}
		p, img = e.table.Lookup(ev)
	case event.Execve, event.Execveat:
		if ev.HasTask() {
			p, img = e.table.Exec(ev, e.cgroups.Announce(ev.Task.Cgroup, ev.Task.CgroupPath.Resolved))
			break
		}
		p, img = e.table.Lookup(ev)
	case event.ProcExit:
		p, img = e.table.Exit(ev)
	case event.CgroupMkdir:
		e.cgroups.Announce(ev.Task.Cgroup, ev.Task.CgroupPath.Resolved)
		p, img = e.table.Lookup(ev)
	case event.CgroupRmdir:
		p, img = e.table.Lookup(ev)
		e.cgroups.Remove(ev.Task.Cgroup)
	default:
		p, img = e.table.Lookup(ev)
	}
	e.place(ev, p)
	ev.Process, ev.Image, ev.Container = &p.Process, img, p.Container
	ev.Accounts = e.accounts(ev, img)
	if e.dirs != nil {
		e.dirs.Resolve(ev)
	}
}

// warnAfter is how often trimming is logged at most, in event time.
const warnAfter = uint64(time.Minute)

// reportTrimmed logs that command lines are cut: rules see less from now on.
func (e *Enricher) reportTrimmed(n, now uint64) {
	e.trimmed = n
	if now < e.warn {
		return
	}
	e.warn = now + warnAfter
	e.log.Warn("processes hold too much text: long command lines are cut after their exec, environments dropped",
		zap.Uint64("images", n), zap.Int64("limit", e.cfg.MaxText), zap.String("next", "raise limits.processText, or look for a storm of execs"))
}

// place finds the process's container. The event says in which cgroup its
// thread is: when that differs from before, the process was moved.
func (e *Enricher) place(ev *event.Event, p *process.Entry) {
	if p.Cgroup != ev.Cgroup && ev.Cgroup != 0 {
		p.Cgroup, p.Resolved = ev.Cgroup, false
	}
	if p.Resolved || p.Cgroup == 0 {
		return
	}
	c, ok := e.cgroups.Container(p.Cgroup)
	if !ok && p.Ended == 0 {
		c, ok = e.cgroups.Ask(p.Cgroup, p.PID, ev.Time)
	}
	p.Container, p.Resolved = c, ok
}

// accounts returns the names that hold where the image runs. A container that
// shares the host's mounts has the host's.
func (e *Enricher) accounts(ev *event.Event, img *event.Image) event.Accounts {
	ns := img.Namespaces.Mount
	if ev.Container == nil || ns == e.hostMnt && ns != 0 {
		return e.users.Host(ev.Time)
	}
	if ns == 0 {
		return nil
	}
	return e.users.Namespace(ns, ev.PID, ev.Time)
}

// Stats returns the counters.
func (e *Enricher) Stats() Stats {
	s := Stats{Process: e.table.Stats(), Workload: e.cgroups.Stats(), Metadata: e.meta.Stats(), Users: e.users.Stats()}
	if e.dirs != nil {
		s.Dirs = e.dirs.Stats()
	}
	return s
}

// bootTime returns CLOCK_BOOTTIME in nanoseconds.
func bootTime() uint64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0 // the clock is there since Linux 2.6.39
	}
	return uint64(ts.Nano())
}

// mountNamespace returns the number of a process's mount namespace, 0 if it
// cannot be read.
func mountNamespace(procRoot, pid string) uint32 {
	link, err := os.Readlink(filepath.Join(procRoot, pid, "ns/mnt"))
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(link, "mnt:["), "]"), 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}
