package workload

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Packets to a cgroup that is not known cost little, however many come.
func TestUnknownUnified(t *testing.T) {
	u := &unified{mount: t.TempDir(), paths: map[uint64]string{}}
	for i := range maxLater {
		u.add(fmt.Sprint("/", i))
	}
	u.find(1) // looks at each
	u.find(1) // and at those that were not there
	if err := os.Mkdir(filepath.Join(u.mount, "7"), 0o755); err != nil {
		t.Fatal(err)
	}
	id := mustInode(t, filepath.Join(u.mount, "7"))
	for range 1000 {
		if _, ok := u.find(id); ok {
			t.Fatal("looked for again at once")
		}
	}
	// What has come since is looked for at once.
	u.add("/new")
	if err := os.Mkdir(filepath.Join(u.mount, "new"), 0o755); err != nil {
		t.Fatal(err)
	}
	if path, ok := u.find(mustInode(t, filepath.Join(u.mount, "new"))); !ok || path != "/new" {
		t.Errorf("a new one: %q, %v", path, ok)
	}
	u.next = time.Now()
	if path, ok := u.find(id); !ok || path != "/7" {
		t.Errorf("after a while: %q, %v", path, ok)
	}
}

// Containers that are there when too many have been are known again.
func TestManyUnified(t *testing.T) {
	r, mount := newResolver(t, 100, "/docker/"+idA)
	root := filepath.Join(filepath.Dir(mount), "unified")
	if err := os.MkdirAll(filepath.Join(root, "docker", idA), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "cgroup.procs"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.Walk(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := mustInode(t, filepath.Join(root, "docker", idA))
	r.Unified(1)
	delete(r.unified.paths, id)
	for i := range uint64(maxUnified) {
		r.unified.paths[1<<40+i] = ""
	}
	if _, ok := r.Unified(id); ok {
		t.Error("begun again at once")
	}
	r.unified.begun = time.Now().Add(-2 * startAgain)
	if c, ok := r.Unified(id); !ok || c != idA {
		t.Errorf("after a while: %q, %v", c, ok)
	}
}
