package field

import (
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

// host is the container id of processes that are in none.
const host = "host"

// What says what of a container, for the manual and for whoever waits.
const (
	fromRuntime = event.SourceBundle | event.SourceRuntime
	fromPod     = fromRuntime | event.SourcePod
	fromOwners  = event.SourcePod | event.SourceOwners
)

// moves is what changes what a thread's container says.
const moves = "moves between cgroups and namespaces, metadata that arrives"

// containerFields are the container as its cgroup's path and its runtime tell it.
func containerFields() []Field {
	path := group(Field{Type: event.TypeString, Scope: PerThread, Invalidates: "moves between cgroups and namespaces", Source: "cgroup path"},
		Field{Name: "container.id", Get: ofContainer(host, (*event.Container).ID),
			Desc: "First 12 digits of the container's id; host for a process outside containers."},
		Field{Name: "container.full_id", Get: ofContainer(host, func(c *event.Container) string { return c.FullID }),
			Desc: "The container's whole id; host for a process outside containers."},
		Field{Name: "k8s.pod.uid", Get: ofContainer("", func(c *event.Container) string { return c.PodUID }),
			Desc: "UID of the pod that the container belongs to; absent outside Kubernetes."},
		Field{Name: "k8s.pod.id", Get: ofContainer("", func(c *event.Container) string { return c.PodUID }),
			Desc: "The same as k8s.pod.uid, under Falco's older name."},
	)
	text := func(name string, get func(*event.ContainerInfo) string, desc string) Field {
		return Field{Name: "container." + name, Type: event.TypeString, Desc: desc,
			Get: ofInfo(fromRuntime, func(i *event.ContainerInfo, _ Arg) event.Value { return event.OptionalString(get(i)) })}
	}
	told := group(Field{Scope: PerThread, Invalidates: moves, Source: "container runtime"},
		Field{Name: "container.type", Type: event.TypeString, Get: containerType,
			Desc: "Container runtime: containerd, cri-o, docker, podman; host for a process outside containers."},
		Field{Name: "container.name", Type: event.TypeString, Get: containerName,
			Desc: "Name of the container, in Kubernetes that of the pod's specification; POD for a pod's sandbox, host for a process outside containers."},
		Field{Name: "container.kind", Type: event.TypeString, Get: containerKind,
			Desc: "What the container is for: app, init, ephemeral or sandbox. A sidecar is an init container."},
		text("image", func(i *event.ContainerInfo) string { return i.Image }, "Image of the container as it was asked for: name and tag."),
		text("image.id", func(i *event.ContainerInfo) string { return i.ImageID[:min(12, len(i.ImageID))] }, "First 12 digits of the image's id."),
		text("image.repository", (*event.ContainerInfo).Repository, "Name of the image without its tag."),
		text("image.tag", (*event.ContainerInfo).Tag, "Tag of the image; absent if it was asked for by its digest."),
		text("image.digest", func(i *event.ContainerInfo) string { return i.ImageDigest }, "Digest of the image, which names its content."),
		text("user", func(i *event.ContainerInfo) string { return i.User }, "User that the container starts as: name, number or number:number."),
		text("ip", func(i *event.ContainerInfo) string { return first(i.PodIPs) }, "Address of the container: its pod's."),
		text("cni.json", func(i *event.ContainerInfo) string { return i.CNIResult }, "Result of the network plugin, as JSON."),
		truth("privileged", func(i *event.ContainerInfo) bool { return i.Privileged }, "True if the container has all rights of the host."),
		truth("host_pid", func(i *event.ContainerInfo) bool { return i.HostPID }, "True if the container sees the host's processes."),
		truth("host_network", func(i *event.ContainerInfo) bool { return i.HostNetwork }, "True if the container has the host's network."),
		truth("host_ipc", func(i *event.ContainerInfo) bool { return i.HostIPC }, "True if the container has the host's IPC namespace."),
		Field{Name: "container.label", Type: event.TypeString, Arg: RequiredKey, Get: ofInfo(fromRuntime, func(i *event.ContainerInfo, a Arg) event.Value { return entryOf(i.Labels, a) }),
			Desc: "One label of the container, by its name."},
		Field{Name: "container.labels", Type: event.TypeString, Get: ofInfo(fromRuntime, func(i *event.ContainerInfo, _ Arg) event.Value { return joined(i.Labels) }),
			Desc: "All labels of the container: name:value, with commas between them."},
		Field{Name: "container.start_ts", Type: event.TypeTime, Desc: "Time at which the container started.",
			Get: ofInfo(fromRuntime, func(i *event.ContainerInfo, _ Arg) event.Value { return started(i) })},
		Field{Name: "container.duration", Type: event.TypeDuration, Scope: PerEvent, Get: containerDuration,
			Desc: "Nanoseconds since the container started."},
	)
	return slices.Concat(path, told)
}

// truth makes a row that is true or false once the runtime itself has answered: the
// bundle alone shows less.
func truth(name string, get func(*event.ContainerInfo) bool, desc string) Field {
	return Field{Name: "container." + name, Type: event.TypeBool, Desc: desc, Get: func(ev *event.Event, _ Arg) event.Value {
		c := ev.Container
		if c == nil || c.Info == nil {
			return awaited(ev, fromRuntime)
		}
		if get(c.Info) || c.Waiting&event.SourceRuntime == 0 || ev.Partial {
			return event.Bool(get(c.Info))
		}
		return event.Missing(event.Pending)
	}}
}

// ofContainer makes a getter of a text that the cgroup's path tells. outside is the
// value for processes in none.
func ofContainer(outside string, get func(*event.Container) string) Getter {
	return func(ev *event.Event, _ Arg) event.Value {
		if ev.Container == nil {
			return event.OptionalString(outside)
		}
		return event.OptionalString(get(ev.Container))
	}
}

// ofInfo makes a getter of what the sources say. What they have not said yet is
// pending as long as one of them may.
func ofInfo(sources event.Sources, get func(*event.ContainerInfo, Arg) event.Value) Getter {
	return func(ev *event.Event, a Arg) event.Value {
		if ev.Container != nil && ev.Container.Info != nil {
			if v := get(ev.Container.Info, a); v.IsPresent() {
				return v
			}
		}
		return awaited(ev, sources)
	}
}

// awaited is the value of what nobody has said: pending as long as one of the sources
// may still, absent then.
func awaited(ev *event.Event, sources event.Sources) event.Value {
	if ev.Container != nil && ev.Container.Waiting&sources != 0 && !ev.Partial {
		return event.Missing(event.Pending)
	}
	return event.Value{}
}

func containerType(ev *event.Event, _ Arg) event.Value {
	if ev.Container == nil {
		return event.String(host)
	}
	if name := ev.Container.RuntimeName(); name != "" {
		return event.String(name)
	}
	return awaited(ev, fromRuntime)
}

// sandboxName is the name of a pod's sandbox, as Kubernetes itself calls it.
const sandboxName = "POD"

func containerName(ev *event.Event, _ Arg) event.Value {
	switch c := ev.Container; {
	case c == nil:
		return event.String(host)
	case c.Info == nil:
		return awaited(ev, fromRuntime)
	case c.Info.Name != "":
		return event.String(c.Info.Name)
	case c.Info.Sandbox:
		return event.String(sandboxName)
	}
	return awaited(ev, fromRuntime)
}

func containerKind(ev *event.Event, _ Arg) event.Value {
	c := ev.Container
	if c == nil || c.Info == nil {
		return awaited(ev, fromPod)
	}
	if c.Info.Sandbox {
		return event.String("sandbox")
	}
	if c.Pod != nil {
		if pc := c.Pod.Container(c.Info.Name); pc != nil {
			return event.String([...]string{"app", "init", "ephemeral", "sandbox"}[pc.Kind])
		}
	}
	return awaited(ev, fromPod)
}

func started(i *event.ContainerInfo) event.Value {
	if i.Started == 0 {
		return event.Value{}
	}
	return event.Time(i.Started)
}

func containerDuration(ev *event.Event, _ Arg) event.Value {
	if ev.Container == nil || ev.Container.Info == nil || ev.Container.Info.Started == 0 {
		return awaited(ev, fromRuntime)
	}
	now, began := uint64(ev.Wall()), ev.Container.Info.Started
	if now < began {
		return event.Duration(0) // its first process, seen before the runtime looked at its clock
	}
	return event.Duration(now - began)
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// entryOf is one label or annotation, by the name in brackets.
func entryOf(m map[string]string, a Arg) event.Value {
	if v, ok := m[a.Name]; ok {
		return event.String(v)
	}
	return event.Value{}
}

// joined writes labels as name:value, in order, absent if there are none.
func joined(m map[string]string) event.Value {
	if len(m) == 0 {
		return event.Value{}
	}
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(name + ":" + m[name])
	}
	return event.String(b.String())
}
