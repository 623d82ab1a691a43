package event

// Pod is what the API server says of a pod, its namespace and its owners. It never
// changes once published: news make a new one.
type Pod struct {
	Name           string
	Namespace      string
	UID            string // of the API's object; a static pod's cgroup has another
	Labels         map[string]string
	Annotations    map[string]string
	IPs            []string // the first is the one that status.podIP shows
	Node           string
	ServiceAccount string
	HostNetwork    bool
	HostPID        bool
	HostIPC        bool
	Containers     []PodContainer

	NamespaceUID         string
	NamespaceLabels      map[string]string
	NamespaceAnnotations map[string]string

	// Owners are the objects that made the pod, the nearest first: a ReplicaSet,
	// then its Deployment. A pod that nobody made has none.
	Owners []Object
	// Services are those whose selector takes the pod, in order of their names.
	// They are read only if a rule asks for them.
	Services []Object
}

// Object names one object of the Kubernetes API.
type Object struct {
	Kind   string // ReplicaSet, Deployment, Service …
	Name   string
	UID    string
	Labels map[string]string
}

// PodContainer is one container of a pod's specification.
type PodContainer struct {
	Name       string
	Kind       ContainerKind
	Image      string // as the specification says
	ImageID    string // as the status says: name@sha256:… of what runs
	ID         string // the runtime's full id of the one that runs or ran last; may be empty
	Privileged bool
	// Commands of the probes that run in the container, each word after the other;
	// nil for probes of another kind and for none.
	LivenessProbe, ReadinessProbe []string
}

// Container returns the container of this name, nil if there is none.
func (p *Pod) Container(name string) *PodContainer {
	for i := range p.Containers {
		if p.Containers[i].Name == name {
			return &p.Containers[i]
		}
	}
	return nil
}

// Owner returns the nearest owner of a kind, nil if there is none.
func (p *Pod) Owner(kind string) *Object {
	for i := range p.Owners {
		if p.Owners[i].Kind == kind {
			return &p.Owners[i]
		}
	}
	return nil
}

// Workload returns what a person calls the pod's owner: the last of the chain, the
// Deployment and not its ReplicaSet. It is nil for a pod that nobody made.
func (p *Pod) Workload() *Object {
	if len(p.Owners) == 0 {
		return nil
	}
	return &p.Owners[len(p.Owners)-1]
}
