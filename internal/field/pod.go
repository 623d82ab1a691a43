package field

import (
	"github.com/goshawk-security/goshawk/internal/event"
)

// podFields are the pod and its namespace, as the runtime and the API server tell
// them.
func podFields() []Field {
	text := func(name string, get func(*event.Pod) string, desc string) Field {
		return Field{Name: "k8s." + name, Type: event.TypeString, Desc: desc, Get: ofPod(event.SourcePod, func(p *event.Pod, _ Arg) event.Value { return event.OptionalString(get(p)) })}
	}
	labels := func(name string, sources event.Sources, get func(*event.Pod) map[string]string, of string) []Field {
		return []Field{
			{Name: "k8s." + name, Type: event.TypeString, Arg: RequiredKey, Desc: "One " + of + ", by its name.",
				Get: ofPod(sources, func(p *event.Pod, a Arg) event.Value { return entryOf(get(p), a) })},
			{Name: "k8s." + name + "s", Type: event.TypeString, Desc: "Every " + of + ": name:value, with commas between them.",
				Get: ofPod(sources, func(p *event.Pod, _ Arg) event.Value { return joined(get(p)) })},
		}
	}
	rows := []Field{
		{Name: "k8s.pod.name", Type: event.TypeString, Desc: "Name of the pod.", Source: "container runtime, Kubernetes API", Get: ofPodOrInfo(
			func(p *event.Pod) string { return p.Name }, func(i *event.ContainerInfo) string { return i.PodName })},
		{Name: "k8s.ns.name", Type: event.TypeString, Desc: "Name of the pod's namespace.", Source: "container runtime, Kubernetes API", Get: ofPodOrInfo(
			func(p *event.Pod) string { return p.Namespace }, func(i *event.ContainerInfo) string { return i.PodNamespace })},
		{Name: "k8s.pod.ip", Type: event.TypeString, Desc: "Address of the pod.", Source: "container runtime, Kubernetes API", Get: ofPodOrInfo(
			func(p *event.Pod) string { return first(p.IPs) }, func(i *event.ContainerInfo) string { return first(i.PodIPs) })},
		{Name: "k8s.pod.sandbox_id", Type: event.TypeString, Desc: "First 12 digits of the id of the pod's sandbox.", Source: "container runtime",
			Get: ofInfo(fromRuntime, func(i *event.ContainerInfo, _ Arg) event.Value {
				return event.OptionalString(i.SandboxID[:min(12, len(i.SandboxID))])
			})},
		{Name: "k8s.pod.full_sandbox_id", Type: event.TypeString, Desc: "Id of the pod's sandbox.", Source: "container runtime",
			Get: ofInfo(fromRuntime, func(i *event.ContainerInfo, _ Arg) event.Value { return event.OptionalString(i.SandboxID) })},
		{Name: "k8s.pod.cni.json", Type: event.TypeString, Desc: "Result of the network plugin for the pod, as JSON.", Source: "container runtime",
			Get: ofInfo(fromRuntime, func(i *event.ContainerInfo, _ Arg) event.Value { return event.OptionalString(i.CNIResult) })},
		text("pod.node", func(p *event.Pod) string { return p.Node }, "Name of the node that the pod runs on."),
		text("pod.service_account", func(p *event.Pod) string { return p.ServiceAccount }, "Name of the pod's service account."),
		{Name: "k8s.ns.id", Type: event.TypeString, Desc: "UID of the pod's namespace.",
			Get: ofPod(fromOwners, func(p *event.Pod, _ Arg) event.Value { return event.OptionalString(p.NamespaceUID) })},
	}
	rows = append(rows, podLabelFields()...)
	rows = append(rows, labels("pod.annotation", event.SourcePod, func(p *event.Pod) map[string]string { return p.Annotations }, "annotation of the pod")...)
	rows = append(rows, labels("ns.label", fromOwners, func(p *event.Pod) map[string]string { return p.NamespaceLabels }, "label of the namespace")...)
	rows = append(rows, labels("ns.annotation", fromOwners, func(p *event.Pod) map[string]string { return p.NamespaceAnnotations }, "annotation of the namespace")...)
	rows = append(rows,
		Field{Name: "proc.is_container_liveness_probe", Type: event.TypeBool, Scope: PerEvent, Get: isProbe(func(c *event.PodContainer) []string { return c.LivenessProbe }),
			Desc: "True if the process, or an ancestor of it in the container, runs the command of the container's liveness probe."},
		Field{Name: "proc.is_container_readiness_probe", Type: event.TypeBool, Scope: PerEvent, Get: isProbe(func(c *event.PodContainer) []string { return c.ReadinessProbe }),
			Desc: "True if the process, or an ancestor of it in the container, runs the command of the container's readiness probe."},
		Field{Name: "container.liveness_probe", Type: event.TypeString, Get: probe(func(c *event.PodContainer) []string { return c.LivenessProbe }),
			Desc: "Command of the container's liveness probe."},
		Field{Name: "container.readiness_probe", Type: event.TypeString, Get: probe(func(c *event.PodContainer) []string { return c.ReadinessProbe }),
			Desc: "Command of the container's readiness probe."},
	)
	return group(Field{Scope: PerThread, Invalidates: moves, Source: "Kubernetes API"}, rows...)
}

