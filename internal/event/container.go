package event

import "strings"

// Container is where a process runs. What its cgroup's path tells is there from the
// beginning and never changes. The rest comes from sources that take their time:
// enrich alone sets it, in the goroutine that handles events, and what it points to
// never changes once it is there.
type Container struct {
	FullID  string // the runtime's id, 64 hexadecimal digits for the usual ones
	Runtime string // containerd, cri-o, docker, podman, or "" if neither path nor runtime said
	PodUID  string // from the cgroup path; "" outside Kubernetes

	Waiting Sources        // that may still answer
	Missed  Sources        // that were asked and did not answer in time
	Info    *ContainerInfo // what the runtime says; nil as long as nobody said anything
	Pod     *Pod           // what the API server says; nil as long as it said nothing
}

// Sources are the places that metadata of a container comes from.
type Sources uint8

// The sources, the fastest first.
const (
	SourceBundle  Sources = 1 << iota // the OCI bundle's config.json
	SourceRuntime                     // the runtime's socket
	SourcePod                         // the pod, from the API server
	SourceOwners                      // the pod's owners, namespace and services, from there as well
)

// AllSources are all of them.
const AllSources = SourceBundle | SourceRuntime | SourcePod | SourceOwners

// Names returns the names of the sources, for people, in order.
func (s Sources) Names() []string {
	var names []string
	for i, name := range [...]string{"bundle", "runtime", "pod", "owners"} {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String joins the names with commas.
func (s Sources) String() string { return strings.Join(s.Names(), ",") }

// RuntimeName returns the runtime as the path or the runtime itself says, "" if
// neither did.
func (c *Container) RuntimeName() string {
	if c.Runtime == "" && c.Info != nil {
		return c.Info.Runtime
	}
	return c.Runtime
}

// ID returns the short form that people use: the first 12 digits.
func (c *Container) ID() string { return shortID(c.FullID) }

func shortID(id string) string { return id[:min(12, len(id))] }

// ContainerKind says what a container is for.
type ContainerKind uint8

// The kinds of container. What is no more than a container is an AppContainer.
const (
	AppContainer ContainerKind = iota
	InitContainer
	EphemeralContainer
	SandboxContainer // holds the namespaces of a pod and runs nothing else
)

// ContainerInfo is what bundle and runtime say of a container. It never changes once
// published: an answer that adds something is a new one.
type ContainerInfo struct {
	Runtime     string // containerd, cri-o, docker, podman; "" if it did not say
	Sandbox     bool   // it holds the namespaces of a pod and runs nothing else
	Name        string // in Kubernetes the name in the pod's specification
	Image       string // as it was asked for: name and tag, or name and digest
	ImageID     string // of the image's configuration, without "sha256:"
	ImageDigest string // sha256:…, "" if the image was never pulled by a registry's digest
	Labels      map[string]string
	Mounts      []Mount
	Privileged  bool
	User        string // as the image or the specification says: name, number or number:number
	Started     uint64 // ns since the Unix epoch; 0 if it did not start yet
	Created     uint64 // the same for its creation
	HostPID     bool   // it shares the host's process ids
	HostNetwork bool   // it shares the host's network
	HostIPC     bool   // it shares the host's IPC namespace

	PodName      string
	PodNamespace string
	PodUID       string
	PodLabels    map[string]string // known to the runtime's sandbox
	PodIPs       []string
	SandboxID    string
	CNIResult    string // JSON of the network plugin's result
}

// Repository returns the image's name without tag and digest.
func (i *ContainerInfo) Repository() string {
	name, _, _ := strings.Cut(i.Image, "@")
	if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
		return name[:at]
	}
	return name
}

// Tag returns the image's tag, "" if it was asked for by digest alone.
func (i *ContainerInfo) Tag() string {
	name, _, _ := strings.Cut(i.Image, "@")
	if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
		return name[at+1:]
	}
	return ""
}

// Mount is one mount of a container.
type Mount struct {
	Source      string // on the host
	Destination string // in the container
	Mode        string // options as the runtime writes them; may be empty
	Writable    bool
	Propagation string // private, rslave, …; may be empty
}
