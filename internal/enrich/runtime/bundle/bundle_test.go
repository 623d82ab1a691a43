package bundle

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

var (
	idA = strings.Repeat("a", 64)
	idB = strings.Repeat("b", 64)
)

// app and box are bundles of a container and its sandbox, whose namespaces it joins.
func app(sandbox string) string {
	return `{"ociVersion":"1","annotations":{"io.kubernetes.cri.container-type":"container",
		"io.kubernetes.cri.container-name":"app","io.kubernetes.cri.sandbox-id":"` + sandbox + `"},
		"linux":{"namespaces":[{"type":"pid"},{"type":"network","path":"/proc/7/ns/net"},{"type":"ipc"}]}}`
}

const box = `{"ociVersion":"1","annotations":{"io.kubernetes.cri.container-type":"sandbox"},
	"linux":{"namespaces":[{"type":"pid"},{"type":"ipc"}]}}`

func write(t *testing.T, root, name, text string) {
	t.Helper()
	p := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRead(t *testing.T) {
	const v2 = "/io.containerd.runtime.v2.task/"
	tests := []struct {
		name, dir, want string // dir of all bundles, with ID for the id; want is the runtime
		asked           string // whose runtime was known
	}{
		{"containerd", "run/containerd" + v2 + "k8s.io/ID", "containerd", ""},
		{"containerd, before 1.4", "run/containerd/io.containerd.runtime.v1.linux/k8s.io/ID", "containerd", "containerd"},
		{"k3s", "run/k3s/containerd" + v2 + "k8s.io/ID", "containerd", ""},
		{"microk8s", "var/snap/microk8s/common/run/containerd" + v2 + "k8s.io/ID", "containerd", ""},
		{"learned", "srv/state" + v2 + "k8s.io/ID", "containerd", ""},
		{"another namespace", "run/containerd" + v2 + "builds/ID", "containerd", ""},
		{"docker", "run/docker/containerd/daemon" + v2 + "moby/ID", "containerd", ""},
		{"cri-o", "run/containers/storage/overlay-containers/ID/userdata", "containerd", "cri-o"},
		{"podman", "var/lib/containers/storage/overlay-containers/ID/userdata", "containerd", "podman"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, strings.Replace(tt.dir, "ID", idA, 1)+"/config.json", app(idB))
			write(t, root, strings.Replace(tt.dir, "ID", idB, 1)+"/config.json", box)
			write(t, root, "run/containerd"+v2+"file", "not a namespace")
			r := New(root)
			r.Learn("/srv/state")
			for range 2 { // the second time the sandbox is remembered
				spec, err := r.Read(idA, tt.asked)
				if err != nil {
					t.Fatal(err)
				}
				if i := spec.Info; spec.Runtime != tt.want || i.Name != "app" || !i.HostNetwork || i.HostPID {
					t.Errorf("runtime %q, %+v", spec.Runtime, i)
				}
			}
			if _, err := r.Read(strings.Repeat("c", 64), ""); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a container that is not there: %v", err)
			}
		})
	}
}

func TestReadPlain(t *testing.T) {
	root := t.TempDir()
	write(t, root, "run/containerd/io.containerd.runtime.v2.task/moby/"+idA+"/config.json", `{"ociVersion":"1"}`)
	write(t, root, "run/containerd/io.containerd.runtime.v2.task/default/"+idB+"/config.json", `{"ociVersion":"1"}`)
	for id, want := range map[string]string{idA: "docker", idB: "containerd"} {
		if spec, err := New(root).Read(id, ""); err != nil || spec.Runtime != want {
			t.Errorf("%+v, %v; want %s", spec, err, want)
		}
	}
}

// TestReadHostile has files that must not be read.
func TestReadHostile(t *testing.T) {
	const dir = "run/containerd/io.containerd.runtime.v2.task/k8s.io/"
	tests := []struct {
		name string
		make func(path string) error
		want string
	}{
		{"link", func(p string) error { return os.Symlink("../ok/config.json", p) }, "too many levels of symbolic links"},
		{"pipe", func(p string) error { return unix.Mkfifo(p, 0o600) }, "not a regular file"},
		{"directory", func(p string) error { return os.Mkdir(p, 0o700) }, "not a regular file"},
		{"too long", func(p string) error {
			if err := os.WriteFile(p, []byte("{"), 0o600); err != nil {
				return err
			}
			return os.Truncate(p, 5<<20)
		}, "longer than"},
		{"half", func(p string) error { return os.WriteFile(p, []byte(box[:40]), 0o600) }, "unexpected end"},
		{"empty", func(p string) error { return os.WriteFile(p, nil, 0o600) }, "unexpected end"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, dir+"ok/config.json", box)
			if err := os.Mkdir(filepath.Join(root, dir, idA), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := tt.make(filepath.Join(root, dir, idA, "config.json")); err != nil {
				t.Fatal(err)
			}
			_, err := New(root).Read(idA, "")
			if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Read = %v, want %q", err, tt.want)
			}
		})
	}
}

// TestRoot has /var/run as an absolute link, seen where the node's files are mounted.
func TestRoot(t *testing.T) {
	root := t.TempDir()
	write(t, root, "elsewhere/io.containerd.runtime.v2.task/k8s.io/"+idA+"/config.json", box)
	if err := os.MkdirAll(filepath.Join(root, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/elsewhere", filepath.Join(root, "run/containerd")); err != nil {
		t.Fatal(err)
	}
	if spec, err := New(root).Read(idA, ""); err != nil || !spec.Info.Sandbox {
		t.Errorf("%+v, %v", spec, err)
	}
}

// TestSandboxMissing has a container whose sandbox cannot be read, or is no sandbox.
func TestSandboxMissing(t *testing.T) {
	const dir = "run/containerd/io.containerd.runtime.v2.task/k8s.io/"
	for _, sandbox := range []string{idB, "../" + idB, idA, ""} {
		root := t.TempDir()
		write(t, root, dir+idA+"/config.json", app(sandbox))
		write(t, root, dir+idB+"/config.json", app(idB))
		spec, err := New(root).Read(idA, "")
		if err != nil || spec.Info.Name != "app" || spec.Info.HostNetwork {
			t.Errorf("sandbox %q: %+v, %v", sandbox, spec, err)
		}
	}
}

func TestValidID(t *testing.T) {
	for id, want := range map[string]bool{idA: true, "web-1_x": true, "": false, "..": false, "a/b": false, "a.b": false, strings.Repeat("a", 129): false, "a\x00": false} {
		if ValidID(id) != want {
			t.Errorf("ValidID(%q) = %v", id, !want)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	root := b.TempDir()
	data, err := os.ReadFile("../oci/testdata/containerd-container.json")
	if err != nil {
		b.Fatal(err)
	}
	p := filepath.Join(root, "run/containerd/io.containerd.runtime.v2.task/k8s.io", idA)
	if err := os.MkdirAll(p, 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p, "config.json"), data, 0o600); err != nil {
		b.Fatal(err)
	}
	r := New(root)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Read(idA, ""); err != nil {
			b.Fatal(err)
		}
	}
}
