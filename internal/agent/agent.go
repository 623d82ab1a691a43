package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/goshawk-security/goshawk/internal/agent/config"

	"go.uber.org/zap"

	"github.com/goshawk-security/goshawk/internal/agent/doctor"
	"github.com/goshawk-security/goshawk/internal/agent/held"
	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/enrich"
	"github.com/goshawk-security/goshawk/internal/enrich/workload"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/ship"
)

// The agent stops within five seconds of being asked to. The destinations have
// what taking off the kernel side and emptying the rings leave of stopTime, which
// keeps a margin for the end of the process, and leastFlush in any case.
const (
	stopTime   = 4500 * time.Millisecond
	leastFlush = 200 * time.Millisecond
)

// Agent watches one node. It is made by New and runs once.
type Agent struct {
	cfg     config.Config
	log     *zap.Logger
	builder *alert.Builder
	node    alert.Node
	out     *ship.Shipper
	metrics *metrics
	beat    *heartbeat
	health  *health
	// What the machine keeps from the agent; written before the server starts.
	degraded []doctor.Check
	sources  *sources
	sets     *sets
	sight    sight
	asked    atomic.Int64 // when the end began, in ns since the Unix epoch; 0 before

	catalogue *field.Catalogue
	ruleStats *ruleStats
	reloads   chan struct{}            // a person asked for one
	handover  atomic.Pointer[handover] // new rules on their way to the loop
	kernelMu  sync.Mutex               // of what the kernel side is told, and of detached
	detached  bool

	// Used by Run until its loop begins and by the loop from then on.
	enricher *enrich.Enricher
	held     *held.Queue
	rules    *ruleset
}

