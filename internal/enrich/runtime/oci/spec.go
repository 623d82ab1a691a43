package oci

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

// Spec is what a config.json says.
type Spec struct {
	Info    event.ContainerInfo
	Runtime string // containerd, cri-o, podman, or "" if it does not say

	joins joins
}

// joins are the namespaces that belong to somebody else.
type joins struct{ pid, network, ipc bool }

// Joins tells that some namespace is another container's: that of its sandbox if it
// has one.
func (s *Spec) Joins() bool { return s.joins != joins{} }

// Inherit adds what the sandbox of a container says of their pod.
func (s *Spec) Inherit(sandbox *Spec) {
	i, from := &s.Info, &sandbox.Info
	i.HostPID = i.HostPID || s.joins.pid && from.HostPID
	i.HostNetwork = i.HostNetwork || s.joins.network && from.HostNetwork
	i.HostIPC = i.HostIPC || s.joins.ipc && from.HostIPC
	if i.PodUID != "" && from.PodUID != "" && i.PodUID != from.PodUID {
		return
	}
	if len(i.PodIPs) == 0 {
		i.PodIPs = from.PodIPs
	}
	i.PodLabels, i.CNIResult = from.PodLabels, from.CNIResult
}

// document is the part of the OCI runtime specification that is read.
type document struct {
	Version string `json:"ociVersion"`
	Process struct {
		User struct {
			UID  uint32 `json:"uid"`
			GID  uint32 `json:"gid"`
			Name string `json:"username"`
		} `json:"user"`
		Capabilities struct {
			Bounding list[string] `json:"bounding"`
		} `json:"capabilities"`
	} `json:"process"`
	Mounts      list[mount] `json:"mounts"`
	Annotations annotations `json:"annotations"`
	Linux       struct {
		Namespaces list[struct {
			Type string `json:"type"`
			Path string `json:"path"`
		}] `json:"namespaces"`
		MaskedPaths   list[string] `json:"maskedPaths"`
		ReadonlyPaths list[string] `json:"readonlyPaths"`
		Resources     struct {
			Devices list[device] `json:"devices"`
		} `json:"resources"`
	} `json:"linux"`
}

type mount struct {
	Destination string       `json:"destination"`
	Type        string       `json:"type"`
	Source      string       `json:"source"`
	Options     list[string] `json:"options"`
}

type device struct {
	Allow  bool   `json:"allow"`
	Type   string `json:"type"`
	Major  *int64 `json:"major"`
	Minor  *int64 `json:"minor"`
	Access string `json:"access"`
}

var errEmpty = errors.New("it has no ociVersion")

// Parse reads a config.json. An error may mean that it is not written to its end
// yet. id is the container's, "" if it is not known.
func Parse(id string, data []byte) (*Spec, error) {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("parse OCI specification: %w", err)
	}
	if d.Version == "" {
		return nil, fmt.Errorf("parse OCI specification: %w", errEmpty)
	}
	s := &Spec{}
	u := &d.Process.User
	if s.Info.User = Name(u.Name); s.Info.User == "" {
		s.Info.User = strconv.FormatUint(uint64(u.UID), 10) + ":" + strconv.FormatUint(uint64(u.GID), 10)
	}
	s.Info.Privileged = d.privileged()
	s.namespaces(&d)
	s.annotated(d.Annotations)
	s.Info.Mounts = d.mounts(id, s.Info.SandboxID)
	return s, nil
}

// privileged applies the rule in the package's documentation.
func (d *document) privileged() bool {
	if len(d.Linux.MaskedPaths)+len(d.Linux.ReadonlyPaths) > 0 ||
		!slices.Contains(d.Process.Capabilities.Bounding, "CAP_SYS_ADMIN") {
		return false
	}
	all := false
	for _, dev := range d.Linux.Resources.Devices {
		if (dev.Type == "" || dev.Type == "a") && wild(dev.Major) && wild(dev.Minor) {
			all = dev.Allow && strings.Contains(dev.Access, "w")
		}
	}
	return all
}

func wild(number *int64) bool { return number == nil || *number < 0 }

func (s *Spec) namespaces(d *document) {
	host := map[string]bool{"pid": true, "network": true, "ipc": true}
	joined := map[string]bool{}
	for _, ns := range d.Linux.Namespaces {
		host[ns.Type] = hostPath(ns.Path)
		joined[ns.Type] = ns.Path != ""
	}
	s.Info.HostPID, s.Info.HostNetwork, s.Info.HostIPC = host["pid"], host["network"], host["ipc"]
	s.joins = joins{joined["pid"], joined["network"], joined["ipc"]}
}

// hostPath tells that the path of a namespace is that of the host's: process 1's,
// or what Docker calls its network "default".
func hostPath(p string) bool {
	return strings.HasPrefix(p, "/proc/1/ns/") ||
		path.Base(p) == "default" && path.Base(path.Dir(p)) == "netns"
}

// mounts returns the mounts that somebody asked for: files and directories of the
// host, without those that runtimes make for each container.
func (d *document) mounts(id, sandbox string) []event.Mount {
	var all []event.Mount
	for _, m := range d.Mounts {
		bind := m.Type == "bind" || slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind")
		if !bind || len(all) == maxMounts || own(&m, id, sandbox) {
			continue
		}
		all = append(all, event.Mount{
			Source:      m.Source,
			Destination: m.Destination,
			Mode:        strings.Join(m.Options, ","),
			Writable:    !slices.Contains(m.Options, "ro"),
			Propagation: propagation(m.Options),
		})
	}
	return Mounts(all)
}

// own tells that the runtime made a mount for itself. The destination alone would
// hide what a pod mounts there, and so would the source.
func own(m *mount, id, sandbox string) bool {
	switch m.Destination {
	case "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/shm", "/run/.containerenv", "/run/secrets":
	default:
		return false
	}
	for part := range strings.SplitSeq(m.Source, "/") {
		if part != "" && (part == id || part == sandbox) {
			return true
		}
	}
	return false
}

func propagation(options []string) string {
	for _, o := range options {
		switch strings.TrimPrefix(o, "r") {
		case "private", "shared", "slave", "unbindable":
			return o
		}
	}
	return ""
}
