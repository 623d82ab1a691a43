// Package trial loads rule sets as agents will, to say beforehand what would become of
// them. What was tried last is remembered, since admission and statuses ask for the
// same.
package trial

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/goshawk-security/goshawk/internal/control/api"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

// Outcome is what became of sets.
type Outcome struct {
	Set     *rule.Set
	Results map[string]loader.Result // by place
	Err     error                    // why the files that sets stand on cannot be loaded: there are no results
}

// Court loads rule sets. Its methods may be called from any goroutine.
type Court struct {
	rules loader.Config

	mu   sync.Mutex // held while loading: what several ask for is loaded once
	key  string
	at   time.Time
	last *Outcome
}

// New returns a Court. rules says what agents load beside the sets.
func New(rules loader.Config) *Court { return &Court{rules: rules} }

// maxAge is how long an outcome is remembered: files may change without anybody
// saying so.
const maxAge = time.Minute

// All says what becomes of all sets of a cluster.
func (c *Court) All(sources []loader.Source) *Outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := keyOf(sources)
	if c.last == nil || c.key != key || time.Since(c.at) > maxAge {
		c.key, c.at, c.last = key, time.Now(), c.Try(sources)
	}
	return c.last
}

// keyOf names sets by what says that their texts are the same. One that was made
// anew, with as many bytes, is noticed when the outcome is too old.
func keyOf(sources []loader.Source) string {
	var b strings.Builder
	for i := range sources {
		s := &sources[i]
		fmt.Fprintf(&b, "%s %d %d %d\n", s.Place(), s.Generation, s.Order, len(s.Text))
	}
	return b.String()
}

// Try says what would become of sets, and does not remember it.
func (c *Court) Try(sources []loader.Source) *Outcome {
	rules := c.rules
	rules.Sources = sources
	set, results, err := loader.Load(rules)
	o := &Outcome{Set: set, Results: map[string]loader.Result{}, Err: err}
	for _, r := range results {
		o.Results[r.Source.Place()] = r
	}
	return o
}

// Of returns the source that an object is, false if it is no rule set.
func Of(obj client.Object) (loader.Source, bool) {
	switch o := obj.(type) {
	case *api.RuleSet:
		return loader.Source{Namespace: o.Namespace, Name: o.Name, Generation: o.Generation, Text: o.Spec.Rules}, true
	case *api.ClusterRuleSet:
		return loader.Source{Name: o.Name, Generation: o.Generation, Order: o.Spec.Order, Text: o.Spec.Rules}, true
	}
	return loader.Source{}, false
}

// Sources reads all sets of a cluster, in the order of the lists.
func Sources(ctx context.Context, r client.Reader) ([]loader.Source, error) {
	var cluster api.ClusterRuleSetList
	var confined api.RuleSetList
	for _, list := range []client.ObjectList{&cluster, &confined} {
		if err := r.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return nil, fmt.Errorf("list rule sets: %w", err)
		}
	}
	sources := make([]loader.Source, 0, len(cluster.Items)+len(confined.Items))
	for i := range cluster.Items {
		s, _ := Of(&cluster.Items[i])
		sources = append(sources, s)
	}
	for i := range confined.Items {
		s, _ := Of(&confined.Items[i])
		sources = append(sources, s)
	}
	return sources, nil
}
