package follow

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

// ErrNotInstalled says that the cluster has no rule sets: their definitions are not
// there.
var ErrNotInstalled = errors.New("the cluster has no definitions of rule sets: apply deploy/crds, or let the Helm chart do it")

// Config says whom to ask and for whom.
type Config struct {
	Rest    *rest.Config // where the API server is, and as whom to ask
	Node    string       // name of the Node object
	Version string       // of the agent
	// File remembers the rule sets over a restart without an API server; "" for none.
	File string

	// Settle is how long more changes are waited for after one; 0 means a second.
	Settle time.Duration
	// Spread is the time over which agents spread their writing; 0 means five seconds.
	Spread time.Duration
	// Heartbeat is how often the status is written without a change; 0 means five
	// minutes.
	Heartbeat time.Duration
}

// Report is what became of the rules that a snapshot of sources was loaded into.
type Report struct {
	Hash    string // of the rules in force
	Rules   int    // in force
	Results []loader.Result
	Err     error // why nothing could be loaded: what was in force before still is
}

// Follower follows the rule sets. It is made by New and works while Run runs; its
// methods may be called from any goroutine.
type Follower struct {
	cfg     Config
	log     *zap.Logger
	client  rest.Interface
	meta    metadata.Interface
	changed chan struct{}
	touched chan struct{} // the sets are others, or a good text is
	told    chan struct{} // there is something to write
	pause   time.Duration // the first between tries

	saving sync.Mutex // one writer of the file

	mu     sync.Mutex
	kinds  [2]kind
	good   map[string]version // by place: the text that was in force last
	report Report
	status writing
}

// version is a text of a set.
type version struct {
	Text       string `json:"text"`
	Generation int64  `json:"generation"`
}

// New returns a Follower that asks nothing before Run.
func New(cfg Config, log *zap.Logger) (*Follower, error) {
	if cfg.Node == "" {
		return nil, errors.New("the node has no name: set node.name")
	}
	for _, d := range []struct {
		value *time.Duration
		usual time.Duration
	}{{&cfg.Settle, time.Second}, {&cfg.Spread, 5 * time.Second}, {&cfg.Heartbeat, 5 * time.Minute}} {
		if *d.value == 0 {
			*d.value = d.usual
		}
	}
	f := &Follower{
		cfg: cfg, log: log, pause: firstPause, good: map[string]version{}, kinds: newKinds(),
		changed: make(chan struct{}, 1), touched: make(chan struct{}, 1), told: make(chan struct{}, 1),
	}
	var err error
	if f.client, f.meta, err = newClients(cfg.Rest); err != nil {
		return nil, err
	}
	f.remember()
	return f, nil
}

// Run follows the rule sets and writes the status until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	var all sync.WaitGroup
	for i := range f.kinds {
		all.Go(func() { f.watch(ctx, i) })
	}
	all.Go(func() { f.settle(ctx) })
	all.Go(func() { f.write(ctx) })
	all.Wait()
}

// settle says that the sets changed, some time after they did: a change seldom comes
// alone.
func (f *Follower) settle(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.touched:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(f.cfg.Settle):
		}
		f.save()
		poke(f.changed)
	}
}

// Changed has a note in it when Sources gives others than before.
func (f *Follower) Changed() <-chan struct{} { return f.changed }

// Sources returns the sets as they are now, each with the text that was in force last.
func (f *Follower) Sources() []loader.Source {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []loader.Source
	for i := range f.kinds {
		for _, s := range f.kinds[i].sets {
			if last := f.good[s.Place()]; last.Text != s.Text {
				s.Last = last.Text
			}
			all = append(all, s)
		}
	}
	return all
}

// Tell says what became of a snapshot of sources: it is written into the node's
// AgentStatus, and what is in force is remembered.
func (f *Follower) Tell(r Report) {
	f.mu.Lock()
	news := false
	for _, result := range r.Results {
		s := &result.Source
		now := version{s.Text, s.Generation}
		if result.InForce == loader.Current && f.good[s.Place()] != now {
			f.good[s.Place()] = now
			news = true
		}
	}
	if r.Err != nil { // what was said of the sets still holds
		r.Hash, r.Rules, r.Results = f.report.Hash, f.report.Rules, f.report.Results
	}
	f.report = r
	f.status.due = true
	f.mu.Unlock()
	if news {
		f.save()
	}
	poke(f.told)
}

// Health says why the sets cannot be followed, nil if they are.
func (f *Follower) Health() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for i := range f.kinds {
		if err := f.kinds[i].err; errors.Is(err, ErrNotInstalled) {
			return err
		} else if err != nil {
			errs = append(errs, err)
		}
	}
	if f.status.err != nil {
		errs = append(errs, f.status.err)
	}
	return errors.Join(errs...)
}

// Stats are numbers for metrics.
type Stats struct {
	ClusterRuleSets, RuleSets int
	Refused                   int    // not in force as they are written
	Synced                    bool   // every kind was listed since the start
	Writes, WriteErrors       uint64 // of the status
}

// Stats returns the numbers of now.
func (f *Follower) Stats() Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := Stats{ClusterRuleSets: len(f.kinds[0].sets), RuleSets: len(f.kinds[1].sets), Synced: f.kinds[0].listed && f.kinds[1].listed,
		Writes: f.status.writes, WriteErrors: f.status.failures}
	for _, r := range f.report.Results {
		if r.InForce != loader.Current {
			s.Refused++
		}
	}
	return s
}

// poke leaves a note that there is something to do, unless there is one.
func poke(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// newClients makes the client of rule sets and that of mere metadata. The clientset of
// client-go is not used: it would register the types of all API groups.
func newClients(config *rest.Config) (rest.Interface, metadata.Interface, error) {
	client, err := rest.RESTClientFor(configFor(config))
	if err != nil {
		return nil, nil, fmt.Errorf("make a client of rule sets: %w", err)
	}
	meta, err := metadata.NewForConfig(metadata.ConfigFor(config))
	if err != nil {
		return nil, nil, fmt.Errorf("make a client of metadata: %w", err)
	}
	return client, meta, nil
}