// New loads the rules and opens the destinations, but attaches nothing. Every
// error is a mistake in the configuration or the rules; all of them are joined.
// Alerts of the destinations on standard output go to console. The caller calls
// Run, which gives back what New opened.
func New(cfg config.Config, console io.Writer, log *zap.Logger) (*Agent, error) {
	a := &Agent{
		cfg: cfg, log: log, catalogue: Catalogue(), reloads: make(chan struct{}, 1),
		beat: newHeartbeat(time.Now),
	}
	var err error
	if a.node, err = thisNode(cfg.Node); err != nil {
		return nil, err
	}
	if a.sets, err = a.newSets(); err != nil {
		return nil, err
	}
	loaded, err := loadRuleset(&cfg, a.catalogue, a.sets.sources())
	a.warnOfRules(loaded)
	if err != nil {
		return nil, err
	}
	a.sets.tell(loaded.hash, loaded, nil)
	a.rules, a.ruleStats = loaded.ruleset, newRuleStats(loaded.ruleset)
	a.metrics = newMetrics(a.ruleStats)
	a.held = newHeld(cfg.Metadata)
	if a.sources, err = a.newSources(); err != nil {
		return nil, err
	}
	a.sight.metrics(a.metrics.registry)
	a.metrics.registry.MustRegister(&metadataCollector{a.held, a.sources, a.sets, a.metrics})
	a.health = newHealth(a.beat, cfg.Heartbeat.Timeout, time.Now)
	a.metrics.watch(a.beat)
	if a.builder, err = newBuilder(a.catalogue, a.node, cfg.Mask); err != nil {
		return nil, err
	}
	a.out, err = ship.New(cfg.Destinations, ship.Deps{Log: log.Named("ship"), Metrics: a.metrics.registry, Stdout: console})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// tellLimits logs what of the machine keeps the agent from seeing or knowing all,
// once, and leaves it for metrics and readiness.
func (a *Agent) tellLimits(checks []doctor.Check) {
	for _, c := range checks {
		a.metrics.degraded.WithLabelValues(c.Name).Set(0)
		if c.Status == doctor.OK {
			continue
		}
		a.metrics.degraded.WithLabelValues(c.Name).Set(1)
		a.degraded = append(a.degraded, c)
		a.log.Warn("degraded: "+c.Found, zap.String("what", c.Name), zap.String("next", c.Fix))
	}
}

// nodeNameVariable names the node where the configuration does not: one file can then
// serve all nodes.
const nodeNameVariable = "GOSHAWK_NODE_NAME"

// thisNode finds out the names of the machine and of this boot of it.
func thisNode(cfg config.Node) (alert.Node, error) {
	node := alert.Node{Hostname: cfg.Name}
	if node.Hostname == "" {
		node.Hostname = os.Getenv(nodeNameVariable)
	}
	if node.Hostname == "" {
		name, err := os.Hostname()
		if err != nil {
			return node, fmt.Errorf("node.name: cannot be found out, set it: %w", err)
		}
		node.Hostname = name
	}
	boot, err := os.ReadFile(cfg.Proc + "/sys/kernel/random/boot_id")
	if err != nil {
		return node, fmt.Errorf("node.proc: %s is no mounted proc file system: %w", cfg.Proc, err)
	}
	node.BootID = strings.TrimSpace(string(boot))
	return node, nil
}

// Run watches until ctx ends or no destination is left that could take an alert,
// and stops within five seconds then. Every error is one of the machine: a kernel
// that cannot, a right that is not there, a port that is taken, a destination that
// did not take everything.
func (a *Agent) Run(ctx context.Context) (err error) {
	over := make(chan struct{})
	defer close(over)
	go a.reopenOnHangup(over)
	ctx, stop := a.untilGone(ctx)
	defer stop()
	defer func() {
		if left := a.flush(); context.Cause(ctx) == errGone {
			err = errors.Join(err, errGone) // what is left, is for this reason
		} else {
			err = errors.Join(err, left)
		}
	}()
	host := doctor.Local()
	host.Proc, host.Cgroup = a.cfg.Node.Proc, a.cfg.Node.Cgroup
	if err := host.Preflight(); err != nil {
		return fmt.Errorf("cannot watch this machine: %w", err)
	}
	a.tellLimits(host.Limits())
	tuneMemory(host, a.cfg.Buffers.Events+a.cfg.Buffers.State)
	stopHTTP, err := a.serve()
	if err != nil {
		return err
	}
	defer stopHTTP()
	src, err := a.open()
	if err != nil {
		return fmt.Errorf("cannot watch this machine: %w", err)
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	a.begins(time.Now())
	a.log.Info("watching", zap.Int("rules", a.rules.set.Len()), zap.String("hash", short(a.rules.hash)),
		zap.Stringers("calls", a.rules.set.Types()), zap.Stringer("reads", src.Flavour), zap.String("http", a.cfg.HTTP.Address))
	return a.watchAll(ctx, src)
}

// open makes the process table and attaches the kernel side: only the calls that
// a rule asks for, and what keeps the process table right.
func (a *Agent) open() (*capture.Source, error) {
	enrichment := enrichConfig(&a.cfg)
	enrichment.Environ, enrichment.Host = a.rules.needsEnviron(), a.node.Hostname
	a.sources.fill(&enrichment)
	a.sources.need(a.rules.set.Needs())
	var err error
	if a.enricher, err = enrich.New(enrichment, a.log.Named("enrich")); err != nil {
		return nil, err
	}
	capturing := captureConfig(&a.cfg)
	capturing.Environ = a.rules.needsEnviron()
	if capturing.CgroupController, err = workload.Hierarchy(a.cfg.Node.Proc); err != nil {
		a.log.Warn("containers are not told apart", zap.Error(err))
	}
	src, err := capture.Open(capturing, a.rules.set.Types())
	if err != nil {
		return nil, err
	}
	a.metrics.setWatched(a.rules.set.Types())
	a.tellHooks(src)
	return src, nil
}

// watchAll runs the loop and the watch beside it until ctx ends and the rings
// are empty.
func (a *Agent) watchAll(ctx context.Context, src *capture.Source) error {
	lost := newLosses(a.rules.rules)
	stop := make(chan struct{})
	following, stopFollowing := context.WithCancel(ctx)
	defer stopFollowing()
	var beside sync.WaitGroup
	beside.Go(func() { a.watch(stop, src, lost) })
	beside.Go(func() { a.detachAtEnd(ctx, stop, src) })
	asking, stopAsking := context.WithCancel(context.Background()) // what is held at the end may still be answered
	defer stopAsking()
	beside.Go(func() { a.sources.run(asking) })
	beside.Go(func() { a.sets.run(asking) })

	a.scan(ctx)
	a.beat.begin()
	a.health.run()
	beside.Go(func() { a.followRules(following, src, lost) })
	err := a.loop(src)
	stopFollowing()
	stopAsking()
	close(stop)
	beside.Wait()
	a.reportLosses(src, lost, true) // what was lost since the last tick
	return err
}

// detachAtEnd takes the kernel side off when ctx ends; the loop then empties the
// rings and returns.
func (a *Agent) detachAtEnd(ctx context.Context, stop <-chan struct{}, src *capture.Source) {
	select {
	case <-stop: // the loop ended by itself
		return
	case <-ctx.Done():
	}
	a.log.Info("stopping")
	a.health.stop()
	a.ends(time.Now())
	a.kernelMu.Lock()
	defer a.kernelMu.Unlock()
	a.detached = true
	if err := src.Detach(); err != nil {
		a.log.Error("detach from the kernel", zap.Error(err))
	}
}

// scan fills the process table with what runs already, while events wait in the
// rings.
func (a *Agent) scan(ctx context.Context) {
	if err := a.enricher.Scan(ctx); err != nil && ctx.Err() == nil {
		// It works with what there is; new processes are known in full.
		a.log.Warn("what ran before the agent is known in part", zap.Error(err))
	}
}

// reopenOnHangup makes the destinations open files and secrets again on SIGHUP,
// as log rotation asks for, from the start of Run until after the last alert, and
// has the rules loaded again.
func (a *Agent) reopenOnHangup(stop <-chan struct{}) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-hangup:
			a.log.Info("opening destinations and reading rules again")
			a.out.Reopen()
			poke(a.reloads)
		case <-stop:
			return
		}
	}
}

// errGone is why an agent ends whose alerts nobody reads.
var errGone = errors.New("nobody reads standard output any more, and there is no other destination")

// untilGone returns a ctx that also ends, with the cause errGone, when no
// destination is left that could take an alert.
func (a *Agent) untilGone(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	context.AfterFunc(ctx, func() { a.asked.CompareAndSwap(0, time.Now().UnixNano()) })
	go func() {
		select {
		case <-a.out.Gone():
			end(errGone)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { end(nil) }
}

// flush sends what was accepted and says what could not be sent.
func (a *Agent) flush() error {
	left := stopTime
	if began := a.asked.Load(); began != 0 {
		left = max(leastFlush, stopTime-time.Since(time.Unix(0, began)))
	}
	ctx, cancel := context.WithTimeout(context.Background(), left)
	defer cancel()
	return a.out.Close(ctx)
}
