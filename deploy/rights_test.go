package deploy

import (
	"slices"
	"strings"
	"testing"
)

// What the pods may have at most; docs/kubernetes.md explains each.
var (
	agentCapabilities = []string{"BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH", "SYS_RESOURCE", "NET_ADMIN"}
	hostPaths         = []string{"/proc", "/sys/fs/cgroup", "/run/containerd", "/run/crio", "/run/containers/storage"}
	readingVerbs      = []string{"get", "list", "watch"}
)

// checkRights holds all objects of a rendering against what is promised of their rights.
func checkRights(t *testing.T, all []object, data string) {
	t.Helper()
	for _, o := range all {
		switch o.kind() {
		case "DaemonSet", "Deployment":
			checkPod(t, o, data)
		case "ClusterRole", "Role":
			checkRole(t, o)
		}
	}
}

// checkPod wants nothing privileged, nothing of the node's namespaces, a file system
// that cannot be written to, and the node's directories read-only, but for data.
func checkPod(t *testing.T, o object, data string) {
	t.Helper()
	pod := at(o, "spec", "template", "spec")
	for _, key := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		if at(pod, key) == true {
			t.Errorf("%s: %s", o.id(), key)
		}
	}
	writable := map[string]bool{}
	for _, c := range list(pod, "containers") {
		checkContainer(t, o, c)
		for _, m := range list(c, "volumeMounts") {
			writable[text(m, "name")] = at(m, "readOnly") != true
		}
	}
	for _, v := range list(pod, "volumes") {
		name, path := text(v, "name"), text(v, "hostPath", "path")
		w, mounted := writable[name]
		switch {
		case !mounted:
			t.Errorf("%s: volume %s is mounted nowhere", o.id(), name)
		case path != "" && path == data, at(v, "emptyDir") != nil:
		case path != "" && (o.kind() != "DaemonSet" || !slices.Contains(hostPaths, path)):
			t.Errorf("%s: the node's %s is mounted", o.id(), path)
		case w:
			t.Errorf("%s: volume %s is writable", o.id(), name)
		}
		delete(writable, name)
	}
	for name := range writable {
		t.Errorf("%s: there is no volume %s", o.id(), name)
	}
}

func checkContainer(t *testing.T, o object, c any) {
	t.Helper()
	security := at(c, "securityContext")
	for key, want := range map[string]any{"privileged": false, "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true} {
		if got := at(security, key); got != want {
			t.Errorf("%s: %s is %v", o.id(), key, got)
		}
	}
	if drop := texts(security, "capabilities", "drop"); !slices.Equal(drop, []string{"ALL"}) {
		t.Errorf("%s: drops %v", o.id(), drop)
	}
	var allowed []string
	if o.kind() == "DaemonSet" {
		allowed = agentCapabilities
	}
	for _, c := range texts(security, "capabilities", "add") {
		if !slices.Contains(allowed, c) {
			t.Errorf("%s: adds %s", o.id(), c)
		}
	}
	if image := text(c, "image"); strings.HasSuffix(image, ":latest") || !strings.ContainsAny(image, ":@") {
		t.Errorf("%s: image %s has no fixed version", o.id(), image)
	}
	for _, key := range []string{"limits", "requests"} {
		if text(c, "resources", key, "memory") == "" {
			t.Errorf("%s: no %s of memory", o.id(), key)
		}
	}
}

// checkRole wants resources and verbs by name, no secret but by its name, and the agent
// to read only, but for its own status.
func checkRole(t *testing.T, o object) {
	t.Helper()
	agent := text(o, "metadata", "labels", "app.kubernetes.io/component") == "agent"
	for _, rule := range list(o, "rules") {
		for _, key := range []string{"apiGroups", "resources", "verbs", "resourceNames", "nonResourceURLs"} {
			for _, value := range texts(rule, key) {
				if strings.Contains(value, "*") {
					t.Errorf("%s: %s %s", o.id(), key, value)
				}
			}
		}
		resources := texts(rule, "resources")
		if slices.Contains(resources, "secrets") && (agent || len(texts(rule, "resourceNames")) == 0) {
			t.Errorf("%s: can read secrets that are not its own", o.id())
		}
		for _, verb := range texts(rule, "verbs") {
			ours := slices.Equal(texts(rule, "apiGroups"), []string{"goshawk.dev"})
			if agent && !ours && !slices.Contains(readingVerbs, verb) {
				t.Errorf("%s: the agent may %s %v", o.id(), verb, resources)
			}
		}
	}
}
