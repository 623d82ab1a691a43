package field

import (
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

// ownerFields are the objects that made the pod, and the services in front of it.
func ownerFields() []Field {
	var rows []Field
	for _, o := range []struct{ name, kind, what string }{
		{"rs", "ReplicaSet", "replica set"},
		{"rc", "ReplicationController", "replication controller"},
		{"deployment", "Deployment", "deployment"},
		{"statefulset", "StatefulSet", "stateful set"},
		{"daemonset", "DaemonSet", "daemon set"},
		{"job", "Job", "job"},
		{"cronjob", "CronJob", "cron job"},
	} {
		rows = append(rows, objectFields(o.name, o.what+" that the pod belongs to", func(p *event.Pod) *event.Object { return p.Owner(o.kind) })...)
	}
	rows = append(rows, objectFields("workload", "pod's topmost owner: the deployment and not its replica set", (*event.Pod).Workload)...)
	rows = append(rows, Field{Name: "k8s.workload.kind", Type: event.TypeString, Desc: "Kind of the pod's topmost owner: Deployment, StatefulSet, DaemonSet, CronJob, Job, or a kind of somebody else's.",
		Get: ofPod(fromOwners, func(p *event.Pod, _ Arg) event.Value {
			if o := p.Workload(); o != nil {
				return event.OptionalString(o.Kind)
			}
			return event.Value{}
		})})
	rows = append(rows, serviceFields()...)
	return group(Field{Scope: PerThread, Invalidates: moves, Source: "Kubernetes API"}, rows...)
}

// objectFields are the four that Falco has of each kind of object.
func objectFields(name, what string, find func(*event.Pod) *event.Object) []Field {
	of := func(get func(*event.Object, Arg) event.Value) Getter {
		return ofPod(fromOwners, func(p *event.Pod, a Arg) event.Value {
			if o := find(p); o != nil {
				return get(o, a)
			}
			return event.Value{}
		})
	}
	name = "k8s." + name
	return []Field{
		{Name: name + ".name", Type: event.TypeString, Desc: "Name of the " + what + ".",
			Get: of(func(o *event.Object, _ Arg) event.Value { return event.OptionalString(o.Name) })},
		{Name: name + ".id", Type: event.TypeString, Desc: "UID of the " + what + ".",
			Get: of(func(o *event.Object, _ Arg) event.Value { return event.OptionalString(o.UID) })},
		{Name: name + ".label", Type: event.TypeString, Arg: RequiredKey, Desc: "One label of the " + what + ", by its name.",
			Get: of(func(o *event.Object, a Arg) event.Value { return entryOf(o.Labels, a) })},
		{Name: name + ".labels", Type: event.TypeString, Desc: "All labels of the " + what + ": name:value, with commas between them.",
			Get: of(func(o *event.Object, _ Arg) event.Value { return joined(o.Labels) })},
	}
}

// serviceFields are the services that choose the pod. Falco's fields have one value:
// of several services it is the names in order, with commas.
func serviceFields() []Field {
	all := func(get func(*event.Object) string) Getter {
		return ofPod(fromOwners, func(p *event.Pod, _ Arg) event.Value {
			texts := make([]string, 0, len(p.Services))
			for i := range p.Services {
				if t := get(&p.Services[i]); t != "" {
					texts = append(texts, t)
				}
			}
			return event.OptionalString(strings.Join(texts, ", "))
		})
	}
	rows := []Field{
		{Name: "k8s.svc.name", Type: event.TypeString, Desc: "Name of the service that the pod belongs to; all of them, with commas between them.",
			Get: all(func(o *event.Object) string { return o.Name })},
		{Name: "k8s.svc.id", Type: event.TypeString, Desc: "UID of the service that the pod belongs to; all of them, with commas between them.",
			Get: all(func(o *event.Object) string { return o.UID })},
		{Name: "k8s.svc.label", Type: event.TypeString, Arg: RequiredKey, Desc: "One label of the service that the pod belongs to, by its name: of the first that has it.",
			Get: ofPod(fromOwners, func(p *event.Pod, a Arg) event.Value {
				for i := range p.Services {
					if v := entryOf(p.Services[i].Labels, a); v.IsPresent() {
						return v
					}
				}
				return event.Value{}
			})},
		{Name: "k8s.svc.labels", Type: event.TypeString, Desc: "All labels of the service that the pod belongs to: name:value, with commas between them.",
			Get: all(func(o *event.Object) string { return joined(o.Labels).Str() })},
	}
	for i := range rows {
		rows[i].Needs = NeedServices
	}
	return rows
}
