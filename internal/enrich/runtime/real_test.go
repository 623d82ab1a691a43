package runtime

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const (
	busybox = "/bin/busybox"
	plugins = "/usr/lib/cni"
	image   = "localhost/goshawk-test:1"
)

// daemon is a containerd of the test's own, with what it needs to run pods.
type daemon struct {
	t       *testing.T
	dir     string
	process *exec.Cmd
	runtime cri.RuntimeServiceClient
	network bool // pods have one of their own
	pods    int
}

// startDaemon starts a containerd, or skips the test where that cannot be.
func startDaemon(t *testing.T) *daemon {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a containerd needs root")
	}
	for _, program := range []string{"containerd", "ctr", "runc", busybox} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed: apt-get install containerd runc busybox-static", program)
		}
	}
	d := &daemon{t: t, dir: t.TempDir()}
	_, err := os.Stat(filepath.Join(plugins, "ptp"))
	d.network = err == nil
	for name, text := range map[string]string{
		"config.toml": fmt.Sprintf(`version = 2
root = "%[1]s/root"
state = "%[1]s/state"
[grpc]
  address = "%[1]s/c.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "%[2]s"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "%[3]s"
    conf_dir = "%[1]s"
`, d.dir, image, plugins),
		"10.conflist": `{"cniVersion":"0.4.0","name":"goshawk-test","plugins":[{"type":"ptp","ipMasq":false,
			"ipam":{"type":"host-local","dataDir":"` + d.dir + `/ipam","ranges":[[{"subnet":"10.213.77.0/24"}]]}}]}`,
	} {
		if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.start()
	t.Cleanup(d.stop)
	archive := filepath.Join(d.dir, "image.tar")
	if err := os.WriteFile(archive, imageArchive(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("ctr", "-a", d.socket(), "-n", "k8s.io", "images", "import", archive).CombinedOutput(); err != nil {
		t.Fatalf("import the image: %v\n%s", err, out)
	}
	conn, err := grpc.NewClient("passthrough:///localhost", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			var n net.Dialer
			return n.DialContext(ctx, "unix", d.socket())
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	d.runtime = cri.NewRuntimeServiceClient(conn)
	t.Cleanup(d.remove)
	return d
}

func (d *daemon) socket() string { return filepath.Join(d.dir, "c.sock") }

// start waits until the daemon listens.
func (d *daemon) start() {
	d.t.Helper()
	log, err := os.OpenFile(filepath.Join(d.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer log.Close()
	d.process = exec.Command("containerd", "-c", filepath.Join(d.dir, "config.toml"))
	d.process.Stdout, d.process.Stderr = log, log
	if err := d.process.Start(); err != nil {
		d.t.Fatal(err)
	}
	for deadline := time.Now().Add(soon); ; time.Sleep(20 * time.Millisecond) {
		if exec.Command("ctr", "-a", d.socket(), "version").Run() == nil {
			return
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(filepath.Join(d.dir, "log"))
			d.t.Fatalf("containerd does not listen:\n%s", text)
		}
	}
}

func (d *daemon) stop() {
	_ = d.process.Process.Signal(syscall.SIGCONT)
	_ = d.process.Process.Signal(syscall.SIGTERM)
	_ = d.process.Wait()
}

func (d *daemon) signal(s os.Signal) {
	if err := d.process.Process.Signal(s); err != nil {
		d.t.Fatal(err)
	}
}

// remove removes all pods. What it cannot remove, nobody can.
func (d *daemon) remove() {
	ctx := context.Background()
	all, err := d.runtime.ListPodSandbox(ctx, &cri.ListPodSandboxRequest{})
	if err != nil {
		d.t.Error(err)
		return
	}
	for _, pod := range all.Items {
		_, err := d.runtime.StopPodSandbox(ctx, &cri.StopPodSandboxRequest{PodSandboxId: pod.Id})
		_, err2 := d.runtime.RemovePodSandbox(ctx, &cri.RemovePodSandboxRequest{PodSandboxId: pod.Id})
		if err := errors.Join(err, err2); err != nil {
			d.t.Errorf("remove a pod: %v", err)
		}
	}
}

// pod runs a pod of one container.
func (d *daemon) pod(host, privileged bool) (sandbox, container string) {
	d.t.Helper()
	d.pods++
	name := fmt.Sprint("web-", d.pods)
	own, pid := cri.NamespaceMode_POD, cri.NamespaceMode_CONTAINER
	if host {
		own, pid = cri.NamespaceMode_NODE, cri.NamespaceMode_NODE
	}
	network := own
	if !d.network {
		network = cri.NamespaceMode_NODE
	}
	ns := &cri.NamespaceOption{Network: network, Pid: pid, Ipc: own}
	labels := map[string]string{"app": "web", "io.kubernetes.pod.name": name, "io.kubernetes.pod.namespace": "shop", "io.kubernetes.pod.uid": uid}
	config := &cri.PodSandboxConfig{
		Metadata: &cri.PodSandboxMetadata{Name: name, Namespace: "shop", Uid: uid}, LogDirectory: d.dir, Labels: labels,
		Linux: &cri.LinuxPodSandboxConfig{
			CgroupParent:    "/goshawk-test/" + name,
			SecurityContext: &cri.LinuxSandboxSecurityContext{NamespaceOptions: ns, Privileged: privileged},
		},
	}
	ctx := d.t.Context()
	pod, err := d.runtime.RunPodSandbox(ctx, &cri.RunPodSandboxRequest{Config: config})
	if err != nil {
		d.t.Fatal(err)
	}
	c, err := d.runtime.CreateContainer(ctx, &cri.CreateContainerRequest{PodSandboxId: pod.PodSandboxId, SandboxConfig: config,
		Config: &cri.ContainerConfig{
			Metadata: &cri.ContainerMetadata{Name: "app"}, Image: &cri.ImageSpec{Image: image}, Command: []string{"/bin/busybox", "sleep", "3600"},
			LogPath: name + ".log", Labels: map[string]string{"io.kubernetes.container.name": "app"},
			Mounts: []*cri.Mount{{ContainerPath: "/data", HostPath: d.dir, Readonly: true}},
			Linux: &cri.LinuxContainerConfig{SecurityContext: &cri.LinuxContainerSecurityContext{
				NamespaceOptions: ns, Privileged: privileged, RunAsUser: &cri.Int64Value{Value: 1000},
				MaskedPaths: []string{"/proc/kcore"}, ReadonlyPaths: []string{"/proc/sys"},
			}},
		}})
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.runtime.StartContainer(ctx, &cri.StartContainerRequest{ContainerId: c.ContainerId}); err != nil {
		d.t.Fatal(err)
	}
	return pod.PodSandboxId, c.ContainerId
}

// imageArchive makes an image of busybox alone, as docker save writes it.
func imageArchive(t *testing.T) []byte {
	t.Helper()
	program, err := os.ReadFile(busybox)
	if err != nil {
		t.Fatal(err)
	}
	pack := func(files ...any) []byte {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		for i := 0; i < len(files); i += 2 {
			data := files[i+1].([]byte)
			if err := w.WriteHeader(&tar.Header{Name: files[i].(string), Mode: 0o755, Size: int64(len(data))}); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(w, bytes.NewReader(data)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	layer := pack("bin/busybox", program)
	config := fmt.Appendf(nil, `{"architecture":"amd64","os":"linux","config":{"Cmd":["/bin/busybox","sleep","3600"]},"rootfs":{"type":"layers","diff_ids":["sha256:%x"]}}`, sha256.Sum256(layer))
	name := fmt.Sprintf("%x.json", sha256.Sum256(config))
	manifest, err := json.Marshal([]map[string]any{{"Config": name, "RepoTags": []string{image}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		t.Fatal(err)
	}
	return pack(name, config, "layer.tar", layer, "manifest.json", manifest)
}

// box returns a box whose Client asks a daemon.
func (d *daemon) box(change func(*box)) *box {
	return newBox(d.t, func(b *box) {
		b.Client = New(Config{Sockets: []string{d.socket()}, Report: b.report}, b.log)
		b.pace.probe, b.pace.owed = 200*time.Millisecond, 200*time.Millisecond
		// The socket is not beside the state: containerd says where that is.
		if change != nil {
			change(b)
		}
	})
}

// TestContainerd has Debian's containerd make pods, and is told of containers as soon
// as their bundle's directory is there.
func TestContainerd(t *testing.T) {
	d := startDaemon(t)
	b := d.box(nil)
	b.until("place of bundles", func() bool { return b.lines("found a container runtime") == 1 })
	time.Sleep(50 * time.Millisecond)
	stop := b.watch(filepath.Join(d.dir, "state/io.containerd.runtime.v2.task/k8s.io"))
	for _, tt := range []struct{ host, privileged bool }{{false, false}, {true, false}, {false, true}} {
		sandbox, container := d.pod(tt.host, tt.privileged)
		a := b.wait(container, "start", func(all []Answer) bool {
			return len(all) > 0 && all[len(all)-1].Info != nil && all[len(all)-1].Info.Started != 0
		})
		i := a.Info
		if missed(b.of(container)) != 0 || a.Runtime != "containerd" || i.Name != "app" || i.Image != image || len(i.ImageID) != 64 ||
			i.PodNamespace != "shop" || i.PodUID != uid || !strings.HasPrefix(i.PodName, "web-") || i.PodLabels["app"] != "web" || len(i.PodLabels) != 1 ||
			i.SandboxID != sandbox || i.User != "1000:0" || i.Privileged != tt.privileged || i.HostPID != tt.host || i.HostIPC != tt.host ||
			i.HostNetwork != (tt.host || !d.network) || len(i.PodIPs) == 1 == i.HostNetwork || (i.CNIResult != "") == i.HostNetwork ||
			len(i.Mounts) == 0 || i.Mounts[0].Destination != "/data" || i.Mounts[0].Writable || time.Since(time.Unix(0, int64(i.Started))) > time.Minute {
			t.Errorf("%+v: %+v", tt, i)
		}
		all := b.of(container)
		first := all[slices.IndexFunc(all, func(a Answer) bool { return a.Answered&file != 0 })]
		if first.Missed != 0 || first.Info == nil || first.Info.Image != image || first.Info.HostPID != tt.host ||
			first.Info.HostNetwork != i.HostNetwork || first.Info.Privileged != tt.privileged || len(first.Info.Mounts) != len(i.Mounts) {
			t.Errorf("%+v: the bundle says %+v", tt, first.Info)
		}
		b.answered(sandbox)
		if a := b.wait(sandbox, "answers", func(all []Answer) bool { return missed(all) == 0 }); !a.Info.Sandbox || a.Info.Started == 0 {
			t.Errorf("sandbox: %+v", a.Info)
		}
	}
	stop()
	b.until("end", func() bool { return b.Stats().Tracked == 0 })
	if s := b.Stats(); s.MissedBundle+s.MissedRuntime != 0 {
		t.Errorf("stats %+v", s)
	}
	if b.Health() != nil {
		t.Errorf("Health = %v", b.Health())
	}
}

// watch asks for what appears in a directory, and tells how long the answers took.
func (b *box) watch(dir string) (stop func()) {
	asked := map[string]time.Time{}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			entries, _ := os.ReadDir(dir)
			for _, e := range entries {
				if _, ok := asked[e.Name()]; !ok {
					asked[e.Name()] = time.Now()
					b.ask(e.Name())
				}
			}
			select {
			case <-done:
				return
			case <-time.After(200 * time.Microsecond):
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		for id, since := range asked {
			for _, a := range b.times(id) {
				b.t.Logf("%.12s: %v after %v", id, a.Answered, a.at.Sub(since).Round(10*time.Microsecond))
			}
		}
	}
}

// TestContainerdFails stops, kills and starts containerd.
func TestContainerdFails(t *testing.T) {
	d := startDaemon(t)
	_, container := d.pod(true, false)
	_, other := d.pod(true, false)
	b := d.box(func(b *box) { b.patience(time.Second) })
	b.until("place of bundles", func() bool { return b.lines("found a container runtime") == 1 })
	b.ask(container)
	if _, missed := b.answered(container); missed != 0 {
		t.Fatalf("missed %v", missed)
	}
	b.until("end", func() bool { return b.Stats().Tracked == 0 })

	d.signal(syscall.SIGSTOP)
	b.ask(id(1)) // not there at all
	b.ask(id(2))
	b.ask(other)
	if _, missed := b.answered(other); missed&api == 0 {
		t.Errorf("missed %v", missed)
	}
	b.until("conclusion", func() bool { return b.Stats().Down == 1 && b.Health() != nil })
	d.signal(syscall.SIGCONT)
	b.wait(other, "late answer", func(all []Answer) bool { return missed(all)&api == 0 })
	b.until("health", func() bool { return b.Health() == nil })
	b.until("end", func() bool { return b.Stats().Tracked == 0 })

	d.signal(syscall.SIGKILL)
	_ = d.process.Wait()
	b.Forget(container)
	before := len(b.of(container))
	b.ask(container)
	b.wait(container, "bundle", func(all []Answer) bool { return len(all) > before })
	d.start()
	b.wait(container, "answer of the new one", func(all []Answer) bool { return missed(all[before:]) == 0 && sources(all[before:]) == bothSources })
}
