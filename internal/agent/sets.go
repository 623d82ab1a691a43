package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.uber.org/zap"

	"github.com/goshawk-security/goshawk/internal/agent/doctor"
	"github.com/goshawk-security/goshawk/internal/control/follow"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

// sets are the RuleSets and ClusterRuleSets of the cluster. follower is nil where
// they are not followed.
type sets struct {
	follower *follow.Follower
	log      *zap.Logger

	mu   sync.Mutex
	told map[string]string // by place: the mistakes that were logged last
}

// newSets makes what the configuration asks for. Nothing is asked before run.
func (a *Agent) newSets() (*sets, error) {
	s := &sets{log: a.log.Named("rules"), told: map[string]string{}}
	if !a.cfg.Kubernetes.Wanted() || !a.cfg.Kubernetes.RuleSets {
		return s, nil
	}
	config, err := restConfig(a.cfg.Kubernetes)
	if err != nil {
		return nil, err
	}
	s.follower, err = follow.New(follow.Config{Rest: config, Node: a.node.Hostname, Version: CurrentBuild().Version, File: a.cfg.Kubernetes.RuleSetFile}, s.log)
	if err != nil {
		return nil, fmt.Errorf("kubernetes.ruleSets: %w", err)
	}
	return s, nil
}

// sources returns the sets as they are now.
func (s *sets) sources() []loader.Source {
	if s.follower == nil {
		return nil
	}
	return s.follower.Sources()
}

// changed has a note in it when sources gives others than before. It is nil, and
// never has, where sets are not followed.
func (s *sets) changed() <-chan struct{} {
	if s.follower == nil {
		return nil
	}
	return s.follower.Changed()
}

// run follows the sets until ctx ends.
func (s *sets) run(ctx context.Context) {
	if s.follower != nil {
		s.follower.Run(ctx)
	}
}

// tell says what became of the sources: the cluster is told, and mistakes are logged
// once.
func (s *sets) tell(hash string, l loaded, err error) {
	if s.follower == nil {
		return
	}
	r := follow.Report{Hash: hash, Results: l.results, Err: err}
	if l.ruleset != nil {
		r.Rules = l.set.Len()
	}
	s.follower.Tell(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := map[string]string{}
	for _, result := range l.results {
		place, why := result.Source.Place(), texts(result.Errors)
		if why == "" {
			continue
		}
		now[place] = why
		if s.told[place] != why {
			s.log.Warn("a rule set has mistakes and is not in force as it is written", zap.String("set", place),
				zap.Bool("earlierInForce", result.InForce == loader.Earlier), zap.String("mistakes", why))
		}
	}
	if err == nil {
		s.told = now
	}
}

func texts(errs []*rule.Error) string {
	list := make([]error, len(errs))
	for i, e := range errs {
		list[i] = e
	}
	if err := errors.Join(list...); err != nil {
		return err.Error()
	}
	return ""
}

// health says why sets are not followed, nil also where the cluster has none of them.
func (s *sets) health() error {
	if err := s.follower.Health(); !errors.Is(err, follow.ErrNotInstalled) {
		return err
	}
	return nil
}

// missing says why sets are not followed, for readiness and metrics.
func (s *sets) missing() []doctor.Check {
	if s.follower == nil {
		return nil
	}
	err := s.health()
	if err == nil {
		return nil
	}
	return []doctor.Check{{Name: "rule sets", Status: doctor.Degraded, Found: err.Error()}}
}
