package oci

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Prefixes of annotations.
const (
	cri    = "io.kubernetes.cri."   // containerd's CRI plugin
	crio   = "io.kubernetes.cri-o." // CRI-O, and podman for a few
	podman = "io.podman.annotations."

	podLabel = "io.kubernetes.pod." // the kubelet's labels
)

const (
	manager   = "io.container.manager"         // CRI-O's and podman's
	nameLabel = "io.kubernetes.container.name" // the kubelet's
)

// wanted tells that an annotation is one of those read here.
func wanted(key string) bool {
	if name, ok := strings.CutPrefix(key, crio); ok {
		switch name {
		case "ContainerType", "SandboxID", "Created", "Metadata", "Labels", "HostNetwork",
			"CNIResult", "ImageRef", "Image", "ImageName":
			return true
		}
		return strings.HasPrefix(name, "IP.") && len(name) <= len("IP.15")
	}
	if name, ok := strings.CutPrefix(key, cri); ok {
		switch name {
		case "container-type", "container-name", "image-name", "sandbox-id", "sandbox-name",
			"sandbox-namespace", "sandbox-uid":
			return true
		}
		return false
	}
	switch key {
	case manager, podman + "privileged", nameLabel, podLabel + "name", podLabel + "namespace", podLabel + "uid":
		return true
	}
	return false
}

// annotated takes what runtimes add to the specification.
func (s *Spec) annotated(a annotations) {
	switch {
	case a[crio+"ContainerType"] != "" || a[manager] == "cri-o":
		s.Runtime = "cri-o"
		s.crio(a)
	case a[manager] == "libpod":
		s.Runtime = "podman"
		s.Info.Created = stamp(a[crio+"Created"])
		if said := a[podman+"privileged"]; said != "" {
			s.Info.Privileged = strings.EqualFold(said, "true")
		}
	case a[cri+"container-type"] != "":
		s.Runtime = "containerd"
		s.containerd(a)
	}
}

func (s *Spec) containerd(a annotations) {
	i := &s.Info
	i.Sandbox = a[cri+"container-type"] == "sandbox"
	i.Name = Name(a[cri+"container-name"])
	i.SandboxID = Name(a[cri+"sandbox-id"])
	i.PodName = Name(a[cri+"sandbox-name"])
	i.PodNamespace = Name(a[cri+"sandbox-namespace"])
	i.PodUID = Name(a[cri+"sandbox-uid"])
	SetImage(i, a[cri+"image-name"])
	i.Image = Qualify(i.Image)
}

func (s *Spec) crio(a annotations) {
	i := &s.Info
	i.Sandbox = a[crio+"ContainerType"] == "sandbox"
	i.SandboxID = Name(a[crio+"SandboxID"])
	i.Created = stamp(a[crio+"Created"])
	for _, key := range []string{"ImageRef", "Image", "ImageName"} { // the best name last
		SetImage(i, a[crio+key])
	}
	var ips []string
	for n := range maxIPs {
		ips = append(ips, a[crio+"IP."+strconv.Itoa(n)])
	}
	i.PodIPs = IPs(ips)

	// What does not parse is as what is not there.
	var meta struct{ Name, Namespace, UID string }
	_ = json.Unmarshal([]byte(a[crio+"Metadata"]), &meta)
	var labels table
	_ = json.Unmarshal([]byte(a[crio+"Labels"]), &labels)
	i.Labels = Labels(labels)
	// Labels come one by one as well, among a pod's annotations, which anybody may
	// name as a label is named: the ones in a bundle of their own count first.
	i.PodName = Name(cmp.Or(labels[podLabel+"name"], a[podLabel+"name"]))
	i.PodNamespace = Name(cmp.Or(labels[podLabel+"namespace"], a[podLabel+"namespace"]))
	i.PodUID = Name(cmp.Or(labels[podLabel+"uid"], a[podLabel+"uid"]))
	if !i.Sandbox {
		i.Name = Name(cmp.Or(labels[nameLabel], meta.Name, a[nameLabel]))
		return
	}
	i.PodName = cmp.Or(Name(meta.Name), i.PodName)
	i.PodNamespace = cmp.Or(Name(meta.Namespace), i.PodNamespace)
	i.PodUID = cmp.Or(Name(meta.UID), i.PodUID)
	i.PodLabels = PodLabels(labels)
	i.HostNetwork = i.HostNetwork || a[crio+"HostNetwork"] == "true"
	i.CNIResult = CNI(a[crio+"CNIResult"])
}

// stamp reads a time as nanoseconds since the epoch, 0 if it is none.
func stamp(s string) uint64 {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0
	}
	return Since(t)
}

// Since returns nanoseconds since the epoch, 0 for times that Go or a runtime use
// for "never".
func Since(t time.Time) uint64 {
	if t.Year() < 1971 || t.Year() > 2200 {
		return 0
	}
	return uint64(t.UnixNano())
}
