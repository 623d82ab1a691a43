package kube

import (
	"context"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/goshawk-security/goshawk/internal/event"
)

// WhoHas says whose an address is now: a pod's, a service's, a node's, or outside of
// the cluster. It asks for a pod's workload, too. An error says that the API server
// could not be asked; nothing is known then. Missed says that a right is missing: the
// address may be what cannot be read.
//
// An address that changed hands since the connection names its new owner: there is no
// history to look it up in. The API selects pods and services by their first address
// alone: on a cluster of two families the second of another node's pod counts as outside.
func (c *Client) WhoHas(ctx context.Context, addr netip.Addr) (event.Peer, error) {
	addr = addr.Unmap().WithZone("")
	c.mu.Lock()
	own := c.byIP[addr.String()]
	c.mu.Unlock()
	if own != nil {
		return c.podPeer(ctx, own), nil
	}
	name, noNodes := c.nodes.at(ctx, addr)
	if name != "" {
		return event.Peer{Kind: event.PeerNode, Name: name}, nil
	}
	p := event.Peer{}
	if c.maybeInside(addr) {
		var err error
		if p, err = c.podAt(ctx, addr); err == nil && p.Kind == event.PeerUnknown {
			p, err = c.serviceAt(ctx, addr)
		}
		if err != nil || p.Kind != event.PeerUnknown {
			return p, err
		}
	}
	switch {
	case noNodes != nil && !apierrors.IsForbidden(noNodes):
		return event.Peer{}, noNodes
	case noNodes != nil || p.Missed:
		return event.Peer{Missed: true}, nil
	}
	return event.Peer{Kind: event.PeerOutside}, nil
}

// podPeer tells of a pod, with its workload. Missed says that the workload may have an
// owner that could not be asked for.
func (c *Client) podPeer(ctx context.Context, t *tracked) event.Peer {
	p := event.Peer{Kind: event.PeerPod, Namespace: t.pod.Namespace, Name: t.pod.Name, Labels: t.pod.Labels}
	pod, missed := t.owned, t.missed != 0
	if pod == nil {
		owners, denied, err := c.owners.chain(ctx, t.pod.Namespace, t.owner)
		pod, missed = &event.Pod{Owners: owners}, denied || err != nil
	}
	if w := pod.Workload(); w != nil {
		p.Owner, p.Missed = event.Object{Kind: w.Kind, Name: w.Name, UID: w.UID}, missed
	}
	return p
}

// carrierGrade are the addresses that some clusters give to pods (RFC 6598).
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

// maybeInside tells that a pod or a service can have the address: it is private, or
// the node's own pods have public ones of its family.
func (c *Client) maybeInside(addr netip.Addr) bool {
	if private(addr) {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for ip := range c.byIP {
		if own, err := netip.ParseAddr(ip); err == nil && own.Is4() == addr.Is4() && !private(own) {
			return true
		}
	}
	return false
}

func private(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLinkLocalUnicast() || carrierGrade.Contains(a)
}

// list asks for the objects of all namespaces whose field has a value, from the API
// server's own cache.
func (c *Client) list(ctx context.Context, resource, field, value string, into runtime.Object) error {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	o := metav1.ListOptions{ResourceVersion: "0", FieldSelector: fields.OneTermEqualSelector(field, value).String()}
	return c.peers.Get().Resource(resource).VersionedParams(&o, metav1.ParameterCodec).Do(ctx).Into(into)
}

// podAt looks among all pods. Those that are over have lost their address; those with
// the node's address are the node. Of several the last one that was made has it.
func (c *Client) podAt(ctx context.Context, addr netip.Addr) (event.Peer, error) {
	var list corev1.PodList
	if err := c.list(ctx, "pods", "status.podIP", addr.String(), &list); err != nil {
		return event.Peer{}, err
	}
	var last *corev1.Pod
	for i := range list.Items {
		p := &list.Items[i]
		if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
			continue
		}
		if last == nil || last.CreationTimestamp.Before(&p.CreationTimestamp) {
			last = p
		}
	}
	switch {
	case last == nil:
		return event.Peer{}, nil
	case last.Spec.HostNetwork:
		return event.Peer{Kind: event.PeerNode, Name: last.Spec.NodeName}, nil
	}
	return c.podPeer(ctx, track(last)), nil
}

func (c *Client) serviceAt(ctx context.Context, addr netip.Addr) (event.Peer, error) {
	var list corev1.ServiceList
	err := c.list(ctx, "services", "spec.clusterIP", addr.String(), &list)
	switch {
	case c.owners.denied("services", err):
		return event.Peer{Missed: true}, nil
	case err != nil:
		return event.Peer{}, err
	}
	for i := range list.Items {
		s := &list.Items[i]
		return event.Peer{Kind: event.PeerService, Namespace: s.Namespace, Name: s.Name, Labels: few(s.Labels)}, nil
	}
	return event.Peer{}, nil
}
