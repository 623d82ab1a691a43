package kube

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/goshawk-security/goshawk/internal/enrich/metadata"
	"github.com/goshawk-security/goshawk/internal/event"
)

// tracked is a pod of the node. Its parts are replaced, never changed.
type tracked struct {
	pod   *event.Pod             // without namespace, and with the nearest owner's reference alone
	uids  []string               // by which cgroups name it
	hash  string                 // of a static pod
	owner *metav1.OwnerReference // the one that controls it, nil if none does
	over  bool                   // succeeded or failed: its address may be another's
	owned *event.Pod             // with owners and namespace; nil before they were looked up

	missed event.Sources // what could not be looked up of owned
}

func track(p *corev1.Pod) *tracked {
	t := &tracked{pod: convert(p), uids: []string{string(p.UID)}, hash: staticHash(p),
		over: p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed}
	if t.owner = ownerOf(p); t.owner != nil {
		t.pod.Owners = []event.Object{byReference(t.owner)}
	}
	return t
}

// watch follows the pods of the node until ctx ends.
func (c *Client) watch(ctx context.Context) {
	node := fields.OneTermEqualSelector("spec.nodeName", c.cfg.Node).String()
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = node
			list := &corev1.PodList{}
			err := c.core.Get().Resource("pods").VersionedParams(&o, metav1.ParameterCodec).Do(ctx).Into(list)
			c.answered(ctx, "list pods", err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector, o.Watch = node, true
			w, err := c.core.Get().Resource("pods").VersionedParams(&o, metav1.ParameterCodec).Watch(ctx)
			c.answered(ctx, "watch pods", err)
			return w, err
		},
	}
	wait := knockAfter
	for ctx.Err() == nil {
		// What goes wrong is told by answered; client-go would write it to stderr, too.
		run, again := context.WithCancel(klog.NewContext(ctx, klog.Logger{}))
		ended := make(chan struct{})
		go func() { defer close(ended); c.knock(run, &wait, again) }()
		// The reflector writes to the Client itself: a cache between would hold all twice.
		cache.NewReflectorWithOptions(lw, &corev1.Pod{}, (*store)(c), cache.ReflectorOptions{Name: "pods of the node"}).RunWithContext(run)
		again()
		<-ended
	}
}

// How long the API server is left alone after it failed, at first and when it fails
// again and again, and as much once more by chance: agents of a whole cluster knock.
const (
	knockAfter  = 4 * time.Second
	knockAtMost = time.Minute
)

// knock begins the watch again as soon as an API server that failed answers: by itself
// the reflector sleeps for up to a minute after a long outage, while pods start that
// nobody knows.
func (c *Client) knock(ctx context.Context, wait *time.Duration, again func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(*wait + rand.N(*wait)):
		}
		if !c.failed() {
			*wait = knockAfter
			continue
		}
		o := metav1.ListOptions{Limit: 1, ResourceVersion: "0", FieldSelector: fields.OneTermEqualSelector("spec.nodeName", c.cfg.Node).String()}
		asked, cancel := context.WithTimeout(ctx, lookupTime)
		err := c.core.Get().Resource("pods").VersionedParams(&o, metav1.ParameterCodec).Do(asked).Error()
		cancel()
		if err == nil && c.failed() {
			*wait = min(2**wait, knockAtMost)
			again()
			return
		}
	}
}

// answered notes whether a request of the watch worked.
func (c *Client) answered(ctx context.Context, what string, err error) {
	switch {
	case err == nil:
		c.works()
	case ctx.Err() == nil:
		c.fail(fmt.Errorf("%s: %w", what, err))
	}
}

// store is a Client as the reflector sees it.
type store Client

// Add implements cache.ReflectorStore.
func (s *store) Add(obj any) error { return s.Update(obj) }

// Update implements cache.ReflectorStore.
func (s *store) Update(obj any) error {
	p, ok := obj.(*corev1.Pod)
	if !ok {
		return fmt.Errorf("a pod was expected, and a %T came", obj)
	}
	(*Client)(s).set(track(p))
	return nil
}

// Delete implements cache.ReflectorStore.
func (s *store) Delete(obj any) error {
	if p, ok := obj.(*corev1.Pod); ok {
		(*Client)(s).remove(string(p.UID))
	}
	return nil
}

// Replace implements cache.ReflectorStore: list is all there is.
func (s *store) Replace(list []any, _ string) error {
	c, here := (*Client)(s), map[string]bool{}
	for _, obj := range list {
		if p, ok := obj.(*corev1.Pod); ok {
			here[string(p.UID)] = true
			c.set(track(p))
		}
	}
	c.mu.Lock()
	var left []string
	for uid := range c.pods {
		if !here[uid] {
			left = append(left, uid)
		}
	}
	c.mu.Unlock()
	for _, uid := range left {
		c.remove(uid)
	}
	if len(list) == 0 {
		c.log.Warn("the API server knows no pod of this node", zap.String("node", c.cfg.Node), zap.String("next", "see that node.name is the name of its Node object"))
	}
	return nil
}

