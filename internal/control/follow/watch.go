package follow

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-logr/logr"
	"go.uber.org/zap"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/goshawk-security/goshawk/internal/control/api"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

// kind is one of the two kinds of rule set.
type kind struct {
	resource string
	object   runtime.Object
	list     func() runtime.Object
	sets     map[string]loader.Source // by place
	listed   bool                     // since the start
	err      error                    // why it cannot be followed, nil while it is
}

func newKinds() [2]kind {
	return [2]kind{
		{resource: api.ClusterRuleSets, object: &api.ClusterRuleSet{}, list: func() runtime.Object { return &api.ClusterRuleSetList{} },
			sets: map[string]loader.Source{}, err: errors.New("no list of cluster rule sets came yet")},
		{resource: api.RuleSets, object: &api.RuleSet{}, list: func() runtime.Object { return &api.RuleSetList{} },
			sets: map[string]loader.Source{}, err: errors.New("no list of rule sets came yet")},
	}
}

// sourceOf returns what an object says.
func sourceOf(obj any) (loader.Source, bool) {
	switch o := obj.(type) {
	case *api.RuleSet:
		return loader.Source{Namespace: o.Namespace, Name: o.Name, Generation: o.Generation, Text: o.Spec.Rules}, true
	case *api.ClusterRuleSet:
		return loader.Source{Name: o.Name, Generation: o.Generation, Order: o.Spec.Order, Text: o.Spec.Rules}, true
	}
	return loader.Source{}, false
}

// configFor is a configuration of a client of the API group.
func configFor(config *rest.Config) *rest.Config {
	scheme := runtime.NewScheme()
	utilruntime.Must(api.AddToScheme(scheme))
	c := rest.CopyConfig(config)
	c.GroupVersion, c.APIPath = &api.GroupVersion, "/apis"
	c.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	c.ContentType, c.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	if c.UserAgent == "" {
		c.UserAgent = rest.DefaultKubernetesUserAgent()
	}
	return c
}

// The pauses between tries, the first and the longest. Definitions that are installed
// later are found after the longest.
const (
	firstPause = time.Second
	maxPause   = time.Minute
)

// watch follows one kind until ctx ends.
func (f *Follower) watch(ctx context.Context, i int) {
	// What the library says of every try is told once, by failed.
	quiet := klog.NewContext(ctx, logr.Discard())
	for pause := f.pause; ; pause = min(2*pause, maxPause) {
		began := time.Now()
		r := cache.NewReflectorWithOptions(f.lister(i), f.kinds[i].object, &store{f, i}, cache.ReflectorOptions{Name: f.kinds[i].resource})
		if err := r.ListAndWatchWithContext(quiet); err != nil && ctx.Err() == nil {
			f.failed(i, err)
		}
		if time.Since(began) > maxPause {
			pause = f.pause
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

// lister asks the API server for one kind.
func (f *Follower) lister(i int) cache.ListerWatcher {
	k := &f.kinds[i]
	request := func(o metav1.ListOptions) *rest.Request {
		return f.client.Get().Resource(k.resource).VersionedParams(&o, metav1.ParameterCodec)
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			list := k.list()
			return list, request(o).Do(ctx).Into(list)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.Watch = true
			w, err := request(o).Watch(ctx)
			if err == nil {
				f.works(i)
			} else if ctx.Err() == nil { // it is tried again without an end
				f.failed(i, err)
			}
			return w, err
		},
	}
}

// failed notes why a kind cannot be followed, and logs it when it is another reason
// than before.
func (f *Follower) failed(i int, err error) {
	resource := f.kinds[i].resource
	switch {
	case apierrors.IsNotFound(err):
		err = ErrNotInstalled
	case apierrors.IsForbidden(err):
		err = fmt.Errorf("the agent's service account may not list and watch %s: %w", resource, err)
	default:
		err = fmt.Errorf("follow %s: %w", resource, err)
	}
	f.mu.Lock()
	before := f.kinds[i].err
	f.kinds[i].err = err
	f.mu.Unlock()
	if before != nil && before.Error() == err.Error() {
		return
	}
	level := zap.WarnLevel
	if errors.Is(err, ErrNotInstalled) {
		level = zap.InfoLevel
	}
	f.log.Log(level, "no rule sets from the Kubernetes API: those that are known stay, and it is tried again",
		zap.String("resource", resource), zap.Error(err))
}

// works notes that a kind is followed.
func (f *Follower) works(i int) {
	f.mu.Lock()
	before := f.kinds[i].err
	f.kinds[i].err = nil
	n := len(f.kinds[i].sets)
	f.mu.Unlock()
	if before != nil {
		poke(f.told) // perhaps the status can be written, too
		f.log.Info("following rule sets of the Kubernetes API", zap.String("resource", f.kinds[i].resource), zap.Int("sets", n))
	}
}

// store is one kind of a Follower, as the reflector sees it.
type store struct {
	*Follower
	kind int
}

// Add implements cache.ReflectorStore.
func (s *store) Add(obj any) error { return s.Update(obj) }

// Update implements cache.ReflectorStore. A change of the status is none.
func (s *store) Update(obj any) error {
	now, ok := sourceOf(obj)
	if !ok {
		return fmt.Errorf("a rule set was expected, and a %T came", obj)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sets := s.kinds[s.kind].sets
	if old, known := sets[now.Place()]; !known || old != now {
		sets[now.Place()] = now
		poke(s.touched)
	}
	return nil
}

// Delete implements cache.ReflectorStore.
func (s *store) Delete(obj any) error {
	gone, ok := sourceOf(obj)
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(gone.Place())
	return nil
}

// drop forgets a set. The caller holds mu.
func (s *store) drop(place string) {
	delete(s.kinds[s.kind].sets, place)
	delete(s.good, place)
	poke(s.touched)
}

// Replace implements cache.ReflectorStore: list is all there is.
func (s *store) Replace(list []any, _ string) error {
	here := map[string]bool{}
	for _, obj := range list {
		if now, ok := sourceOf(obj); ok {
			here[now.Place()] = true
		}
		if err := s.Update(obj); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for place := range s.kinds[s.kind].sets {
		if !here[place] {
			s.drop(place)
		}
	}
	s.kinds[s.kind].listed = true
	return nil
}

// Resync implements cache.ReflectorStore.
func (s *store) Resync() error { return nil }
