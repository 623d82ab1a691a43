package kube

import (
	"context"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	partial "k8s.io/client-go/metadata"

	"github.com/goshawk-security/goshawk/internal/event"
)

const (
	lookupTime   = 10 * time.Second // of one request
	namespaceAge = 5 * time.Minute  // after which namespaces and services are read again
	ownerAge     = time.Hour        // and owners: their labels change, their owners do not
	deniedAge    = 5 * time.Minute  // and what was forbidden or not there
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
	mu   sync.Mutex
	have map[objectKey]object
}

type objectKey struct {
	resource        schema.GroupVersionResource
	namespace, name string
}

// object is what is kept of one. err is why it is not known.
type object struct {
	uid         string
	labels      map[string]string
	annotations map[string]string
	owner       *metav1.OwnerReference
	err         error
	read        time.Time
}

func newOwners(meta partial.Interface) *owners {
	return &owners{meta: meta, have: map[objectKey]object{}}
}

// get reads an object's metadata, not older than age. An error says that the request
// may be tried again soon; what is forbidden or not there is an object with err.
func (o *owners) get(ctx context.Context, key objectKey, age time.Duration) (object, error) {
	o.mu.Lock()
	have, ok := o.have[key]
	o.mu.Unlock()
	if have.err != nil {
		age = deniedAge
	}
	if ok && time.Since(have.read) < age {
		return have, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	read, err := o.meta.Resource(key.resource).Namespace(key.namespace).Get(ctx, key.name, metav1.GetOptions{ResourceVersion: "0"})
	now := object{read: time.Now()}
	switch {
	case err == nil:
		now.uid, now.labels, now.annotations = string(read.UID), few(read.Labels), short(read.Annotations)
		if owner := metav1.GetControllerOf(read); owner != nil {
			now.owner = owner
		}
	case apierrors.IsForbidden(err), apierrors.IsNotFound(err), apierrors.IsUnauthorized(err):
		now.err = err
	case ok && have.err == nil:
		return have, nil // old, and better than nothing
	default:
		return object{}, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.have) >= maxObjects {
		o.forget()
	}
	o.have[key] = now
	return now, nil
}

// forget drops what was read longest ago: half of all.
func (o *owners) forget() {
	var sum time.Duration
	for _, have := range o.have {
		sum += time.Since(have.read)
	}
	mean := sum / time.Duration(len(o.have))
	for key, have := range o.have {
		if time.Since(have.read) >= mean {
			delete(o.have, key)
		}
	}
}

// chain returns the owners of an object in a namespace, the nearest first. An object
// that came under the same name but has another UID is not the owner. denied tells that
// one could not be read for want of a right.
func (o *owners) chain(ctx context.Context, namespace string, ref *metav1.OwnerReference) (list []event.Object, denied bool, err error) {
	for ref != nil && len(list) < maxOwners {
		at := event.Object{Kind: ref.Kind, Name: ref.Name, UID: string(ref.UID)}
		var next *metav1.OwnerReference
		if resource, known := resources[ref.Kind+"."+group(ref)]; known {
			have, err := o.get(ctx, objectKey{resource, namespace, ref.Name}, ownerAge)
			if err != nil {
				return append(list, at), denied, err
			}
			denied = denied || apierrors.IsForbidden(have.err)
			if have.err == nil && have.uid == at.UID {
				at.Labels, next = have.labels, have.owner
			}
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
