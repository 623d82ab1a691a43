package kube

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	partial "k8s.io/client-go/metadata"

	"github.com/goshawk-security/goshawk/internal/event"
)

const (
	lookupTime   = 10 * time.Second // of one request
	namespaceAge = 4 * time.Minute  // after which namespaces and services are read again
	ownerAge     = time.Hour        // and owners: their labels change, their owners do not
	deniedAge    = 4 * time.Minute  // and what was forbidden or not there
	maxObjects   = 4096             // that are cached
	maxOwners    = 8                // of one pod
)

// resources are the kinds that own pods, or own what owns them, and how the API calls
// them. Other kinds are named by their reference alone: who may read them, and whether
// they have owners, nobody here knows.
var resources = map[string]schema.GroupVersionResource{
	"ReplicaSet.apps":        {Group: "apps", Version: "v1", Resource: "replicasets"},
	"Deployment.apps":        {Group: "apps", Version: "v1", Resource: "deployments"},
	"StatefulSet.apps":       {Group: "apps", Version: "v1", Resource: "statefulsets"},
	"DaemonSet.apps":         {Group: "apps", Version: "v1", Resource: "daemonsets"},
	"Job.batch":              {Group: "batch", Version: "v1", Resource: "jobs"},
	"CronJob.batch":          {Group: "batch", Version: "v1", Resource: "cronjobs"},
	"ReplicationController.": {Version: "v1", Resource: "replicationcontrollers"},
}

var namespaces = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}

// owners caches the metadata of objects.
type owners struct {
	meta partial.Interface
	log  *zap.Logger
	have *recent[objectKey, object]

	mu        sync.Mutex
	forbidden map[string]error // by resource, what may not be read
}

// objectKey names one object: the next one of the same name is another.
type objectKey struct {
	resource        schema.GroupVersionResource
	namespace, name string
	uid             types.UID // "": whichever has the name
}

// object is what is kept of one. err is why it is not known.
type object struct {
	uid         string
	labels      map[string]string
	annotations map[string]string
	owner       *metav1.OwnerReference
	namespace   bool
	err         error
}

func newOwners(meta partial.Interface, log *zap.Logger) *owners {
	return &owners{meta: meta, log: log, forbidden: map[string]error{}, have: newRecent[objectKey](maxObjects, func(o object) time.Duration {
		switch {
		case o.err != nil:
			return deniedAge
		case o.namespace:
			return namespaceAge
		}
		return ownerAge
	})}
}

// get reads an object's metadata. An error says that the request may be tried again
// soon; what is forbidden or not there is an object with err.
func (o *owners) get(ctx context.Context, key objectKey) (object, error) {
	return o.have.get(ctx, key, func(ctx context.Context) (object, error) {
		ctx, cancel := context.WithTimeout(ctx, lookupTime)
		defer cancel()
		in := o.meta.Resource(key.resource).Namespace(key.namespace)
		read, err := in.Get(ctx, key.name, metav1.GetOptions{ResourceVersion: "0"})
		if apierrors.IsNotFound(err) || err == nil && key.uid != "" && read.UID != key.uid {
			// The API server's cache may not know yet what its pods are there of.
			read, err = in.Get(ctx, key.name, metav1.GetOptions{})
		}
		if err == nil && key.uid != "" && read.UID != key.uid {
			err = apierrors.NewNotFound(key.resource.GroupResource(), key.name)
		}
		switch denied := o.denied(key.resource.Resource, err); {
		case err == nil:
			return object{uid: string(read.UID), labels: few(read.Labels), annotations: short(read.Annotations),
				owner: ownerOf(read), namespace: key.resource == namespaces}, nil
		case denied, apierrors.IsNotFound(err):
			return object{err: err}, nil
		}
		return object{}, err
	})
}

// ownerOf returns the reference to the one that controls an object, nil if none does.
func ownerOf(o metav1.Object) *metav1.OwnerReference {
	owner := metav1.GetControllerOfNoCopy(o)
	if owner == nil {
		return nil
	}
	return &metav1.OwnerReference{APIVersion: owner.APIVersion, Kind: owner.Kind, Name: owner.Name, UID: owner.UID}
}

// denied notes whether a resource may be read, by what a request for it came to, and
// tells that it may not. That is logged once.
func (o *owners) denied(resource string, err error) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		delete(o.forbidden, resource)
	}
	if !apierrors.IsForbidden(err) {
		return false
	}
	if o.forbidden[resource] == nil {
		o.log.Warn("what pods and addresses belong to may not be read: it is absent", zap.String("resource", resource), zap.Error(err),
			zap.String("next", "give the agent's service account the rights of the chart's ClusterRole"))
	}
	o.forbidden[resource] = err
	return true
}

// health says what may not be read.
func (o *owners) health() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.forbidden) == 0 {
		return nil
	}
	return fmt.Errorf("may not read %s", strings.Join(slices.Sorted(maps.Keys(o.forbidden)), ", "))
}

// byReference is an owner of which no more is known than what the pod says.
func byReference(ref *metav1.OwnerReference) event.Object {
	return event.Object{Kind: ref.Kind, Name: ref.Name, UID: string(ref.UID)}
}

// chain returns the owners of an object in a namespace, the nearest first. denied tells
// that one could not be read for want of a right.
func (o *owners) chain(ctx context.Context, namespace string, ref *metav1.OwnerReference) (list []event.Object, denied bool, err error) {
	for ref != nil && len(list) < maxOwners {
		at := byReference(ref)
		var next *metav1.OwnerReference
		if resource, known := resources[ref.Kind+"."+group(ref)]; known {
			have, err := o.get(ctx, objectKey{resource, namespace, ref.Name, ref.UID})
			if err != nil {
				return append(list, at), denied, err
			}
			denied = denied || apierrors.IsForbidden(have.err)
			at.Labels, next = have.labels, have.owner
		}
		list, ref = append(list, at), next
	}
	return list, denied, nil
}

func group(ref *metav1.OwnerReference) string {
	group, _, found := strings.Cut(ref.APIVersion, "/")
	if !found {
		return "" // the core API: v1
	}
	return group
}
