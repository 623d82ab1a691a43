package workload

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goshawk-security/goshawk/internal/enrich/budget"
	"github.com/goshawk-security/goshawk/internal/event"
)

// tree makes files below a new directory: a name that ends in / is a directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestHierarchy(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"v2", "0::/init.scope\n", ""},
		{"v1", "3:pids:/\n2:memory:/\n1:name=systemd:/\n", "pids"},
		{"hybrid", "3:pids:/\n2:cpu,cpuacct:/\n0::/\n", "pids"},
		{"no pids", "3:memory:/\n2:cpu,cpuacct:/\n", "memory"},
		{"cpu", "2:cpu,cpuacct:/\n", "cpu"},
		{"systemd alone", "1:name=systemd:/\n0::/\n", "name=systemd"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Hierarchy(tree(t, map[string]string{"self/cgroup": tt.file}))
			if err != nil || got != tt.want {
				t.Errorf("Hierarchy = %q, %v; want %q", got, err, tt.want)
			}
		})
	}
	if _, err := Hierarchy(t.TempDir()); err == nil {
		t.Error("a directory without processes has a hierarchy")
	}
	if got, err := Hierarchy(tree(t, map[string]string{"1/cgroup": "2:pids:/\n"})); err != nil || got != "pids" {
		t.Errorf("without self: %q, %v", got, err)
	}
	if _, err := Hierarchy("/proc"); err != nil {
		t.Errorf("this machine: %v", err)
	}
}

// newResolver makes a Resolver of a v1 system with the cgroups dirs.
func newResolver(t *testing.T, maxCgroups int, dirs ...string) (*Resolver, string) {
	t.Helper()
	files := map[string]string{"cg/pids/": ""}
	for _, d := range dirs {
		files["cg/pids"+d+"/"] = ""
	}
	files["proc/self/cgroup"] = "2:pids:/\n"
	files["proc/7/cgroup"] = "2:pids:/docker/" + idA + "\n"
	root := tree(t, files)
	r, err := New(Config{ProcRoot: filepath.Join(root, "proc"), CgroupRoot: filepath.Join(root, "cg"), MaxCgroups: maxCgroups})
	if err != nil {
		t.Fatal(err)
	}
	return r, filepath.Join(root, "cg/pids")
}

func mustInode(t *testing.T, path string) uint64 {
	t.Helper()
	id, ok := inode(path)
	if !ok {
		t.Fatalf("no inode number of %s", path)
	}
	return id
}

