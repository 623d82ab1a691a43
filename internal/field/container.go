package field

import "github.com/goshawk-security/goshawk/internal/event"

// host is the container id of processes that are in none.
const host = "host"

// containerFields are the container and the pod, as far as the cgroup's path
// tells them.
func containerFields() []Field {
	return group(Field{Scope: PerThread, Invalidates: "moves between cgroups and namespaces", Source: "cgroup path"},
		Field{Name: "container.id", Type: event.TypeString, Get: ofContainer(host, (*event.Container).ID),
			Desc: "First 12 digits of the container's id; host for a process outside containers."},
		Field{Name: "container.full_id", Type: event.TypeString, Get: ofContainer(host, func(c *event.Container) string { return c.FullID }),
			Desc: "The container's whole id; host for a process outside containers."},
		Field{Name: "container.type", Type: event.TypeString, Get: ofContainer(host, func(c *event.Container) string { return c.Runtime }),
			Desc: "Container runtime: containerd, cri-o, docker, podman; host for a process outside containers."},
		Field{Name: "k8s.pod.uid", Type: event.TypeString, Get: ofContainer("", func(c *event.Container) string { return c.PodUID }),
			Desc: "UID of the pod that the container belongs to; absent outside Kubernetes."},
		Field{Name: "k8s.pod.id", Type: event.TypeString, Get: ofContainer("", func(c *event.Container) string { return c.PodUID }),
			Desc: "The same as k8s.pod.uid, under Falco's older name."},
	)
}

// ofContainer makes a getter of a text about the container. outside is the
// value for processes in none.
func ofContainer(outside string, get func(*event.Container) string) Getter {
	return func(ev *event.Event, _ Arg) event.Value {
		if ev.Container == nil {
			return event.OptionalString(outside)
		}
		return event.OptionalString(get(ev.Container))
	}
}
