package alert

import (
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

// Container is where the process of an alert runs.
type Container struct {
	ID          string `json:"id"` // the whole one
	Name        string `json:"name,omitempty"`
	Runtime     string `json:"runtime,omitempty"`
	Image       string `json:"image,omitempty"` // as it was asked for: name and tag
	ImageDigest string `json:"image_digest,omitempty"`
	Privileged  bool   `json:"privileged,omitempty"`
}

// Kubernetes is the pod of an alert.
type Kubernetes struct {
	Namespace      string            `json:"namespace,omitempty"`
	Pod            string            `json:"pod,omitempty"`
	PodUID         string            `json:"pod_uid"`
	ServiceAccount string            `json:"service_account,omitempty"`
	Node           string            `json:"node,omitempty"`
	Owner          *Owner            `json:"owner,omitempty"` // the topmost: the Deployment and not its ReplicaSet
	Labels         map[string]string `json:"labels,omitempty"`
}

// Owner is what made a pod.
type Owner struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// Peer is the other end of an alert's connection.
type Peer struct {
	Address   string `json:"address"`
	Port      uint16 `json:"port"`
	Type      string `json:"type,omitempty"` // pod, service, node, outside, local
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
	Owner     *Owner `json:"owner,omitempty"`
	DNSName   string `json:"dns_name,omitempty"` // that the container looked up and got the address for
}

// partial is the value of Alert.Enrichment.
const partial = "partial"

// maxLabels bounds the labels of an alert; those of one pod are few.
const maxLabels = 64

// place fills in where the event happened and what it was connected with. Texts are
// copied where they are the event's own; metadata never changes.
func (a *Alert) place(ev *event.Event) {
	if c := ev.Container; c != nil {
		a.Container = &Container{ID: c.FullID, Runtime: c.RuntimeName()}
		if i := c.Info; i != nil {
			a.Container.Name, a.Container.Privileged = valid(i.Name), i.Privileged
			a.Container.Image, a.Container.ImageDigest = valid(i.Image), valid(i.ImageDigest)
		}
		a.Kubernetes = kubernetes(c)
		if c.Missed != 0 {
			a.Enrichment, a.EnrichmentMissing = partial, c.Missed.Names()
		}
		if ev.Partial && c.Waiting != 0 {
			a.Enrichment, a.EnrichmentMissing = partial, (c.Missed | c.Waiting).Names()
		}
	}
	a.Peer = peer(ev)
	if p := ev.Peer(); p != nil && (p.Missed || p.Waiting) {
		a.Enrichment, a.EnrichmentMissing = partial, append(a.EnrichmentMissing, "peer")
	}
}

// kubernetes says what is known of the container's pod, nil outside of any.
func kubernetes(c *event.Container) *Kubernetes {
	k := &Kubernetes{PodUID: c.PodUID}
	if i := c.Info; i != nil {
		k.Namespace, k.Pod, k.Labels = i.PodNamespace, i.PodName, i.PodLabels
		if k.PodUID == "" {
			k.PodUID = i.PodUID
		}
	}
	if p := c.Pod; p != nil {
		k.Namespace, k.Pod, k.ServiceAccount, k.Node, k.Labels = p.Namespace, p.Name, p.ServiceAccount, p.Node, p.Labels
		if o := p.Workload(); o != nil {
			k.Owner = &Owner{Kind: valid(o.Kind), Name: valid(o.Name)}
		}
	}
	if k.PodUID == "" {
		return nil
	}
	if len(k.Labels) > maxLabels {
		k.Labels = nil // no person reads them, and no pod has them
	}
	return k
}

// peer says what is known of the other end, nil if the event has none.
func peer(ev *event.Event) *Peer {
	remote := ev.Socket.Remote
	if !remote.IsValid() {
		return nil
	}
	addr := remote.Addr().Unmap()
	p := &Peer{Address: addr.String(), Port: remote.Port()}
	if known := ev.Peer(); known != nil && !known.Waiting {
		p.Type, p.Namespace, p.Name = known.Kind.String(), known.Namespace, known.Name
		if known.Owner.Kind != "" {
			p.Owner = &Owner{Kind: known.Owner.Kind, Name: known.Owner.Name}
		}
	}
	if ev.Peers != nil {
		p.DNSName = valid(ev.Peers.DNSName(ev.Container, addr))
	}
	return p
}

// where names the place of an event for its fingerprint: the workload, which outlives
// its pods, or else the container.
func where(c *event.Container) string {
	if c.Pod != nil && c.Pod.Workload() != nil {
		o := c.Pod.Workload()
		return "workload\x00" + c.Pod.Namespace + "\x00" + o.Kind + "\x00" + o.Name
	}
	return "container\x00" + c.FullID
}

// writePlace writes the lines of the text form that say where it happened and what
// the other end is, if anybody knows.
func (a *Alert) writePlace(b *strings.Builder) {
	if c := a.Container; c != nil && (c.Name != "" || a.Kubernetes != nil) {
		b.WriteString("\n    in ")
		if k := a.Kubernetes; k != nil && k.Pod != "" {
			escape(b, "pod "+k.Namespace+"/"+k.Pod+ownerText(k.Owner)+", ")
		}
		escape(b, "container "+named(c.Name, c.ID))
		if c.Image != "" {
			escape(b, ", image "+c.Image)
		}
	}
	if p := a.Peer; p != nil && (p.Name != "" || p.DNSName != "") {
		b.WriteString("\n    with ")
		name := p.Name
		if p.Namespace != "" {
			name = p.Namespace + "/" + name
		}
		if name != "" {
			escape(b, p.Type+" "+name+ownerText(p.Owner))
		} else {
			escape(b, p.DNSName)
		}
	}
	if a.Enrichment == partial {
		b.WriteString("\n    not known in time: " + strings.Join(a.EnrichmentMissing, ", "))
	}
}

func ownerText(o *Owner) string {
	if o == nil {
		return ""
	}
	return " (" + strings.ToLower(o.Kind) + " " + o.Name + ")"
}

func named(name, id string) string {
	if name != "" {
		return name
	}
	return id[:min(12, len(id))]
}
