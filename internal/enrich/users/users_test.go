package users

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/event"
)

func TestParsePasswd(t *testing.T) {
	const text = "root:x:0:0:root:/root:/bin/bash\n" +
		"toor:x:0:0::/root:/bin/sh\n" + // the first counts
		"# comment:x:5:5::/:/\n" +
		"+nis:x:6:6::/:/\n" +
		"short:x:7\n" +
		"www:x:33:33:w,w:/var/www:/usr/sbin/nologin\r\n" +
		"big:x:4294967296:0::/:/\n" +
		"negative:x:-1:0::/:/\n" +
		"nobody:x:65534:65534:nobody:/nonexistent:/bin/false:extra:colons\n" +
		":x:9:9::/:/\n" +
		"last:x:1000:1000::/home/last"
	want := map[uint32]event.Account{
		0:     {Name: "root", Home: "/root", Shell: "/bin/bash"},
		33:    {Name: "www", Home: "/var/www", Shell: "/usr/sbin/nologin"},
		65534: {Name: "nobody", Home: "/nonexistent", Shell: "/bin/false"},
		1000:  {Name: "last", Home: "/home/last"},
	}
	if diff := cmp.Diff(want, parsePasswd([]byte(text))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestParseGroup(t *testing.T) {
	const text = "root:x:0:\nadm:x:4:syslog,me\nadm2:x:4:\nbroken\nno:x:y:\n"
	want := map[uint32]string{0: "root", 4: "adm"}
	if diff := cmp.Diff(want, parseGroup([]byte(text))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("root:x:0:0:root:/root:/bin/bash\n"))
	f.Add([]byte("a:b:1:\n:::\n\x00:\xff:3:4:5"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for uid, a := range parsePasswd(data) {
			if a.Name == "" || len(a.Name) > maxName || len(a.Home) > maxPath || len(a.Shell) > maxPath {
				t.Errorf("%d: %+v", uid, a)
			}
		}
		for gid, name := range parseGroup(data) {
			if name == "" || len(name) > maxName {
				t.Errorf("%d: %q", gid, name)
			}
		}
	})
}

// host makes a proc whose processes have the roots given: PID to its files.
func host(t *testing.T, roots map[int]map[string]string) string {
	t.Helper()
	proc := t.TempDir()
	for pid, files := range roots {
		etc := filepath.Join(proc, fmt.Sprint(pid), "root/etc")
		if err := os.MkdirAll(etc, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			write(t, filepath.Join(etc, name), text)
		}
	}
	return proc
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// newCache makes a Cache that waits: a slow machine is not a hanging file.
func newCache(proc string, maxNamespaces int) *Cache {
	c := New(Config{ProcRoot: proc, MaxNamespaces: maxNamespaces})
	c.runner.Wait = time.Minute
	return c
}

const second = uint64(time.Second)

func TestHost(t *testing.T) {
	proc := host(t, map[int]map[string]string{1: {"passwd": "root:x:0:0::/root:/bin/sh\n", "group": "root:x:0:\n"}})
	c := newCache(proc, 4)
	if a, ok := c.Host(second).User(0); !ok || a.Name != "root" {
		t.Errorf("User = %+v, %v", a, ok)
	}
	if g, ok := c.Host(second).Group(0); !ok || g != "root" {
		t.Errorf("Group = %q, %v", g, ok)
	}
	if _, ok := c.Host(second).User(5); ok {
		t.Error("a user who is not there")
	}

	// A new file is read within a second of event time, as vipw writes one.
	write(t, filepath.Join(proc, "new"), "admin:x:0:0::/root:/bin/sh\nme:x:5:5::/:/\n")
	if err := os.Rename(filepath.Join(proc, "new"), filepath.Join(proc, "1/root/etc/passwd")); err != nil {
		t.Fatal(err)
	}
	if a, _ := c.Host(second + 1).User(0); a.Name != "root" {
		t.Errorf("looked at the file again at once: %+v", a)
	}
	if a, _ := c.Host(3 * second).User(0); a.Name != "admin" {
		t.Errorf("the new file was not read: %+v", a)
	}
	if a, ok := c.Host(3 * second).User(5); !ok || a.Name != "me" {
		t.Errorf("User(5) = %+v, %v", a, ok)
	}

	if err := os.Remove(filepath.Join(proc, "1/root/etc/passwd")); err != nil {
		t.Fatal(err)
	}
	if a, ok := c.Host(5 * second).User(0); ok {
		t.Errorf("named by a file that is gone: %+v", a)
	}
	if n := testing.AllocsPerRun(100, func() { c.Host(5 * second).Group(0) }); n != 0 {
		t.Errorf("a look-up allocates %v times", n)
	}
}

func TestNamespaces(t *testing.T) {
	roots := map[int]map[string]string{}
	for pid := 1; pid <= 9; pid++ {
		roots[pid] = map[string]string{"passwd": fmt.Sprintf("user%d:x:0:0::/:/\n", pid)}
	}
	c := newCache(host(t, roots), 3)
	for pid := uint32(2); pid <= 9; pid++ {
		a := c.Namespace(1000+pid, pid, second*uint64(pid))
		if u, ok := a.User(0); !ok || u.Name != fmt.Sprintf("user%d", pid) {
			t.Errorf("process %d: %+v, %v", pid, u, ok)
		}
	}
	if s := c.Stats(); s.Namespaces != 3 || s.Evicted != 5 {
		t.Errorf("stats %+v", s)
	}
	// The process that is asked now has ended: the names stay.
	if u, ok := c.Namespace(1009, 77, 30*second).User(0); !ok || u.Name != "user9" {
		t.Errorf("after the process ended: %+v, %v", u, ok)
	}
	if s := c.Stats(); s.Failed != 1 {
		t.Errorf("stats %+v", s)
	}
}

// A process that ended is no reason not to know its user: another of its namespace may
// live, and uid 0 has his name everywhere.
func TestEnded(t *testing.T) {
	proc := host(t, map[int]map[string]string{1: {"passwd": ""}, 5: {"passwd": "app:x:7:0::/:/\n"}})
	for pid, ns := range map[string]string{"5": "mnt:[1000]", "6": "mnt:[2000]"} {
		if err := os.MkdirAll(filepath.Join(proc, pid, "ns"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(ns, filepath.Join(proc, pid, "ns/mnt")); err != nil {
			t.Fatal(err)
		}
	}
	c := newCache(proc, 10)
	c.Namespace(1000, 5, second)
	if u, ok := c.Namespace(1000, 77, second).User(7); !ok || u.Name != "app" {
		t.Errorf("by the process before: %+v, %v", u, ok)
	}
	c.Namespace(3000, 6, second)
	a := c.Namespace(3000, 78, second)
	if u, ok := a.User(7); ok {
		t.Errorf("by a process that is elsewhere: %+v", u)
	}
	if u, ok := a.User(0); !ok || u.Name != "root" {
		t.Errorf("the superuser: %+v, %v", u, ok)
	}
	if a.next != second+again {
		t.Errorf("is looked up again at %d", a.next)
	}
}

// TestCrowded gives containers files that make large tables.
func TestCrowded(t *testing.T) {
	var text strings.Builder
	for uid := 0; text.Len() < containerLimit; uid++ {
		fmt.Fprintf(&text, "a:x:%d:\n", uid)
	}
	roots := map[int]map[string]string{}
	for pid := 1; pid <= 30; pid++ {
		roots[pid] = map[string]string{"passwd": text.String(), "group": text.String()}
	}
	c := newCache(host(t, roots), 1000)
	for pid := uint32(1); pid <= 30; pid++ {
		if _, ok := c.Namespace(1000+pid, pid, second*uint64(pid)).User(3000); !ok {
			t.Errorf("process %d: no name", pid)
		}
	}
	size := 0
	for _, a := range c.spaces {
		size += a.have.size()
	}
	if s := c.Stats(); c.size != size || size > spacesLimit || s.Evicted == 0 || s.Namespaces+int(s.Evicted) != 30 {
		t.Errorf("%d bytes, %d counted, stats %+v", size, c.size, s)
	}
	if _, ok := c.Namespace(1030, 30, 31*second).User(3000); !ok {
		t.Error("the newest was forgotten")
	}
}

// TestHostile gives a container what should not be followed, opened or kept.
func TestHostile(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "passwd")
	write(t, secret, "secret:x:0:0::/:/\n")
	tests := []struct {
		name  string
		setup func(t *testing.T, etc string)
		want  string
	}{
		{"link out of the root", func(t *testing.T, etc string) { link(t, secret, etc) }, ""},
		{"link up", func(t *testing.T, etc string) {
			link(t, strings.Repeat("../", 30)+secret[1:], etc)
		}, ""},
		{"link within", func(t *testing.T, etc string) {
			write(t, filepath.Join(filepath.Dir(etc), "real"), "inside:x:0:0::/:/\n")
			link(t, "/real", etc)
		}, "inside"},
		{"link to itself", func(t *testing.T, etc string) { link(t, "passwd", etc) }, ""},
		{"pipe", func(t *testing.T, etc string) {
			if err := unix.Mkfifo(filepath.Join(etc, "passwd"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, ""},
		{"directory", func(t *testing.T, etc string) {
			if err := os.Mkdir(filepath.Join(etc, "passwd"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, ""},
		{"huge", func(t *testing.T, etc string) {
			write(t, filepath.Join(etc, "passwd"), "first:x:0:0::/:/\n"+strings.Repeat("x", 1<<20)+"\nlast:x:1:1::/:/\n")
		}, "first"},
		{"cut in a number", func(t *testing.T, etc string) {
			line := "a:x:0" // the rest of the number lies beyond the limit
			write(t, filepath.Join(etc, "passwd"), strings.Repeat("#", containerLimit-len(line)-1)+"\n"+line+"123:0::/:/\n")
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			proc := host(t, map[int]map[string]string{5: {}})
			tt.setup(t, filepath.Join(proc, "5/root/etc"))
			c := newCache(proc, 4)
			u, ok := c.Namespace(1, 5, second).User(0)
			if u.Name != tt.want || ok != (tt.want != "") {
				t.Errorf("User = %+v, %v; want %q", u, ok, tt.want)
			}
			if _, ok := c.Namespace(1, 5, second).User(1); ok {
				t.Error("read beyond the limit")
			}
		})
	}
}

func link(t *testing.T, target, etc string) {
	t.Helper()
	if err := os.Symlink(target, filepath.Join(etc, "passwd")); err != nil {
		t.Fatal(err)
	}
}

// TestThisMachine reads the files of the real process 1, or our own.
func TestThisMachine(t *testing.T) {
	c := newCache("/proc", 4)
	if a, ok := c.Host(second).User(0); !ok || a.Name != "root" {
		t.Errorf("User(0) = %+v, %v", a, ok)
	}
}

// TestSlow has a root that does not answer in time: a late answer is used when it
// is there.
func TestSlow(t *testing.T) {
	proc := host(t, map[int]map[string]string{1: {"passwd": "root:x:0:0::/root:/bin/sh\n"}})
	c := newCache(proc, 4)
	c.alone.Wait = 0
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		if a, ok := c.Host(second).User(0); ok && a.Name == "root" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the late answer was dropped")
		}
	}
}