func TestWalk(t *testing.T) {
	r, mount := newResolver(t, 100, "/docker/"+idA+"/inner", "/system.slice")
	if err := r.Walk(context.Background()); err != nil {
		t.Fatal(err)
	}
	outer, ok := r.Container(mustInode(t, filepath.Join(mount, "docker", idA)))
	if !ok || outer == nil || outer.FullID != idA {
		t.Fatalf("container = %+v, %v", outer, ok)
	}
	inner, ok := r.Container(mustInode(t, filepath.Join(mount, "docker", idA, "inner")))
	if !ok || inner != outer {
		t.Errorf("the cgroup below has %+v, %v; want the same container", inner, ok)
	}
	id := mustInode(t, filepath.Join(mount, "system.slice"))
	if c, ok := r.Container(id); !ok || c != nil || r.Path(id) != "/system.slice" {
		t.Errorf("host cgroup: %+v, %v, %q", c, ok, r.Path(id))
	}
	if s := r.Stats(); s.Cgroups != 5 || s.Containers != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestWalkMissing(t *testing.T) {
	r, mount := newResolver(t, 100)
	if err := os.RemoveAll(mount); err != nil {
		t.Fatal(err)
	}
	if err := r.Walk(context.Background()); err == nil {
		t.Error("no error without a cgroup file system")
	}
}

func components(leafFirst ...string) event.Components {
	return event.Components{Bytes: []byte(strings.Join(leafFirst, "/") + "/"), Valid: true}
}

func TestAnnounce(t *testing.T) {
	r, _ := newResolver(t, 16)
	if path := r.Announce(5, components(idA, "docker")); path != "/docker/"+idA {
		t.Errorf("path %q", path)
	}
	first, _ := r.Container(5)
	r.Announce(6, components("below", idA, "docker"))
	if c, ok := r.Container(6); !ok || c != first {
		t.Errorf("two cgroups of one container: %p and %p", c, first)
	}
	cut := components(idA, "docker")
	cut.Truncated = true
	if path := r.Announce(5, cut); path != "/docker/"+idA {
		t.Errorf("a cut path took the place of a whole one: %q", path)
	}
	again := components(idA, "docker")
	if n := testing.AllocsPerRun(100, func() { r.Announce(5, again) }); n != 0 {
		t.Errorf("announcing again allocates %v times", n)
	}
	r.Remove(5)
	if _, ok := r.Container(5); ok {
		t.Error("still there after its removal")
	}
	r.Remove(6)
	r.Remove(6)
	if s := r.Stats(); s.Cgroups != 0 || s.Containers != 0 {
		t.Errorf("stats %+v after all were removed", s)
	}
}

func TestBounded(t *testing.T) {
	r, _ := newResolver(t, 16)
	for id := uint64(1); id <= 1000; id++ {
		r.Announce(id, components(idA, "docker"))
		if id%3 == 0 {
			r.Remove(id)
		}
	}
	if s := r.Stats(); s.Cgroups > 16 || s.Evicted == 0 || len(r.order) > 2*16+65 {
		t.Errorf("stats %+v, %d in order", s, len(r.order))
	}
	if _, ok := r.Container(1000); !ok {
		t.Error("the newest was dropped")
	}
	for id := uint64(5000); id < 6000; id++ {
		r.Ask(id, 99999, 1)
	}
	if len(r.unknown) > 16 {
		t.Errorf("%d unknown ones are kept", len(r.unknown))
	}
}

// TestLongPaths makes cgroups with names as long as the kernel sends them.
func TestLongPaths(t *testing.T) {
	r, _ := newResolver(t, 65536)
	text := budget.New(1)
	r.cfg.Text = text
	long := strings.Repeat(strings.Repeat("x", 255)+"/", 31)
	for id := uint64(1); id <= 3000; id++ {
		r.Announce(id, components(strings.Split(fmt.Sprint(id, "/", long), "/")...))
	}
	bytes := 0
	for _, c := range r.cgroups {
		bytes += len(c.path)
	}
	if bytes != r.pathBytes || bytes > maxPathBytes || r.Stats().Evicted == 0 || r.Path(3000) == "" {
		t.Errorf("%d bytes of paths, %d counted, stats %+v", bytes, r.pathBytes, r.Stats())
	}
	if text.Alive() < int64(bytes) {
		t.Errorf("%d bytes charged, %d held", text.Alive(), bytes)
	}
	for id := uint64(1); id <= 3000; id++ {
		r.Remove(id)
	}
	if r.pathBytes != 0 {
		t.Errorf("%d bytes when all are gone", r.pathBytes)
	}
}

func TestAsk(t *testing.T) {
	r, mount := newResolver(t, 16, "/docker/"+idA)
	id := mustInode(t, filepath.Join(mount, "docker", idA))
	if c, ok := r.Ask(id+1, 7, 1); ok {
		t.Errorf("the process is in another cgroup, and yet: %+v", c)
	}
	if c, ok := r.Ask(id, 7, 1); !ok || c == nil || c.FullID != idA {
		t.Errorf("Ask = %+v, %v", c, ok)
	}
	if c, ok := r.Container(id); !ok || c == nil {
		t.Errorf("not kept: %+v, %v", c, ok)
	}
	// An answer that failed is kept for a second of event time.
	if _, ok := r.Ask(99, 8, 1); ok {
		t.Fatal("a process that is not there has a cgroup")
	}
	before := r.Stats().Unknown
	r.Ask(99, 8, retryAfter)
	if r.Stats().Unknown != before {
		t.Error("asked again within a second")
	}
	r.Ask(99, 8, retryAfter+1)
	if r.Stats().Unknown != before+1 {
		t.Error("not asked again after a second")
	}
}

// An agent in a cgroup namespace of its own sees paths of others from there.
func TestAskFromNamespace(t *testing.T) {
	r, mount := newResolver(t, 100, "/kubepods/besteffort/pod"+uid+"/"+idA)
	if err := os.WriteFile(filepath.Join(filepath.Dir(filepath.Dir(mount)), "proc/7/cgroup"), []byte("2:pids:/../../pod"+uid+"/"+idA+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	id := mustInode(t, filepath.Join(mount, "kubepods/besteffort/pod"+uid, idA))
	c, ok := r.Ask(id, 7, 5e9)
	if !ok || c == nil || c.PodUID != uid {
		t.Errorf("container %+v, %v", c, ok)
	}
	if _, ok := r.Ask(id+1e6, 7, 5e9+1); ok {
		t.Error("looked through all cgroups twice in a second")
	}
}

// A socket's cgroup is one of the unified hierarchy: the path leads to the container.
func TestUnified(t *testing.T) {
	pod := "/kubepods/pod" + uid + "/" + idA
	r, mount := newResolver(t, 100, pod, "/system.slice")
	root := filepath.Dir(mount)
	for _, dir := range []string{"unified" + pod, "unified/system.slice", "unified/other"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "unified/cgroup.procs"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.Walk(context.Background()); err != nil {
		t.Fatal(err)
	}
	id := func(path string) uint64 { return mustInode(t, filepath.Join(root, "unified"+path)) }
	if c, ok := r.Unified(id(pod)); !ok || c != idA {
		t.Errorf("of the pod: %q, %v", c, ok)
	}
	if c, ok := r.Unified(id("/system.slice")); !ok || c != "" {
		t.Errorf("of the host: %q, %v", c, ok)
	}
	if c, ok := r.Unified(id("/other")); ok {
		t.Errorf("of a cgroup that the other hierarchy does not have: %q", c)
	}
	// A container that begins: its cgroup in the unified hierarchy is made last.
	r.Announce(4711, event.Components{Bytes: []byte(idB + "/docker/"), Valid: true})
	if err := os.MkdirAll(filepath.Join(root, "unified/docker", idB), 0o755); err != nil {
		t.Fatal(err)
	}
	if c, ok := r.Unified(id("/docker/" + idB)); !ok || c != idB {
		t.Errorf("of the new one: %q, %v", c, ok)
	}
}

// heard is who hears of containers.
type heard struct{ began, ended []string }

func (h *heard) Began(c *event.Container) { h.began = append(h.began, c.FullID+" "+c.PodUID) }
func (h *heard) Ended(c *event.Container) { h.ended = append(h.ended, c.FullID+" "+c.PodUID) }

// A user of the host who names his cgroups like those of a pod is no pod, and takes
// nothing from the one whose names he took.
func TestUserPlaysPod(t *testing.T) {
	user := "/user.slice/user-1000.slice/user@1000.service"
	real, fake := "/kubepods/pod"+uid+"/"+idA, user+"/kubepods/pod"+uid+"/"+idA
	for _, order := range [][]string{{real, fake}, {fake, real}} {
		r, _ := newResolver(t, 100)
		h := &heard{}
		r.cfg.Containers = h
		ids := map[string]uint64{}
		for i, path := range append(order, user+"/libpod-"+idB+".scope") {
			ids[path] = uint64(i + 1)
			r.add(uint64(i+1), path, false)
		}
		c, _ := r.Container(ids[real])
		if c == nil || c.PodUID != uid || c.Runtime != "" {
			t.Fatalf("the pod: %+v", c)
		}
		if f, _ := r.Container(ids[fake]); f != nil && (f == c || f.PodUID != "") {
			t.Errorf("the user: %+v", f)
		}
		own, _ := r.Container(3)
		if own == nil || own.FullID != idB || own.Runtime != "podman" {
			t.Errorf("a user's own container: %+v", own)
		}
		r.Remove(ids[fake])
		r.Remove(3)
		if s := r.containers[idA]; s == nil || s.container != c {
			t.Error("the end of the user's cgroup is that of the pod's container")
		}
		r.Remove(ids[real])
		want := []string{idA + " " + uid}
		if fmt.Sprint(h.began) != fmt.Sprint(want) || fmt.Sprint(h.ended) != fmt.Sprint(want) {
			t.Errorf("heard of %v and %v", h.began, h.ended)
		}
	}
}
