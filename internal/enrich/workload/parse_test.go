package workload

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"
)

var (
	idA = strings.Repeat("0123456789abcdef", 4)
	idB = strings.Repeat("fedcba9876543210", 4)
)

const (
	uid        = "8dbc5577-d0e2-4706-8787-57d52c03ddf2"
	underscore = "8dbc5577_d0e2_4706_8787_57d52c03ddf2"
	static     = "1ea40eae1e44cb5b5a2e0bce1f9c2d3a"
)

func TestParse(t *testing.T) {
	c := func(runtime, pod string) event.Container {
		return event.Container{FullID: idA, Runtime: runtime, PodUID: pod}
	}
	none := event.Container{}
	tests := []struct {
		name, path string
		want       event.Container
	}{
		{"containerd, systemd", "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + underscore + ".slice/cri-containerd-" + idA + ".scope", c("containerd", uid)},
		{"containerd, cgroupfs", "/kubepods/burstable/pod" + uid + "/" + idA, c("", uid)},
		{"containerd, guaranteed", "/kubepods.slice/kubepods-pod" + underscore + ".slice/cri-containerd-" + idA + ".scope", c("containerd", uid)},
		{"containerd, systemd path taken literally", "/system.slice/containerd.service/kubepods-besteffort-pod" + underscore + ".slice:cri-containerd:" + idA, c("containerd", uid)},
		{"static pod", "/kubepods/besteffort/pod" + static + "/" + idA, c("", static)},
		{"cri-o, systemd", "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + underscore + ".slice/crio-" + idA + ".scope", c("cri-o", uid)},
		{"cri-o, cgroupfs", "/kubepods/besteffort/pod" + uid + "/crio-" + idA, c("cri-o", uid)},
		{"cri-o's inner cgroup", "/kubepods.slice/kubepods-pod" + underscore + ".slice/crio-" + idA + ".scope/container", c("cri-o", uid)},
		{"cri-o's monitor", "/kubepods.slice/kubepods-pod" + underscore + ".slice/crio-conmon-" + idA + ".scope", none},
		{"docker, systemd", "/system.slice/docker-" + idA + ".scope", c("docker", "")},
		{"docker, cgroupfs", "/docker/" + idA, c("docker", "")},
		{"docker, in Kubernetes", "/kubepods.slice/kubepods-pod" + underscore + ".slice/docker-" + idA + ".scope", c("docker", uid)},
		{"docker, own parent", "/actions_job/" + idA, c("", "")},
		{"podman, systemd", "/machine.slice/libpod-" + idA + ".scope", c("podman", "")},
		{"podman, inner", "/machine.slice/libpod-" + idA + ".scope/container", c("podman", "")},
		{"podman, cgroupfs", "/libpod_parent/libpod-" + idA, c("podman", "")},
		{"a user's pod", "/user.slice/user-1000.slice/user@1000.service/kubepods/pod" + uid + "/" + idA, c("", "")},
		{"podman, rootless", "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + idA + ".scope/container", c("podman", "")},
		{"podman, pod", "/machine.slice/machine-libpod_pod_" + idB + ".slice/libpod-" + idA + ".scope", c("podman", "")},
		{"podman's monitor", "/machine.slice/libpod-conmon-" + idA + ".scope", none},
		{"nerdctl", "/system.slice/nerdctl-" + idA + ".scope", c("containerd", "")},
		{"nested", "/docker/" + idA + "/system.slice/cron.service", c("docker", "")},
		{"docker in docker belongs to the outer", "/docker/" + idA + "/docker/" + idB, c("docker", "")},
		{"a pod's container cannot be another", "/kubepods/pod" + uid + "/" + idA + "/kubepods/pod" + static + "/" + idB, c("", uid)},
		{"kind: the node is a container", "/docker/" + idB + "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod" + underscore + ".slice/cri-containerd-" + idA + ".scope", c("containerd", uid)},
		{"docker with a cgroup named kubepods", "/system.slice/docker-" + idA + ".scope/kubepods", c("docker", "")},
		{"docker with a pod's cgroup", "/docker/" + idA + "/kubepods/burstable/pod" + uid, c("docker", "")},
		{"docker with a monitor below kubepods", "/docker/" + idA + "/kubepods/crio-conmon-" + idB + ".scope", c("docker", "")},
		{"podman with kubepods in a name", "/machine.slice/libpod-" + idA + ".scope/my-kubepods.slice/x", c("podman", "")},
		{"kata", "/kubepods/burstable/pod" + uid + "/kata_" + idA, c("", uid)},
		{"seen from a cgroup namespace", "/../../docker-" + idA + ".scope", c("docker", "")},
		{"upper end missing", "...besteffort-pod" + underscore + ".slice/cri-containerd-" + idA + ".scope", c("containerd", "")},
		{"root", "/", none},
		{"empty", "", none},
		{"service", "/system.slice/ssh.service", none},
		{"a pod's own", "/kubepods/burstable/pod" + uid, none},
		{"short id", "/docker/0123456789ab", none},
		{"capitals", "/docker/" + strings.ToUpper(idA), none},
		{"too long", "/docker/" + idA + "0", none},
		{"pod outside of kubepods", "/pod" + uid + "/" + idA, c("", "")},
		{"not a pod", "/kubepods/podium/" + idA, c("", "")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := Parse(tt.path)
			if ok != (tt.want != none) {
				t.Errorf("Parse(%q) = %v", tt.path, ok)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Parse(%q) (-want +got):\n%s", tt.path, diff)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("/kubepods.slice/kubepods-pod" + underscore + ".slice/crio-" + idA + ".scope/x")
	f.Add("/system.slice/containerd.service/kubepods-pod" + underscore + ".slice:cri-containerd:" + idA)
	f.Add("//:::/pod/-pod/libpod_/" + idB)
	f.Fuzz(func(t *testing.T, path string) {
		c, ok := Parse(path)
		if ok && len(c.FullID) != idLen || !ok && c.FullID != "" {
			t.Errorf("Parse(%q) = %+v, %v", path, c, ok)
		}
		below, ok2 := Parse(path + "/below")
		if ok && (!ok2 || below != c) {
			t.Errorf("below %q: %+v, %v; the container is %+v", path, below, ok2, c)
		}
	})
}

func TestPathIn(t *testing.T) {
	const hybrid = "5:pids:/docker/x\n4:cpu,cpuacct:/b\n3:memory:/c:d\n1:name=systemd:/e\n0::/f\n"
	tests := []struct {
		name, data, controller, want string
		ok                           bool
	}{
		{"v2", "0::/a\n", "", "/a", true},
		{"v2 of a hybrid", hybrid, "", "/f", true},
		{"v1", hybrid, "pids", "/docker/x", true},
		{"joint", hybrid, "cpu", "/b", true},
		{"colon in a name", hybrid, "memory", "/c:d", true},
		{"named", hybrid, "name=systemd", "/e", true},
		{"missing", hybrid, "blkio", "", false},
		{"part of a name", hybrid, "pid", "", false},
		{"broken", "x\n\n::\n", "pids", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := PathIn([]byte(tt.data), tt.controller)
			if got != tt.want || ok != tt.ok {
				t.Errorf("PathIn = %q, %v; want %q, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}
