package kube

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/goshawk-security/goshawk/internal/event"
)

// work looks up what pods of the queue belong to, until the queue is shut down.
func (c *Client) work(ctx context.Context) {
	for {
		uid, shutdown := c.queue.Get()
		if shutdown {
			return
		}
		c.workOn(ctx, uid)
	}
}

func (c *Client) workOn(ctx context.Context, uid string) {
	defer c.queue.Done(uid)
	if c.resolve(ctx, uid) {
		c.queue.Forget(uid)
	} else {
		c.queue.AddRateLimited(uid)
	}
}

// resolve looks up owners, namespace and services of a pod. It is false if it is to be
// tried again.
func (c *Client) resolve(ctx context.Context, uid string) bool {
	c.mu.Lock()
	t := c.pods[uid]
	c.mu.Unlock()
	if t == nil {
		return true
	}
	owned := event.Pod{}
	var missed event.Sources
	list, denied, err := c.owners.chain(ctx, t.pod.Namespace, t.owner)
	if err != nil {
		c.log.Debug("look up the owners of a pod", zap.String("pod", t.pod.Namespace+"/"+t.pod.Name), zap.Error(err))
		return false
	}
	owned.Owners = list
	ns, err := c.owners.get(ctx, objectKey{resource: namespaces, name: t.pod.Namespace})
	if err != nil {
		return false
	}
	denied = denied || apierrors.IsForbidden(ns.err)
	owned.NamespaceUID, owned.NamespaceLabels, owned.NamespaceAnnotations = ns.uid, ns.labels, ns.annotations
	if c.services.Load() {
		all, err := c.listed.get(ctx, t.pod.Namespace, func(ctx context.Context) (serviceList, error) { return c.listServices(ctx, t.pod.Namespace) })
		if err != nil {
			return false
		}
		denied = denied || all.err != nil
		owned.Services = all.of(t.pod)
	}
	if denied {
		missed = event.SourceOwners
	}
	c.setOwned(uid, t, &owned, missed)
	return true
}

// refreshEvery is how often all pods are looked at again. What is not older than its
// age costs no request then.
const refreshEvery = time.Minute

// refresh looks again at what changes without the pods, until ctx ends.
func (c *Client) refresh(ctx context.Context) {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c.mu.Lock()
		for uid := range c.pods {
			c.queue.Add(uid)
		}
		c.mu.Unlock()
	}
}

// serviceList are the services of a namespace. err is why they may not be read.
type serviceList struct {
	all []service
	err error
}

// of returns the services whose selector takes a pod.
func (l serviceList) of(pod *event.Pod) (found []event.Object) {
	for _, s := range l.all {
		if s.takes(pod.Labels) {
			found = append(found, s.object)
		}
	}
	return found
}

// service is what is kept of one.
type service struct {
	object   event.Object
	selector map[string]string
}

// takes tells that every label of the selector is the pod's. A service without one
// takes none.
func (s *service) takes(labels map[string]string) bool {
	for name, v := range s.selector {
		if have, ok := labels[name]; !ok || have != v {
			return false
		}
	}
	return len(s.selector) > 0
}

func keepService(s *corev1.Service) service {
	return service{object: event.Object{Kind: "Service", Name: s.Name, UID: string(s.UID), Labels: few(s.Labels)}, selector: s.Spec.Selector}
}

// listServices reads the services of a namespace, in order of their names.
func (c *Client) listServices(ctx context.Context, namespace string) (serviceList, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	var list corev1.ServiceList
	o := metav1.ListOptions{ResourceVersion: "0"}
	err := c.core.Get().Resource("services").Namespace(namespace).VersionedParams(&o, metav1.ParameterCodec).Do(ctx).Into(&list)
	if c.owners.denied("services", err) {
		return serviceList{err: err}, nil
	}
	if err != nil {
		return serviceList{}, err
	}
	services := make([]service, 0, len(list.Items))
	for i := range list.Items {
		services = append(services, keepService(&list.Items[i]))
	}
	slices.SortFunc(services, func(a, b service) int { return strings.Compare(a.object.Name, b.object.Name) })
	return serviceList{all: services}, nil
}
