package status

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/goshawk-security/goshawk/internal/control/api"
	"github.com/goshawk-security/goshawk/internal/control/trial"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

// Times. A change of many sets or agents comes as a burst: a set is looked at once in
// settle, and in perAgent for each agent. All agents watch the sets, so that each
// status that is written goes to every node.
const (
	settle    = time.Second
	perAgent  = 2 * time.Millisecond
	lookAgain = time.Minute
)

// reconciler keeps the statuses of one kind.
type reconciler struct {
	client client.Client
	court  *trial.Court
	kind   string // as loader names it
	log    *zap.Logger
	agents atomic.Int64 // there were last
}

// pause is how long more changes are waited for.
func (r *reconciler) pause() time.Duration {
	return settle + time.Duration(r.agents.Load())*perAgent
}

// Add makes a manager keep the statuses of both kinds.
func Add(m manager.Manager, court *trial.Court, log *zap.Logger) error {
	for kind, obj := range map[string]client.Object{loader.KindRuleSet: &api.RuleSet{}, loader.KindClusterRuleSet: &api.ClusterRuleSet{}} {
		r := &reconciler{client: m.GetClient(), court: court, kind: kind, log: log}
		changed := builder.WithPredicates(predicate.GenerationChangedPredicate{})
		err := builder.ControllerManagedBy(m).Named(kind).For(obj, changed).
			Watches(&api.AgentStatus{}, r.onAgent()).
			Watches(&api.ClusterRuleSet{}, handler.TypedFuncs[client.Object, reconcile.Request](r.everyOnChange()), changed).
			WithOptions(controller.Options{SkipNameValidation: new(true)}).
			Complete(r)
		if err != nil {
			return fmt.Errorf("keep the status of each %s: %w", kind, err)
		}
	}
	return nil
}

// queue is where sets wait to be looked at.
type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// everyOnChange looks at all sets when one changes that holds everywhere: others stand
// on it.
func (r *reconciler) everyOnChange() handler.Funcs {
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, _ event.CreateEvent, q queue) { r.every(ctx, q) },
		UpdateFunc: func(ctx context.Context, _ event.UpdateEvent, q queue) { r.every(ctx, q) },
		DeleteFunc: func(ctx context.Context, _ event.DeleteEvent, q queue) { r.every(ctx, q) },
	}
}

// onAgent looks at the sets about which an agent says something else than before; at
// all when an agent comes or goes.
func (r *reconciler) onAgent() handler.Funcs {
	f := r.everyOnChange()
	f.UpdateFunc = func(ctx context.Context, e event.UpdateEvent, q queue) {
		old, ok := e.ObjectOld.(*api.AgentStatus)
		now, ok2 := e.ObjectNew.(*api.AgentStatus)
		if !ok || !ok2 {
			return
		}
		if now.Status.Heartbeat.Sub(old.Status.Heartbeat.Time) > silentAfter { // it was silent
			r.every(ctx, q)
			return
		}
		for place := range differ(&old.Status, &now.Status) {
			if key, ok := keyOf(place, r.kind); ok {
				q.AddAfter(reconcile.Request{NamespacedName: key}, r.pause())
			}
		}
	}
	return f
}

// every looks at all sets of the kind.
func (r *reconciler) every(ctx context.Context, q queue) {
	sources, err := trial.Sources(ctx, r.client)
	if err != nil {
		r.log.Warn("statuses of rule sets are late", zap.Error(err))
		return // once a minute they are looked at anyhow
	}
	for i := range sources {
		if key, ok := keyOf(sources[i].Place(), r.kind); ok {
			q.AddAfter(reconcile.Request{NamespacedName: key}, r.pause())
		}
	}
}

// Reconcile implements reconcile.Reconciler: it writes the status of a set if it is
// another than the one that is there.
func (r *reconciler) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	obj, status := r.object()
	if err := r.client.Get(ctx, req.NamespacedName, obj); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	sources, err := trial.Sources(ctx, r.client)
	if err != nil {
		return reconcile.Result{}, err
	}
	var agents api.AgentStatusList
	if err := r.client.List(ctx, &agents, client.UnsafeDisableDeepCopy); err != nil {
		return reconcile.Result{}, fmt.Errorf("list agents: %w", err)
	}
	r.agents.Store(int64(len(agents.Items)))
	of, _ := trial.Of(obj)
	s := set{place: of.Place(), generation: of.Generation}
	s.result, s.known = r.court.All(sources).Results[s.place]
	now := summary(s, agents.Items, *status, time.Now())
	again := reconcile.Result{RequeueAfter: lookAgain}
	if equality.Semantic.DeepEqual(now, *status) {
		return again, nil
	}
	*status = now
	if err := r.client.Status().Update(ctx, obj); err != nil {
		if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
			return reconcile.Result{RequeueAfter: settle}, nil // it changed meanwhile
		}
		return reconcile.Result{}, fmt.Errorf("write the status of %s: %w", s.place, err)
	}
	return again, nil
}

// object makes an object of the kind, and says where its status is.
func (r *reconciler) object() (client.Object, *api.RuleSetStatus) {
	if r.kind == loader.KindRuleSet {
		o := &api.RuleSet{}
		return o, &o.Status
	}
	o := &api.ClusterRuleSet{}
	return o, &o.Status
}

// differ returns the places of the sets about which two statuses say different things.
func differ(a, b *api.AgentStatusStatus) map[string]bool {
	places := map[string]bool{}
	for _, pair := range [][2]*api.AgentStatusStatus{{a, b}, {b, a}} {
		for place, generation := range pair[0].InForce {
			if other, there := pair[1].InForce[place]; !there || other != generation {
				places[place] = true
			}
		}
		for _, refusal := range pair[0].Refused {
			if !hasRefusal(pair[1].Refused, refusal) {
				places[refusal.Set] = true
			}
		}
	}
	return places
}

func hasRefusal(list []api.Refusal, r api.Refusal) bool {
	for i := range list {
		if list[i] == r {
			return true
		}
	}
	return false
}

// keyOf returns the name of the object of a kind whose place is given.
func keyOf(place, kind string) (types.NamespacedName, bool) {
	s, ok := loader.ParsePlace(place)
	if !ok || (s.Namespace == "") != (kind == loader.KindClusterRuleSet) {
		return types.NamespacedName{}, false
	}
	return types.NamespacedName{Namespace: s.Namespace, Name: s.Name}, true
}
