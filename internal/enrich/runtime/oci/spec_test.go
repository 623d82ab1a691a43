package oci

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/goshawk-security/goshawk/internal/event"
)

const (
	uid       = "8dbc5577-d0e2-4706-8787-57d52c03ddf2"
	container = "3c6690bb49473ad367c08adaed4aa604bca7ef8451c5861da967dc45f28c1b5d"
	sandbox   = "55040f00c589ce598524871e9c7e61940bf62baa216c13dd698cbe82aa0e01f9"
	hostBox   = "d5e45af9b57ad9c511c1b04691657c4213c4ddb81c40cd996a3ceaca841b9c92"
	crioID    = "19b7277b9d905f981af64396c9c6bed34d39504ac63e53a75417cb5746887c21"
	crioBox   = "7d3258789e0084aff8a2081814991369df16b4ab6507f771e2737e5ba9bcf003"
	dockerID  = "e4d7b198abfbcfedfe47fa98243ecdb09d1c2431eda93b7794a1600864402166"
	podmanID  = "d189accc1c7191c6c4cfcb96cbfdcddf86e66dc9e6ff14e236a0292414345ca6"
)

// read parses a file of testdata. All but those of CRI-O were written by the runtime
// they are named for, Debian 12's; only their directories were renamed.
func read(t testing.TB, id, name string) *Spec {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(id, data)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return s
}

