package kube

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/goshawk-security/goshawk/internal/event"
)

// What is kept of a pod at most. The API server takes 256 KiB of annotations; those
// that are this long are somebody's configuration and nothing that a rule asks for.
const (
	maxLabels     = 64
	maxAnnotation = 1024
	maxContainers = 64
	maxImage      = 1024 // bytes of a name
	maxCommand    = 4096 // bytes of a probe's words
)

// configHash is the annotation by which the kubelet names a static pod to the runtime:
// its cgroup has it in place of the UID. The object that the kubelet makes of a static
// pod has it in configMirror, too, which cannot be changed.
const (
	configHash   = "kubernetes.io/config.hash"
	configMirror = "kubernetes.io/config.mirror"
)

// lastApplied is kubectl's copy of the whole object.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// convert takes over what fields can ask for. Owners and the namespace are added later.
func convert(p *corev1.Pod) *event.Pod {
	pod := &event.Pod{
		Name: p.Name, Namespace: p.Namespace, UID: string(p.UID), Node: p.Spec.NodeName, ServiceAccount: p.Spec.ServiceAccountName,
		Labels: few(p.Labels), Annotations: short(p.Annotations),
		HostNetwork: p.Spec.HostNetwork, HostPID: p.Spec.HostPID, HostIPC: p.Spec.HostIPC,
	}
	for _, ip := range p.Status.PodIPs {
		pod.IPs = append(pod.IPs, ip.IP)
	}
	if len(pod.IPs) == 0 && p.Status.PodIP != "" {
		pod.IPs = []string{p.Status.PodIP}
	}
	for i := range p.Spec.InitContainers {
		pod.Containers = append(pod.Containers, container(&p.Spec.InitContainers[i], event.InitContainer, p.Status.InitContainerStatuses))
	}
	for i := range p.Spec.Containers {
		pod.Containers = append(pod.Containers, container(&p.Spec.Containers[i], event.AppContainer, p.Status.ContainerStatuses))
	}
	for i := range p.Spec.EphemeralContainers {
		c := corev1.Container(p.Spec.EphemeralContainers[i].EphemeralContainerCommon)
		pod.Containers = append(pod.Containers, container(&c, event.EphemeralContainer, p.Status.EphemeralContainerStatuses))
	}
	pod.Containers = pod.Containers[:min(len(pod.Containers), maxContainers)]
	return pod
}

func container(c *corev1.Container, kind event.ContainerKind, statuses []corev1.ContainerStatus) event.PodContainer {
	pc := event.PodContainer{Name: c.Name, Kind: kind, Image: cut(c.Image),
		LivenessProbe: command(c.LivenessProbe), ReadinessProbe: command(c.ReadinessProbe)}
	if s := c.SecurityContext; s != nil && s.Privileged != nil {
		pc.Privileged = *s.Privileged
	}
	for i := range statuses {
		if statuses[i].Name == c.Name {
			pc.ImageID = cut(statuses[i].ImageID)
			_, pc.ID, _ = strings.Cut(statuses[i].ContainerID, "://")
		}
	}
	return pc
}

func command(p *corev1.Probe) []string {
	if p == nil || p.Exec == nil {
		return nil
	}
	size := 0
	for _, word := range p.Exec.Command {
		size += len(word)
	}
	if size > maxCommand {
		return nil // a part of it would be another command
	}
	return p.Exec.Command
}

// cut bounds what a client of the API may write as long as it likes.
func cut(s string) string { return strings.Clone(s[:min(len(s), maxImage)]) }

// few returns labels, those first by name if there are too many.
func few(m map[string]string) map[string]string {
	if len(m) <= maxLabels {
		return m
	}
	kept := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(m))[:maxLabels] {
		kept[name] = m[name]
	}
	return kept
}

// short leaves long annotations out.
func short(m map[string]string) map[string]string {
	kept := map[string]string{}
	for name, v := range m {
		if len(v) <= maxAnnotation && name != lastApplied {
			kept[name] = v
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return few(kept)
}

// staticHash is the name that cgroups have for a static pod, "" for others. Who may make
// pods can write it into one of his: it must be a hash, and no UID of another pod. That
// nobody else has it is seen to by set.
func staticHash(p *corev1.Pod) string {
	hash := p.Annotations[configHash]
	if b, err := hex.DecodeString(hash); err != nil || len(b) != 16 || p.Annotations[configMirror] != hash {
		return ""
	}
	return hash
}

// copyOwners takes over what is not in the pod's own object.
func copyOwners(to, from *event.Pod) {
	to.Owners, to.Services = from.Owners, from.Services
	to.NamespaceUID, to.NamespaceLabels, to.NamespaceAnnotations = from.NamespaceUID, from.NamespaceLabels, from.NamespaceAnnotations
}
