package kube

import (
	"context"
	"net/netip"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A Node object is large, most of it the names of images, and there is no request for
// the one that has an address. So all are read, in pages, and seldom: the more there are,
// the more seldom, so that one agent never reads more than some 5 KB a second. Nodes that
// come in between are found by their pods of the host's network (podAt).
const (
	nodesAge = 5 * time.Minute
	nodeAge  = 3 * time.Second // for each node, if that is longer
	nodePage = 100
)

// nodes keeps which node has an address. It is read aside: many pages take longer than
// one question may.
type nodes struct {
	want chan struct{} // holds one when somebody asks for a new list

	mu    sync.Mutex
	list  map[netip.Addr]string // nil: none came yet
	count int
	err   error         // of the last try
	tried time.Time     // when that ended
	next  chan struct{} // closed when the next one has ended
}

func newNodes() *nodes {
	return &nodes{want: make(chan struct{}, 1), next: make(chan struct{})}
}

// at returns the node with the address, "" if none has it. It waits for the first list
// alone: an old one is good enough while the next is read.
func (n *nodes) at(ctx context.Context, addr netip.Addr) (string, error) {
	n.mu.Lock()
	name, known, next, age := n.list[addr], n.list != nil, n.next, n.age()
	fresh, err := time.Since(n.tried) < age, n.err
	n.mu.Unlock()
	if !fresh {
		select {
		case n.want <- struct{}{}:
		default: // somebody asked already
		}
	}
	switch {
	case known:
		return name, nil
	case fresh:
		return "", err
	}
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case <-next:
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.list == nil {
		return "", n.err
	}
	return n.list[addr], nil
}

// age is for how long the last try's result stands.
func (n *nodes) age() time.Duration {
	switch {
	case n.tried.IsZero():
		return 0
	case apierrors.IsForbidden(n.err):
		return deniedAge
	case n.err != nil:
		return time.Second
	}
	return max(nodesAge, time.Duration(n.count)*nodeAge)
}

// set ends a try.
func (n *nodes) set(list map[netip.Addr]string, count int, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.err, n.tried = err, time.Now(); err == nil {
		n.list, n.count = list, count
	}
	close(n.next)
	n.next = make(chan struct{})
}

// readNodes reads the list when it is asked for, until ctx ends.
func (c *Client) readNodes(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.nodes.want:
			list, count, err := c.listNodes(ctx)
			c.owners.denied("nodes", err)
			c.nodes.set(list, count, err)
		}
	}
}

func (c *Client) listNodes(ctx context.Context) (map[netip.Addr]string, int, error) {
	byIP, count := map[netip.Addr]string{}, 0
	for o := (metav1.ListOptions{Limit: nodePage}); ; {
		list, err := c.page(ctx, &o)
		if err != nil {
			return nil, 0, err
		}
		count += len(list.Items)
		for i := range list.Items {
			for _, a := range list.Items[i].Status.Addresses {
				if ip, err := netip.ParseAddr(a.Address); err == nil {
					byIP[ip.Unmap()] = list.Items[i].Name
				}
			}
		}
		if o.Continue = list.Continue; o.Continue == "" {
			return byIP, count, nil
		}
	}
}

func (c *Client) page(ctx context.Context, o *metav1.ListOptions) (*corev1.NodeList, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	list := &corev1.NodeList{}
	return list, c.core.Get().Resource("nodes").VersionedParams(o, metav1.ParameterCodec).Do(ctx).Into(list)
}
