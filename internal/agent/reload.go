package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/goshawk-security/goshawk/internal/agent/doctor"
	"github.com/goshawk-security/goshawk/internal/agent/watch"
	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// kernelSide is what a reload needs of capture.Source.
type kernelSide interface {
	// Update changes which events are sent, from one system call to the next.
	Update(types []event.Type, environ bool) error
	Hooks() []capture.Hook
}

// errStopping is why a reload at the end is given up.
var errStopping = errors.New("the agent stops")

// handover brings new rules to the loop, which closes taken when they are in force.
type handover struct {
	rules *ruleset
	taken chan struct{}
}

// followRules loads the rules again when their files change and on SIGHUP, until
// ctx ends. The shipped rules have no files.
func (a *Agent) followRules(ctx context.Context, kernel kernelSide, lost *losses) {
	changed := make(chan struct{}, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if len(a.cfg.Rules) == 0 {
			return
		}
		// What changed since New read them is found by the first call.
		watch.Files(ctx, a.cfg.Rules, true, a.log.Named("rules"), func() { poke(changed) })
	}()
	defer func() { <-ended }()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			a.reload(ctx, kernel, lost, false)
		case <-a.sets.changed():
			a.reload(ctx, kernel, lost, false)
		case <-a.reloads:
			a.reload(ctx, kernel, lost, true)
		}
	}
}

// poke leaves a note that there is something to do, unless there is one.
func poke(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// reload puts the rules as they are now in force, or leaves the old ones there and
// says why. asked says that a person wants to hear of it in any case.
func (a *Agent) reload(ctx context.Context, kernel kernelSide, lost *losses, asked bool) {
	began := time.Now()
	why, old := a.ruleStats.failed()
	next, err := loadRuleset(&a.cfg, a.catalogue, a.sets.sources())
	if err == nil && next.hash == old.hash {
		a.sets.tell(old.hash, next, nil)
		if asked || why != "" {
			a.log.Info("rules read again: they are those in force", zap.String("hash", short(old.hash)))
		}
		a.ruleStats.ended(outcomeUnchanged, "")
		return
	}
	if err == nil {
		a.warnOfRules(next)
		err = a.putInForce(ctx, kernel, lost, old, next.ruleset)
	}
	switch {
	case errors.Is(err, errStopping):
	case err != nil && err.Error() == why && !asked: // told already
	case err != nil:
		a.ruleStats.ended(outcomeFailure, err.Error())
		a.sets.tell(old.hash, loaded{ruleset: old}, err)
		a.log.Error("rules not loaded: the old ones stay in force", zap.Error(err), zap.String("inForce", short(old.hash)),
			zap.Time("since", old.since), zap.String("refused", short(next.hash)), zap.Duration("took", time.Since(began)))
	default:
		a.ruleStats.ended(outcomeSuccess, "")
		a.sets.tell(next.hash, next, nil)
		a.log.Info("rules loaded", zap.String("hash", short(next.hash)), zap.String("before", short(old.hash)),
			zap.Int("rules", len(next.rules)), zap.Int("enabled", next.set.Len()), zap.Duration("took", time.Since(began)))
	}
}

// putInForce changes from old to next rules while events flow. For a moment the
// kernel side sends what either wants: nothing that old rules see goes before they
// do, and everything that new rules see comes before they are there.
func (a *Agent) putInForce(ctx context.Context, kernel kernelSide, lost *losses, old, next *ruleset) error {
	types, environ := union(old.set.Types(), next.set.Types()), old.needsEnviron() || next.needsEnviron()
	if err := a.tellKernel(kernel, types, environ); err != nil {
		if back := a.tellKernel(kernel, old.set.Types(), old.needsEnviron()); back != nil && !errors.Is(back, errStopping) {
			err = errors.Join(err, fmt.Errorf("go back: %w", back))
		}
		return err
	}
	h := &handover{rules: next, taken: make(chan struct{})}
	a.handover.Store(h)
	select {
	case <-h.taken:
	case <-ctx.Done():
		return errStopping
	}
	lost.replace(next.rules)
	a.ruleStats.replace(next)
	if err := a.tellKernel(kernel, next.set.Types(), next.needsEnviron()); err != nil && !errors.Is(err, errStopping) {
		a.log.Warn("the kernel side sends more than the rules need", zap.Error(err))
	}
	a.metrics.setWatched(next.set.Types())
	a.tellHooks(kernel)
	return nil
}

// tellKernel says what to send, unless the kernel side is taken off.
func (a *Agent) tellKernel(kernel kernelSide, types []event.Type, environ bool) error {
	a.kernelMu.Lock()
	defer a.kernelMu.Unlock()
	if a.detached {
		return errStopping
	}
	return kernel.Update(types, environ)
}

// tellHooks notes which tracepoints are attached, and logs those that could not be
// and were not logged before.
func (a *Agent) tellHooks(kernel kernelSide) {
	hooks := kernel.Hooks()
	for _, h := range hooks {
		if h.Err != nil && !a.metrics.knowsFailed(h.Tracepoint) {
			a.log.Warn("tracepoint not attached: what it reports is not seen; goshawk doctor says more",
				zap.String("tracepoint", h.Tracepoint), zap.Error(h.Err))
		}
	}
	a.metrics.setHooks(hooks)
}

// takeOver is called by the loop between two events.
func (a *Agent) takeOver() {
	h := a.handover.Swap(nil)
	if h == nil {
		return
	}
	a.rules = h.rules
	a.enricher.SetEnviron(h.rules.needsEnviron())
	a.sources.need(h.rules.set.Needs())
	close(h.taken)
}

// union returns the types of both, in order.
func union(a, b []event.Type) []event.Type {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// warnOfRules logs what in the rules works but is probably not meant so.
func (a *Agent) warnOfRules(l loaded) {
	for _, w := range l.warnings {
		warnOfRule(a.log, w)
	}
	for _, s := range l.unused {
		a.log.Warn("ruleSelection: an entry takes no rule", zap.String("entry", s.String()),
			zap.String("hint", "goshawk rules list shows names and tags"))
	}
}

// warnOfRule logs one warning of the rules.
func warnOfRule(log *zap.Logger, w *rule.Error) {
	fields := []zap.Field{zap.String("place", w.Pos.String())}
	if w.Rule != "" {
		kind := w.Kind
		if kind == "" {
			kind = "rule"
		}
		fields = append(fields, zap.String(kind, w.Rule))
	}
	if w.Hint != "" {
		fields = append(fields, zap.String("hint", w.Hint))
	}
	log.Warn("rules: "+w.Err.Error(), fields...)
}

// oldRules says that older rules are in force than those that the files hold; nil
// if they are not.
func (a *Agent) oldRules() []doctor.Check {
	why, in := a.ruleStats.failed()
	if why == "" {
		return nil
	}
	first, more, _ := strings.Cut(why, "\n")
	if more != "" {
		first += fmt.Sprintf(" (and %d more, see the log)", 1+strings.Count(more, "\n"))
	}
	return []doctor.Check{{Name: "rules", Status: doctor.Degraded,
		Found: fmt.Sprintf("old ones in force since %s (%s): %s", in.since.UTC().Format(time.RFC3339), short(in.hash), first)}}
}
