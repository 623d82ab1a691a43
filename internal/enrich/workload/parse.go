package workload

import (
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

// idLen is the length of a container id: 64 hexadecimal digits.
const idLen = 64

// runtimes tells the runtime by what stands before the id in a cgroup's name.
var runtimes = [...]struct{ prefix, runtime string }{
	{"cri-containerd", "containerd"},
	{"nerdctl", "containerd"},
	{"crio", "cri-o"},
	{"docker", "docker"},
	{"libpod", "podman"},
}

// Parse finds the container in a cgroup's path from the root of its hierarchy.
// It is false for a cgroup outside of any container, also for a pod's own and
// for a monitor's (conmon).
//
// A container that holds kubepods is a node, and what runs in its pods belongs
// to them. But a container names the cgroups below its own as it likes: where no
// pod's container follows, the one above stays.
//
// Below a user's systemd manager the user names the cgroups: what is there is no pod.
func Parse(path string) (event.Container, bool) {
	c, _, ok := parse(path)
	return c, ok
}

// parse is Parse, and tells that an unprivileged user chose the names.
func parse(path string) (c event.Container, user, ok bool) {
	var (
		outer   event.Container
		node    event.Container // the container above kubepods, if any
		found   bool
		inPods  bool   // below a kubepods cgroup
		podUID  string // of the nearest pod above
		parent  string
		monitor bool
	)
	for rest := path; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		if name == "" {
			continue
		}
		if !found && strings.HasPrefix(name, "user@") && strings.HasSuffix(name, ".service") {
			user = true
		}
		if !inPods && !user && strings.Contains(name, "kubepods") {
			inPods = true
			node, outer, found = outer, event.Container{}, false
		}
		// systemd's notation taken literally by the cgroupfs driver:
		// kubepods-pod….slice:cri-containerd:<id>
		for _, part := range strings.Split(name, ":") {
			if uid, ok := podOf(part); ok && inPods {
				podUID = uid
			}
		}
		id, runtime, conmon, ok := idOf(name, parent)
		monitor = monitor || conmon
		if ok && !found && !monitor {
			outer = event.Container{FullID: id, Runtime: runtime, PodUID: podUID}
			found = true
		}
		parent = name
	}
	if !found {
		return node, user, node.FullID != ""
	}
	return outer, user, found
}

// idOf reads a cgroup's name as a container's: <id>, <runtime>-<id>.scope,
// crio-<id>, slice:cri-containerd:<id>. The name above it helps where the name
// itself does not tell the runtime.
func idOf(name, parent string) (id, runtime string, conmon, ok bool) {
	name = strings.TrimSuffix(name, ".scope")
	if len(name) < idLen || !isHex(name[len(name)-idLen:]) {
		return "", "", false, false
	}
	before, id := name[:len(name)-idLen], name[len(name)-idLen:]
	if before == "" {
		switch {
		case parent == "docker":
			runtime = "docker"
		case strings.HasPrefix(parent, "libpod_"):
			runtime = "podman"
		case parent == "k8s.io":
			runtime = "containerd"
		}
		return id, runtime, false, true
	}
	switch before[len(before)-1] {
	case '-', ':', '_':
	default:
		return "", "", false, false
	}
	before = before[:len(before)-1]
	if i := strings.LastIndexByte(before, ':'); i >= 0 {
		before = before[i+1:]
	}
	if strings.HasSuffix(before, "conmon") {
		return "", "", true, false
	}
	if strings.HasSuffix(before, "_pod") { // podman's pod, not a container
		return "", "", false, false
	}
	for _, r := range runtimes {
		if before == r.prefix {
			return id, r.runtime, false, true
		}
	}
	return id, "", false, true
}

// podOf reads a cgroup's name as a pod's: pod<uid> with the cgroupfs driver,
// kubepods-burstable-pod<uid>.slice with systemd's, which writes the dashes of
// the UID as underscores.
func podOf(name string) (uid string, ok bool) {
	name = strings.TrimSuffix(name, ".slice")
	i := strings.LastIndex(name, "pod")
	if i < 0 || (i > 0 && name[i-1] != '-') {
		return "", false
	}
	uid = strings.ReplaceAll(name[i+len("pod"):], "_", "-")
	switch {
	case len(uid) == 32 && isHex(uid): // a static pod: the hash of its manifest
		return uid, true
	case len(uid) == 36 && uid[8] == '-' && uid[13] == '-' && uid[18] == '-' && uid[23] == '-' &&
		isHex(strings.ReplaceAll(uid, "-", "")):
		return uid, true
	}
	return "", false
}

func isHex(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return s != ""
}