func TestParse(t *testing.T) {
	hostTmp := event.Mount{Source: "/tmp", Destination: "/host/tmp", Mode: "rbind,rprivate,ro", Propagation: "rprivate"}
	hosts := event.Mount{Source: "/etc/hosts", Destination: "/etc/hosts", Mode: "rbind,rprivate,rw", Writable: true, Propagation: "rprivate"}
	labels := map[string]string{
		"io.kubernetes.container.name": "app", "io.kubernetes.pod.name": "web",
		"io.kubernetes.pod.namespace": "shop", "io.kubernetes.pod.uid": uid,
	}
	pod := func(i event.ContainerInfo) event.ContainerInfo {
		i.PodName, i.PodNamespace, i.PodUID = "web", "shop", uid
		return i
	}
	tests := []struct {
		name, id, runtime string
		want              event.ContainerInfo
	}{
		{"containerd-container", container, "containerd", pod(event.ContainerInfo{
			Name: "app", Image: "localhost/bb:1", User: "1000:0", SandboxID: sandbox,
			Mounts: []event.Mount{hostTmp, hosts}})},
		{"containerd-sandbox", sandbox, "containerd", pod(event.ContainerInfo{
			Sandbox: true, User: "1000:1000", SandboxID: sandbox})},
		{"containerd-host-sandbox", hostBox, "containerd", pod(event.ContainerInfo{
			Sandbox: true, User: "1000:1000", SandboxID: hostBox,
			HostPID: true, HostNetwork: true, HostIPC: true,
			Mounts: []event.Mount{{Source: "/dev/shm", Destination: "/dev/shm", Mode: "rbind,ro"}}})},
		{"containerd-privileged", "", "containerd", pod(event.ContainerInfo{
			Name: "app", Image: "localhost/bb:1", User: "1000:0", Privileged: true,
			SandboxID: "3af03a80088bf997fc3863cdf646b50ad6c74978cff3ba6120263a38d5323b3f",
			Mounts:    []event.Mount{hostTmp, hosts}})},
		{"docker", dockerID, "", event.ContainerInfo{User: "1000:1000",
			Mounts: []event.Mount{{Source: "/tmp", Destination: "/host/tmp", Mode: "rbind,ro,rslave", Propagation: "rslave"}}}},
		{"docker-privileged", "", "", event.ContainerInfo{User: "0:0", Privileged: true,
			HostPID: true, HostNetwork: true, HostIPC: true}},
		{"podman", podmanID, "podman", event.ContainerInfo{User: "1000:1000", Created: 1795711717725150952,
			Mounts: []event.Mount{{Source: "/tmp", Destination: "/host/tmp", Mode: "ro,rprivate,rbind", Propagation: "rprivate"}}}},
		{"crio-container", crioID, "cri-o", pod(event.ContainerInfo{
			Name: "app", Image: "quay.io/shop/app:1.4", ImageID: strings.Repeat("a", 64),
			ImageDigest: "sha256:" + strings.Repeat("b", 64), Labels: labels, User: "1001:1001",
			Created: 1778506893580739286, SandboxID: crioBox, PodIPs: []string{"10.88.0.2", "1100:200::2"},
			Mounts: []event.Mount{
				{Source: "/var/lib/kubelet/pods/" + uid + "/etc-hosts", Destination: "/etc/hosts",
					Mode: "rw,rbind,rprivate,bind", Writable: true, Propagation: "rprivate"},
				{Source: "/srv/data", Destination: "/data", Mode: "rw,rbind,rslave,bind", Writable: true, Propagation: "rslave"},
			}})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := read(t, tt.id, tt.name)
			if s.Runtime != tt.runtime {
				t.Errorf("runtime %q, want %q", s.Runtime, tt.runtime)
			}
			if tt.id == "" { // its own mounts cannot be told without its id
				s.Info.Mounts = s.Info.Mounts[:len(tt.want.Mounts)]
			}
			if diff := cmp.Diff(tt.want, s.Info, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestInherit(t *testing.T) {
	tests := []struct {
		name, container, sandbox string
		host                     bool
		ips                      int
		cni                      bool
	}{
		{"containerd, own namespaces", "containerd-container", "containerd-sandbox", false, 0, false},
		{"containerd, the host's", "containerd-host-container", "containerd-host-sandbox", true, 0, false},
		{"cri-o", "crio-container", "crio-sandbox", false, 2, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := read(t, "", tt.container)
			if !s.Joins() || s.Info.HostPID || s.Info.HostNetwork || s.Info.HostIPC {
				t.Fatalf("before: joins %v, %+v", s.Joins(), s.Info)
			}
			s.Inherit(read(t, "", tt.sandbox))
			i := &s.Info
			if i.HostPID != tt.host || i.HostNetwork != tt.host || i.HostIPC != tt.host {
				t.Errorf("host: pid %v, network %v, ipc %v; want %v", i.HostPID, i.HostNetwork, i.HostIPC, tt.host)
			}
			if len(i.PodIPs) != tt.ips || (i.CNIResult != "") != tt.cni {
				t.Errorf("addresses %v, CNI %q", i.PodIPs, i.CNIResult)
			}
		})
	}
	s := read(t, "", "crio-container")
	s.Inherit(read(t, "", "crio-sandbox"))
	if diff := cmp.Diff(map[string]string{"app": "web", "tier": "front"}, s.Info.PodLabels); diff != "" {
		t.Errorf("pod labels (-want +got):\n%s", diff)
	}
}

func TestPrivileged(t *testing.T) {
	const rwm = `"resources":{"devices":[{"allow":true,"access":"rwm"}]}`
	tests := []struct {
		name, caps, linux string
		want              bool
	}{
		{"all", `"CAP_SYS_ADMIN"`, rwm, true},
		{"type a, numbers of cri-o", `"CAP_SYS_ADMIN"`, `"resources":{"devices":[{"allow":true,"type":"a","major":-1,"minor":-1,"access":"rwm"}]}`, true},
		{"one device more", `"CAP_SYS_ADMIN"`, `"resources":{"devices":[{"allow":true,"access":"rwm"},{"allow":false,"type":"b","major":8,"minor":0,"access":"rwm"}]}`, true},
		{"without the capability", `"CAP_NET_ADMIN"`, rwm, false},
		{"masked", `"CAP_SYS_ADMIN"`, `"maskedPaths":["/proc/kcore"],` + rwm, false},
		{"read-only", `"CAP_SYS_ADMIN"`, `"readonlyPaths":["/proc/sys"],` + rwm, false},
		{"one device", `"CAP_SYS_ADMIN"`, `"resources":{"devices":[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":1,"minor":3,"access":"rwm"}]}`, false},
		{"denied after all", `"CAP_SYS_ADMIN"`, `"resources":{"devices":[{"allow":true,"access":"rwm"},{"allow":false,"access":"rwm"}]}`, false},
		{"may only read", `"CAP_SYS_ADMIN"`, `"resources":{"devices":[{"allow":true,"access":"r"}]}`, false},
		{"no device rules", `"CAP_SYS_ADMIN"`, `"namespaces":[]`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Parse("", []byte(`{"ociVersion":"1","process":{"capabilities":{"bounding":[`+tt.caps+`]}},"linux":{`+tt.linux+`}}`))
			if err != nil {
				t.Fatal(err)
			}
			if s.Info.Privileged != tt.want {
				t.Errorf("privileged = %v", s.Info.Privileged)
			}
		})
	}
}

func TestParseError(t *testing.T) {
	whole, err := os.ReadFile("testdata/containerd-container.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 100, len(whole) / 2, len(whole) - 1} {
		if _, err := Parse("", whole[:n]); err == nil {
			t.Errorf("the first %d bytes of %d are taken for all", n, len(whole))
		}
	}
	for _, text := range []string{`{}`, `[]`, `"x"`, `{"ociVersion":"1","mounts":{}}`, `{"ociVersion":"1","annotations":[]}`, `{"ociVersion":1}`} {
		if _, err := Parse("", []byte(text)); err == nil {
			t.Errorf("%s is taken for a specification", text)
		}
	}
	if _, err := Parse("", []byte(`{"ociVersion":"1","mounts":null,"annotations":null,"linux":null,"process":null}`)); err != nil {
		t.Errorf("null: %v", err)
	}
}

// TestOwnMounts hides what a runtime mounts by itself, and no more than that.
func TestOwnMounts(t *testing.T) {
	const spec = `{"ociVersion":"1","annotations":{"io.kubernetes.cri.container-type":"container","io.kubernetes.cri.sandbox-id":"box"},"mounts":[
		{"destination":"/etc/hosts","type":"bind","source":"/var/lib/x/box/hosts"},
		{"destination":"/etc/hostname","type":"bind","source":"/var/lib/x/me/hostname"},
		{"destination":"/etc/hosts","type":"bind","source":"/etc/hosts"},
		{"destination":"/etc/shadow","type":"bind","source":"/var/lib/x/box/shadow"},
		{"destination":"/dev/shm","type":"bind","source":"/srv/boxes/shm"},
		{"destination":"/proc","type":"proc","source":"proc"}]}`
	s, err := Parse("me", []byte(spec))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range s.Info.Mounts {
		got = append(got, m.Source)
	}
	if diff := cmp.Diff([]string{"/etc/hosts", "/var/lib/x/box/shadow", "/srv/boxes/shm"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestHostile has a pod with more of everything than is kept, and annotations that
// look like the runtime's.
func TestHostile(t *testing.T) {
	many := map[string]string{}
	for n := range 1200 {
		many["a"+strconv.Itoa(n)] = strings.Repeat("v", 5000)
	}
	text, _ := json.Marshal(many)
	note, _ := json.Marshal(string(text))
	annotations := strings.TrimSuffix(string(text[1:]), "}") + `,"io.kubernetes.pod.namespace":"kube-system",
		"io.kubernetes.cri-o.ContainerType":"container","io.kubernetes.cri-o.SandboxID":"box",
		"io.kubernetes.cri-o.Metadata":"{\"name\":\"app\"}",
		"io.kubernetes.cri-o.Labels":"{\"io.kubernetes.pod.namespace\":\"shop\",\"io.kubernetes.container.name\":\"app\"}"`
	mounts := strings.Repeat(`{"destination":"/`+strings.Repeat("d", 5000)+`","type":"bind","source":"/s"},`, 400)
	s, err := Parse("", []byte(`{"ociVersion":"1","annotations":{`+annotations+`},"mounts":[`+strings.TrimSuffix(mounts, ",")+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	if i := s.Info; i.PodNamespace != "shop" || i.Name != "app" || i.SandboxID != "box" || len(i.Mounts) != maxMounts || len(i.Mounts[0].Destination) != maxText {
		t.Errorf("namespace %q, name %q, %d mounts", i.PodNamespace, i.Name, len(i.Mounts))
	}
	s, err = Parse("", []byte(`{"ociVersion":"1","annotations":{"io.kubernetes.cri-o.ContainerType":"sandbox","io.kubernetes.cri-o.Labels":`+string(note)+`}}`))
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for k, v := range s.Info.PodLabels {
		size += len(k) + len(v)
	}
	if size == 0 || size > maxAll {
		t.Errorf("%d bytes of labels", size)
	}
}

func TestText(t *testing.T) {
	tests := []struct{ in, want string }{
		{"plain", "plain"},
		{"\xff\xfe", "\uFFFD"},
		{strings.Repeat("x", maxName-1) + "é", strings.Repeat("x", maxName-1)},
		{strings.Repeat("x", maxName+1), strings.Repeat("x", maxName)},
		{strings.Repeat("\x80", maxName+9), "\uFFFD"},
	}
	for _, tt := range tests {
		if got := Name(tt.in); got != tt.want {
			t.Errorf("Name(%q) = %q", tt.in, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(container, data)
		if err != nil {
			return
		}
		s.Inherit(s)
		checkBounds(t, &s.Info)
	})
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"containerd-container", "crio-container", "docker"} {
		b.Run("file="+name, func(b *testing.B) {
			data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(container, data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
