package kube

import (
	"context"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/goshawk-security/goshawk/internal/event"
)

// missAge is how old the list of nodes may be when an address is in none of them.
const missAge = time.Minute

// WhoHas says whose an address is now: a pod's, a service's, a node's, or outside of
// the cluster. It asks for a pod's workload, too. An error says that the API server
// could not be asked; nothing is known then.
//
// An address that changed hands since the connection names its new owner: there is no
// history to look it up in. The API selects pods and services by their first address
// alone: on a cluster of two families the second of another node's pod counts as outside.
func (c *Client) WhoHas(ctx context.Context, addr netip.Addr) (event.Peer, error) {
	addr = addr.Unmap().WithZone("")
	if pod := c.ownPod(addr); pod != nil {
		return podPeer(pod), nil
	}
	if c.maybeInside(addr) {
		if p, err := c.podAt(ctx, addr); err != nil || p.Kind != event.PeerUnknown {
			return p, err
		}
		if p, err := c.serviceAt(ctx, addr); err != nil || p.Kind != event.PeerUnknown {
			return p, err
		}
	}
	name, err := c.nodeAt(ctx, addr)
	if err != nil {
		return event.Peer{}, err
	}
	if name != "" {
		return event.Peer{Kind: event.PeerNode, Name: name}, nil
	}
	return event.Peer{Kind: event.PeerOutside}, nil
}

// ownPod returns the pod of this node that has the address, with its owners if they
// are known.
func (c *Client) ownPod(addr netip.Addr) *event.Pod {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.byIP[addr.String()]
	switch {
	case t == nil:
		return nil
	case t.owned != nil:
		return t.owned
	}
	return t.pod
}

func podPeer(p *event.Pod) event.Peer {
	peer := event.Peer{Kind: event.PeerPod, Namespace: p.Namespace, Name: p.Name, Labels: p.Labels}
	if w := p.Workload(); w != nil {
		peer.Owner = event.Object{Kind: w.Kind, Name: w.Name, UID: w.UID}
	}
	return peer
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
	o := metav1.ListOptions{ResourceVersion: "0"}
	if field != "" {
		o.FieldSelector = fields.OneTermEqualSelector(field, value).String()
	}
	return c.core.Get().Resource(resource).VersionedParams(&o, metav1.ParameterCodec).Do(ctx).Into(into)
}

// podAt looks among all pods. Those that are over have lost their address; those with
// the node's address are the node.
func (c *Client) podAt(ctx context.Context, addr netip.Addr) (event.Peer, error) {
	var list corev1.PodList
	if err := c.list(ctx, "pods", "status.podIP", addr.String(), &list); err != nil {
		return event.Peer{}, err
	}
	for i := range list.Items {
		p := &list.Items[i]
		if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
			continue
		}
		if p.Spec.HostNetwork {
			return event.Peer{Kind: event.PeerNode, Name: p.Spec.NodeName}, nil
		}
		t := track(p)
		owned, _, err := c.owners.chain(ctx, t.pod.Namespace, t.owner)
		if err == nil || len(owned) > 0 {
			t.pod.Owners = owned
		}
		return podPeer(t.pod), nil
	}
	return event.Peer{}, nil
}

func (c *Client) serviceAt(ctx context.Context, addr netip.Addr) (event.Peer, error) {
	var list corev1.ServiceList
	if err := c.list(ctx, "services", "spec.clusterIP", addr.String(), &list); err != nil {
		return event.Peer{}, err
	}
	for i := range list.Items {
		s := &list.Items[i]
		return event.Peer{Kind: event.PeerService, Namespace: s.Namespace, Name: s.Name, Labels: few(s.Labels)}, nil
	}
	return event.Peer{}, nil
}

// nodeList is which node has an address.
type nodeList struct{ byIP map[string]string }

// nodeAt returns the name of the node with the address, "" if none has it.
func (c *Client) nodeAt(ctx context.Context, addr netip.Addr) (string, error) {
	read := func() (*nodeList, error) {
		var list corev1.NodeList
		if err := c.list(ctx, "nodes", "", "", &list); err != nil {
			return nil, err
		}
		n := &nodeList{byIP: map[string]string{}}
		for i := range list.Items {
			for _, a := range list.Items[i].Status.Addresses {
				if ip, err := netip.ParseAddr(a.Address); err == nil {
					n.byIP[ip.String()] = list.Items[i].Name
				}
			}
		}
		return n, nil
	}
	nodes, err := c.nodes.get("", read)
	if err != nil {
		return "", err
	}
	if name := nodes.byIP[addr.String()]; name != "" || !private(addr) {
		return name, nil
	}
	if nodes, err = c.nodes.younger("", missAge, read); err != nil {
		return "", err
	}
	return nodes.byIP[addr.String()], nil
}
