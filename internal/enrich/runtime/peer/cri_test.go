package peer

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/goshawk-security/goshawk/internal/enrich/runtime/fakecri"
	"github.com/goshawk-security/goshawk/internal/event"
)

const uid = "8dbc5577-d0e2-4706-8787-57d52c03ddf2"

var (
	idA     = strings.Repeat("a", 64)
	idB     = strings.Repeat("b", 64)
	imageID = strings.Repeat("1", 64)
	digest  = "sha256:" + strings.Repeat("2", 64)
)

func start(t testing.TB, s *fakecri.Server) *CRI {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	s.Listen(t, socket)
	c, err := NewCRI(func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// info returns what containerd of Debian 12 says when asked for more.
func info(t testing.TB, name string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"info": string(data)}
}

// kubelet are the labels of a container or sandbox, with others.
func kubelet(others map[string]string) map[string]string {
	all := map[string]string{"io.kubernetes.pod.name": "web", "io.kubernetes.pod.namespace": "shop", "io.kubernetes.pod.uid": uid}
	for k, v := range others {
		all[k] = v
	}
	return all
}

// pod adds a sandbox and its container to a runtime.
func pod(s *fakecri.Server, verbose, verboseSandbox map[string]string) {
	s.Containers[idA] = &cri.ContainerStatusResponse{Info: verbose, Status: &cri.ContainerStatus{
		Id: idA, Metadata: &cri.ContainerMetadata{Name: "app"}, State: cri.ContainerState_CONTAINER_RUNNING,
		CreatedAt: 1795711632906761347, StartedAt: 1795711632972392051,
		Image: &cri.ImageSpec{Image: "docker.io/library/app:1"}, ImageRef: "docker.io/library/app@" + digest,
		Labels: kubelet(map[string]string{"io.kubernetes.container.name": "app"}),
		Mounts: []*cri.Mount{
			{ContainerPath: "/host", HostPath: "/", Readonly: true, Propagation: cri.MountPropagation_PROPAGATION_HOST_TO_CONTAINER},
			{ContainerPath: "/data", HostPath: "/srv"},
		},
	}}
	s.Sandboxes[idB] = &cri.PodSandboxStatusResponse{Info: verboseSandbox, Status: &cri.PodSandboxStatus{
		Id: idB, Metadata: &cri.PodSandboxMetadata{Name: "web", Namespace: "shop", Uid: uid}, CreatedAt: 1795711632833374885,
		Labels:  kubelet(map[string]string{"tier": "front"}),
		Network: &cri.PodSandboxNetworkStatus{Ip: "10.97.0.3", AdditionalIps: []*cri.PodIP{{Ip: "fd00::3"}}},
		Linux:   &cri.LinuxPodSandboxStatus{Namespaces: &cri.Namespace{Options: &cri.NamespaceOption{Pid: cri.NamespaceMode_CONTAINER}}},
	}}
	s.Images["docker.io/library/app@"+digest] = &cri.Image{Id: "sha256:" + imageID, RepoDigests: []string{"docker.io/library/app@" + digest}}
}

// wantApp is what is to be said of that container.
func wantApp() event.ContainerInfo {
	return event.ContainerInfo{
		Name: "app", Image: "docker.io/library/app:1", ImageID: imageID, ImageDigest: digest,
		Labels: kubelet(map[string]string{"io.kubernetes.container.name": "app"}),
		Mounts: []event.Mount{
			{Source: "/", Destination: "/host", Propagation: "rslave"},
			{Source: "/srv", Destination: "/data", Writable: true, Propagation: "rprivate"},
		},
		Created: 1795711632906761347, Started: 1795711632972392051,
		PodName: "web", PodNamespace: "shop", PodUID: uid, PodLabels: map[string]string{"tier": "front"},
		PodIPs: []string{"10.97.0.3", "fd00::3"}, SandboxID: idB,
	}
}

func TestAsk(t *testing.T) {
	tests := []struct {
		name string
		info string // verbose, of the container
		want func(*event.ContainerInfo)
	}{
		{"nothing more said", "", func(*event.ContainerInfo) {}},
		{"not JSON", "{", func(*event.ContainerInfo) {}},
		{"other types", `{"sandboxID":7,"privileged":"yes","config":[],"runtimeSpec":"x"}`, func(*event.ContainerInfo) {}},
		{"containerd's configuration", `{"sandboxID":"` + idB + `","config":{"image":{"image":"sha256:x","user_specified_image":"app:2"},"linux":{"security_context":{"privileged":true,"run_as_user":{"value":0}}}}}`,
			func(i *event.ContainerInfo) { i.Privileged, i.User, i.Image = true, "0", "docker.io/library/app:2" }},
		{"a user's name", `{"sandboxID":"` + idB + `","config":{"linux":{"security_context":{"run_as_username":"www","run_as_user":{"value":0}}}}}`,
			func(i *event.ContainerInfo) { i.User = "www" }},
		{"cri-o", `{"sandboxID":"` + idB + `","pid":1,"privileged":true,"runtimeSpec":{"ociVersion":"1","process":{"user":{"uid":5,"gid":6}},"linux":{"namespaces":[{"type":"pid"},{"type":"ipc"},{"type":"network","path":"/x"}]}}}`,
			func(i *event.ContainerInfo) { i.Privileged, i.User = true, "5:6" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := fakecri.New()
			pod(s, map[string]string{"info": tt.info}, nil)
			s.InSandbox[idA] = idB
			got, err := start(t, s).Ask(t.Context(), Question{ID: idA})
			if err != nil {
				t.Fatal(err)
			}
			want := wantApp()
			tt.want(&want)
			if diff := cmp.Diff(want, got.Info); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !got.Namespaces || got.Pending || s.Calls("ListContainers") > 1 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestAskReal has what containerd says itself, of pods made by it.
func TestAskReal(t *testing.T) {
	const cni = `{"Interfaces":{"eth0":`
	tests := []struct {
		name                      string
		privileged, host, cniSaid bool
	}{
		{"pod", false, false, true},
		{"host", false, true, false},
		{"priv", true, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := fakecri.New()
			pod(s, info(t, "containerd-"+tt.name+"-container"), info(t, "containerd-"+tt.name+"-sandbox"))
			var v struct{ SandboxID string }
			if err := json.Unmarshal([]byte(s.Containers[idA].Info["info"]), &v); err != nil {
				t.Fatal(err)
			}
			box := s.Sandboxes[idB]
			box.Status.Id = v.SandboxID
			if tt.host {
				node := cri.NamespaceMode_NODE
				box.Status.Linux.Namespaces.Options = &cri.NamespaceOption{Pid: node, Network: node, Ipc: node}
				box.Status.Network = nil
			}
			s.Sandboxes[v.SandboxID] = box
			c := start(t, s)
			for range 2 {
				got, err := c.Ask(t.Context(), Question{ID: idA})
				if err != nil {
					t.Fatal(err)
				}
				i := got.Info
				if i.Privileged != tt.privileged || i.HostPID != tt.host || i.HostNetwork != tt.host || i.HostIPC != tt.host ||
					strings.HasPrefix(i.CNIResult, cni) != tt.cniSaid || i.User != "1000:0" || i.SandboxID != v.SandboxID {
					t.Errorf("%+v", i)
				}
			}
			if s.Calls("PodSandboxStatus") != 1 || s.Calls("ImageStatus") != 1 {
				t.Error("pod or image were not remembered")
			}
			got, err := c.Ask(t.Context(), Question{ID: v.SandboxID})
			if err != nil {
				t.Fatal(err)
			}
			if i := got.Info; !i.Sandbox || i.Privileged || i.PodName != "web" || i.Image != "localhost/bb:1" {
				t.Errorf("sandbox: %+v", i)
			}
		})
	}
}

func TestImage(t *testing.T) {
	tests := []struct {
		name                string
		image, ref, id      string
		status              *cri.Image
		want, wantID, want3 string
	}{
		{"containerd, loaded from a file", "localhost/app:1", "sha256:" + imageID, "", &cri.Image{Id: "sha256:" + imageID, RepoTags: []string{"localhost/app:1"}}, "localhost/app:1", imageID, ""},
		{"the kubelet asked by id", "sha256:" + imageID, "quay.io/app@" + digest, "", &cri.Image{Id: "sha256:" + imageID, RepoTags: []string{"quay.io/app:3"}, RepoDigests: []string{"quay.io/app@" + digest}}, "quay.io/app@" + digest, imageID, digest},
		{"cri-o", "quay.io/app:3", imageID, imageID, &cri.Image{Id: imageID, RepoDigests: []string{"x/y@sha256:" + strings.Repeat("3", 64), "quay.io/app@" + digest}}, "quay.io/app:3", imageID, digest},
		{"the image is gone", "quay.io/app:3", "quay.io/app@" + digest, "", nil, "quay.io/app:3", "", digest},
		{"only an id, and tags", "", "sha256:" + imageID, "", &cri.Image{RepoTags: []string{"quay.io/app:3"}}, "quay.io/app:3", imageID, ""},
		{"nothing", "", "", "", nil, "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := fakecri.New()
			pod(s, nil, nil)
			st := s.Containers[idA].Status
			st.Image.Image, st.ImageRef, st.ImageId = tt.image, tt.ref, tt.id
			clear(s.Images)
			if tt.status != nil {
				s.Images[tt.ref] = tt.status
			}
			got, err := start(t, s).Ask(t.Context(), Question{ID: idA, Role: App})
			if err != nil {
				t.Fatal(err)
			}
			if i := got.Info; i.Image != tt.want || i.ImageID != tt.wantID || i.ImageDigest != tt.want3 {
				t.Errorf("image %q, id %q, digest %q", i.Image, i.ImageID, i.ImageDigest)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	answer := func(code codes.Code) func(context.Context, string, string) error {
		return func(context.Context, string, string) error { return status.Error(code, "x") }
	}
	hang := func(ctx context.Context, _, _ string) error { <-ctx.Done(); return ctx.Err() }
	tests := []struct {
		name   string
		change func(*fakecri.Server)
		role   Role
		want   error // nil: another one
	}{
		{"unknown", func(s *fakecri.Server) { clear(s.Containers) }, Any, ErrUnknown},
		{"unknown container", func(s *fakecri.Server) { clear(s.Containers) }, App, ErrUnknown},
		{"unknown sandbox", func(*fakecri.Server) {}, Sandbox, ErrUnknown},
		{"unimplemented", func(s *fakecri.Server) { s.Before = answer(codes.Unimplemented) }, Any, ErrOther},
		{"unavailable", func(s *fakecri.Server) { s.Before = answer(codes.Unavailable) }, Any, ErrGone},
		{"hung", func(s *fakecri.Server) { s.Before = hang }, Any, ErrSilent},
		{"hung at the sandbox", func(s *fakecri.Server) {
			s.Before = func(ctx context.Context, method, id string) error {
				if method == "PodSandboxStatus" {
					return hang(ctx, method, id)
				}
				return nil
			}
		}, Any, ErrSilent},
		{"hung at the image", func(s *fakecri.Server) {
			s.Before = func(ctx context.Context, method, id string) error {
				if method == "ImageStatus" {
					return hang(ctx, method, id)
				}
				return nil
			}
		}, Any, ErrSilent},
		{"internal", func(s *fakecri.Server) { s.Before = answer(codes.Internal) }, Any, nil},
		{"another container", func(s *fakecri.Server) { s.Containers[idA].Status.Id = idB }, Any, ErrWrong},
		{"no status", func(s *fakecri.Server) { s.Containers[idA].Status = nil }, Any, ErrWrong},
		{"another sandbox", func(s *fakecri.Server) { s.Sandboxes[idA] = s.Sandboxes[idB] }, Sandbox, ErrWrong},
		{"huge", func(s *fakecri.Server) {
			s.Containers[idA].Info = map[string]string{"info": strings.Repeat("x", 5<<20)}
		}, Any, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := fakecri.New()
			pod(s, nil, nil)
			s.InSandbox[idA] = idB
			tt.change(s)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if tt.want == ErrSilent {
				ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
			}
			defer cancel()
			got, err := start(t, s).Ask(ctx, Question{ID: idA, Role: tt.role})
			if err == nil {
				t.Fatalf("Ask = %+v", got)
			}
			known := false
			for _, e := range []error{ErrUnknown, ErrSilent, ErrGone, ErrOther, ErrWrong} {
				known = known || errors.Is(err, e)
				if errors.Is(err, e) != (e == tt.want) {
					t.Errorf("%v is %v", err, e)
				}
			}
			if known != (tt.want != nil) {
				t.Errorf("Ask: %v", err)
			}
		})
	}
}

// TestHuge has a container with more than is kept of everything.
func TestHuge(t *testing.T) {
	s := fakecri.New()
	pod(s, nil, nil)
	s.InSandbox[idA] = idB
	st, box := s.Containers[idA].Status, s.Sandboxes[idB].Status
	for range 5000 {
		st.Mounts = append(st.Mounts, &cri.Mount{HostPath: strings.Repeat("p", 100)})
		box.Network.AdditionalIps = append(box.Network.AdditionalIps, &cri.PodIP{Ip: "10.0.0.1"})
	}
	for _, labels := range []map[string]string{st.Labels, box.Labels} {
		for n := range 2000 {
			labels[strings.Repeat("k", n%900)+string(rune('0'+n%70))+strings.Repeat("l", n/10)] = strings.Repeat("v", n)
		}
	}
	s.Sandboxes[idB].Info = map[string]string{"info": `{"cniResult":"` + strings.Repeat("x", 100<<10) + `"}`}
	got, err := start(t, s).Ask(t.Context(), Question{ID: idA})
	if err != nil {
		t.Fatal(err)
	}
	if i := got.Info; len(i.Mounts) > 256 || len(i.Labels) > 256 || len(i.PodLabels) > 256 || len(i.PodIPs) > 16 || i.CNIResult != "" {
		t.Errorf("%d mounts, %d and %d labels, %d addresses, %d bytes of CNI", len(i.Mounts), len(i.Labels), len(i.PodLabels), len(i.PodIPs), len(i.CNIResult))
	}
}

func TestHello(t *testing.T) {
	s := fakecri.New()
	s.Info = map[string]string{"config": `{"stateDir":"/srv/state/io.containerd.grpc.v1.cri"}`}
	hi, err := start(t, s).Hello(t.Context())
	if want := (Greeting{"containerd", "1", "/srv/state"}); err != nil || hi != want {
		t.Errorf("Hello = %+v, %v", hi, err)
	}
	s = fakecri.New()
	s.Name = "cri-o"
	if hi, err = start(t, s).Hello(t.Context()); err != nil || hi.Name != "cri-o" || hi.State != "" {
		t.Errorf("Hello = %+v, %v", hi, err)
	}
}

func FuzzVerbose(f *testing.F) {
	files, err := filepath.Glob("testdata/containerd-*.json")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Add(`{"sandboxID":"x","privileged":true,"runtimeSpec":{"ociVersion":"1","annotations":{"io.kubernetes.cri-o.ContainerType":"sandbox"}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		v := parseVerbose(idA, text)
		s := v.said()
		for _, text := range []string{v.sandbox(), v.cni(), s.Info.User, s.Info.Image, s.Info.Name} {
			if len(text) > 32<<10 || !utf8.ValidString(text) {
				t.Errorf("%d bytes, UTF-8 %v", len(text), utf8.ValidString(text))
			}
		}
	})
}