// podLabelFields are the pod's labels: the runtime knows those that the pod began with.
func podLabelFields() []Field {
	get := func(value func(map[string]string, Arg) event.Value) Getter {
		return func(ev *event.Event, a Arg) event.Value {
			switch c := ev.Container; {
			case c == nil:
				return event.Value{}
			case c.Pod != nil:
				return value(c.Pod.Labels, a)
			case c.Info != nil && c.Waiting&event.SourcePod == 0:
				if v := value(c.Info.PodLabels, a); v.IsPresent() {
					return v
				}
			}
			return awaited(ev, fromPod)
		}
	}
	return []Field{
		{Name: "k8s.pod.label", Type: event.TypeString, Arg: RequiredKey, Source: "container runtime, Kubernetes API", Get: get(entryOf), Desc: "One label of the pod, by its name."},
		{Name: "k8s.pod.labels", Type: event.TypeString, Source: "container runtime, Kubernetes API", Desc: "All labels of the pod: name:value, with commas between them.",
			Get: get(func(m map[string]string, _ Arg) event.Value { return joined(m) })},
	}
}

// ofPod makes a getter of what the API server says. What it has not said yet is
// pending as long as it may.
func ofPod(sources event.Sources, get func(*event.Pod, Arg) event.Value) Getter {
	return func(ev *event.Event, a Arg) event.Value {
		if ev.Container != nil && ev.Container.Pod != nil {
			if v := get(ev.Container.Pod, a); v.IsPresent() {
				return v
			}
		}
		return awaited(ev, sources)
	}
}

// ofPodOrInfo makes a getter of what both the runtime and the API server know.
func ofPodOrInfo(pod func(*event.Pod) string, info func(*event.ContainerInfo) string) Getter {
	return func(ev *event.Event, _ Arg) event.Value {
		if c := ev.Container; c != nil {
			if c.Pod != nil && pod(c.Pod) != "" {
				return event.String(pod(c.Pod))
			}
			if c.Info != nil && info(c.Info) != "" {
				return event.String(info(c.Info))
			}
		}
		return awaited(ev, fromPod)
	}
}

// specOf returns the container in its pod's specification, nil as long as either is
// not known.
func specOf(ev *event.Event) *event.PodContainer {
	if ev.Container == nil || ev.Container.Pod == nil || ev.Container.Info == nil {
		return nil
	}
	return ev.Container.Pod.Container(ev.Container.Info.Name)
}

func probe(get func(*event.PodContainer) []string) Getter {
	return func(ev *event.Event, _ Arg) event.Value {
		if c := specOf(ev); c != nil {
			return event.OptionalString(event.WordsOf(get(c)...).Joined())
		}
		return awaited(ev, fromPod)
	}
}

// isProbe makes a getter that compares the argument lists of the process and its
// ancestors with a probe's command.
func isProbe(get func(*event.PodContainer) []string) Getter {
	return func(ev *event.Event, _ Arg) event.Value {
		c := specOf(ev)
		if c == nil {
			if v := awaited(ev, fromPod); v.Presence() == event.Pending {
				return v
			}
			return event.Bool(false)
		}
		words := get(c)
		if len(words) == 0 {
			return event.Bool(false)
		}
		command := event.WordsOf(words...)
		for im, steps := ev.Image, 0; im != nil && steps < event.MaxLineage; im, steps = im.Parent, steps+1 {
			if im.CgroupPath != ev.Image.CgroupPath {
				break // outside of the container
			}
			if im.Argv == command {
				return event.Bool(true)
			}
		}
		return event.Bool(false)
	}
}