// Resync implements cache.ReflectorStore.
func (s *store) Resync() error { return nil }

// set takes over a pod as it is now and tells of it if that is news.
func (c *Client) set(t *tracked) {
	uid := t.pod.UID
	c.mu.Lock()
	defer c.mu.Unlock()
	c.synced = time.Now()
	old := c.pods[uid]
	if timer := c.gone[uid]; timer != nil {
		timer.Stop()
		delete(c.gone, uid)
	}
	if old != nil && old.owned != nil && reflect.DeepEqual(old.owner, t.owner) {
		owned := *t.pod
		copyOwners(&owned, old.owned)
		t.owned, t.missed = &owned, old.missed
	}
	c.pods[uid] = t
	c.index(old, t)
	if c.claim(t.hash, uid) {
		t.uids = append(t.uids, t.hash)
	}
	if old != nil && reflect.DeepEqual(old.pod, t.pod) && reflect.DeepEqual(old.owner, t.owner) {
		return
	}
	if t.owned == nil || c.services.Load() && (old == nil || !maps.Equal(old.pod.Labels, t.pod.Labels)) {
		c.queue.Add(uid)
	}
	r := metadata.PodReport{UIDs: slices.Clone(t.uids), Pod: t.pod, Answered: event.SourcePod, Missed: t.missed}
	if t.owned != nil {
		r.Pod, r.Answered = t.owned, event.SourcePod|event.SourceOwners
	}
	c.cfg.Report(r)
}

// claim gives the hash of a static pod to the first that says it is his. Who copies it
// from the kubelet's object comes later than that.
func (c *Client) claim(hash, uid string) bool {
	if hash == "" {
		return false
	}
	if c.static[hash] == "" {
		c.static[hash] = uid
	}
	if c.static[hash] != uid {
		c.log.Warn("a pod says that it is a static one which another pod is already", zap.String("uid", uid), zap.String("hash", hash))
	}
	return c.static[hash] == uid
}

// index keeps byIP. The address of a pod that is over, or of the node, names nobody.
func (c *Client) index(old, now *tracked) {
	if old != nil {
		for _, ip := range old.pod.IPs {
			if c.byIP[ip] == old {
				delete(c.byIP, ip)
			}
		}
	}
	if now == nil || now.over || now.pod.HostNetwork {
		return
	}
	for _, ip := range now.pod.IPs {
		c.byIP[ip] = now
	}
}

// remove forgets a pod, and says so after the grace: its events may be on their way.
func (c *Client) remove(uid string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.pods[uid]
	if t == nil {
		return
	}
	c.index(t, nil)
	delete(c.pods, uid)
	if c.static[t.hash] == uid {
		delete(c.static, t.hash)
	}
	var timer *time.Timer
	timer = time.AfterFunc(c.cfg.Grace, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.gone[uid] == timer {
			delete(c.gone, uid)
			c.bury(t)
		}
	})
	c.gone[uid] = timer
}

// bury tells that a pod is gone. A static pod's object can be made anew: the name in
// its cgroup is still there then.
func (c *Client) bury(t *tracked) {
	left := slices.Clone(t.uids)
	for _, other := range c.pods {
		left = slices.DeleteFunc(left, func(uid string) bool { return slices.Contains(other.uids, uid) })
	}
	if len(left) > 0 {
		c.cfg.Report(metadata.PodReport{UIDs: left, Gone: true})
	}
}

// setOwned takes over what was looked up for a pod, unless the pod has changed since.
func (c *Client) setOwned(uid string, from *tracked, owned *event.Pod, missed event.Sources) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.pods[uid]
	if t == nil {
		return
	}
	if !reflect.DeepEqual(t.owner, from.owner) {
		c.queue.Add(uid)
		return
	}
	now := *t.pod
	copyOwners(&now, owned)
	same := t.owned != nil && t.missed == missed && reflect.DeepEqual(*t.owned, now)
	t = &tracked{pod: t.pod, uids: t.uids, hash: t.hash, owner: t.owner, over: t.over, owned: &now, missed: missed}
	c.index(c.pods[uid], t)
	c.pods[uid] = t
	if !same {
		c.cfg.Report(metadata.PodReport{UIDs: slices.Clone(t.uids), Pod: &now, Answered: event.SourcePod | event.SourceOwners, Missed: missed})
	}
}
