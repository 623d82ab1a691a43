package dirs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goshawk-security/goshawk/internal/event"
)

const second = uint64(time.Second)

// components turns a path into what the kernel side sends.
func components(path string) event.Components {
	c := event.Components{Valid: true}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i := len(parts) - 1; i >= 0 && parts[i] != ""; i-- {
		c.Bytes = append(append(c.Bytes, parts[i]...), '/')
	}
	return c
}

func path(dir, given string) event.Path {
	return event.Path{Given: []byte(given), HasGiven: true, Dir: components(dir)}
}

// newCall makes an event of this test itself.
func newCall(typ event.Type, first, other event.Path) *event.Event {
	img := &event.Image{PID: uint32(os.Getpid()), Namespaces: event.Namespaces{Mount: 7}}
	return &event.Event{
		Type: typ, Time: second, PID: img.PID, HasResult: true, Path: first, Path2: other,
		Image: img, Process: &event.Process{PID: img.PID, Image: img},
	}
}

// tree makes directories and links, and returns the top.
func tree(t testing.TB) string {
	t.Helper()
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"etc/cron.d", "deep/er", "jail/etc/cron.d", "jail/tmp", "proc/5", "proc/6"} {
		if err := os.MkdirAll(filepath.Join(top, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"l": top + "/etc", "up": "deep/er", "file": "etc/passwd", "loop": "loop",
		"jail/l": "/etc", "proc/5/root": top + "/jail", "proc/6/root": "/",
	} {
		if err := os.Symlink(target, filepath.Join(top, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"etc/passwd", "etc/cron.d/zz"} {
		if err := os.WriteFile(filepath.Join(top, file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return top
}

func TestResolve(t *testing.T) {
	top := tree(t)
	none := event.Path{}
	tests := []struct {
		name          string
		ev            *event.Event
		first, second string
	}{
		{"linked directory", newCall(event.Rename, path("", top+"/l/cron.d/.b"), path("", top+"/l/cron.d/zz")),
			top + "/etc/cron.d/.b", top + "/etc/cron.d/zz"},
		{"only the second", newCall(event.Rename, path("", top+"/x"), path("", top+"/l/cron.d/zz")),
			"", top + "/etc/cron.d/zz"},
		{"relative", newCall(event.Unlink, path(top, "l/syslog"), none), top + "/etc/syslog", ""},
		{"in the working directory", newCall(event.Unlink, path(top, "x"), none), "", ""},
		{"nothing linked", newCall(event.Unlink, path("", top+"/etc/./cron.d/x"), none), "", ""},
		{"up behind a link", newCall(event.Unlink, path("", top+"/up/../x"), none), top + "/deep/x", ""},
		{"slashes at the end", newCall(event.Mkdir, path("", top+"/l//new//"), none), top + "/etc/new", ""},
		{"in the root", newCall(event.Unlink, path("", "/x"), none), "", ""},
		{"new link", newCall(event.Symlink, path("", top+"/l/x"), path("", top+"/l/y")), "", top + "/etc/y"},
		{"link at the end", newCall(event.Unlink, path("", top+"/file"), none), "", ""},
		{"link at the end that is followed", newCall(event.Chmod, path("", top+"/file"), none), top + "/etc/passwd", ""},
		{"the same relative", newCall(event.Fchmodat, path(top, "file"), none), top + "/etc/passwd", ""},
		{"no link at the end", newCall(event.Chmod, path("", top+"/etc/passwd"), none), "", ""},
		{"loop", newCall(event.Unlink, path("", top+"/loop/x"), none), "", ""},
		{"gone", newCall(event.Unlink, path("", top+"/gone/x"), none), "", ""},
		{"of another kind", newCall(event.Fchmod, path("", top+"/l/x"), none), "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			New(Config{ProcRoot: "/proc"}).Resolve(tt.ev)
			var first, second string
			for i := range tt.ev.Names() {
				tt.ev.SelectName(i)
				if n := tt.ev.PathName(); n.Provenance == event.Late {
					first = n.Text
				}
				if n := tt.ev.PathName2(); n.Provenance == event.Late {
					second = n.Text
				}
			}
			if first != tt.first || second != tt.second {
				t.Errorf("late names %q, %q; want %q, %q", first, second, tt.first, tt.second)
			}
		})
	}
}

func TestFailed(t *testing.T) {
	ev := newCall(event.Unlink, path("", tree(t)+"/l/x"), event.Path{})
	ev.Result = -2
	f := New(Config{ProcRoot: "/proc"})
	if f.Resolve(ev); ev.Path.Late != "" || f.Stats().Asked != 0 {
		t.Errorf("%q, %+v", ev.Path.Late, f.Stats())
	}
}

// TestRoots has callers in a chroot, and some that have ended.
func TestRoots(t *testing.T) {
	top := tree(t)
	jail := top + "/jail"
	tests := []struct {
		name        string
		pid, parent uint32
		host        uint32
		dir, given  string
		want        string
	}{
		{"chroot", 5, 0, 0, jail, "/l/cron.d/x", jail + "/etc/cron.d"},
		{"chroot, relative", 5, 0, 0, jail + "/tmp", "../l/cron.d/x", jail + "/etc/cron.d"},
		{"chroot, directory outside", 5, 0, 0, top, "l/cron.d/x", ""},
		{"chroot entered meanwhile", 5, 0, 0, "", "/l/cron.d/x", ""},
		{"chroot of a process that ended", 99, 6, 0, jail, "/l/cron.d/x", ""},
		{"ended", 99, 6, 0, top, "l/cron.d/x", top + "/etc/cron.d"},
		{"ended, parent in a chroot", 99, 5, 0, top, "l/cron.d/x", ""},
		{"ended, the agent's mounts", 99, 0, 7, top, "l/cron.d/x", top + "/etc/cron.d"},
		{"ended, nobody left", 99, 98, 0, top, "l/cron.d/x", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ev := newCall(event.Unlink, path(tt.dir, tt.given), event.Path{})
			ev.PID, ev.Process.PID, ev.Process.ParentPID = tt.pid, tt.pid, tt.parent
			ev.Image.Parent = &event.Image{PID: tt.parent, Namespaces: ev.Image.Namespaces}
			f := New(Config{ProcRoot: top + "/proc", OwnMnt: tt.host})
			if f.Resolve(ev); ev.Path.Late != tt.want {
				t.Errorf("%q, want %q; %+v", ev.Path.Late, tt.want, f.Stats())
			}
		})
	}
}

// TestBounds repeats one question, asks many, and lets some hang.
func TestBounds(t *testing.T) {
	top := tree(t)
	f := New(Config{ProcRoot: "/proc"})
	f.runner.Wait = 10 * time.Second
	ask := func(at uint64, uid uint32, given string) string {
		ev := newCall(event.Unlink, path("", given), event.Path{})
		ev.Time, ev.UID = at, uid
		f.Resolve(ev)
		return ev.Path.Late
	}
	for i := range 100 {
		if got := ask(second, 0, fmt.Sprintf("%s/l/%d", top, i)); got != top+"/etc" {
			t.Fatalf("%q", got)
		}
	}
	if s := f.Stats(); s.Asked != 1 {
		t.Errorf("one directory was asked for %d times", s.Asked)
	}
	if ask(second+keepFor, 0, top+"/l/x"); f.Stats().Asked != 2 {
		t.Error("an old answer was used")
	}
	f.hung[user{7, 1}] = &hung{}
	f.hung[user{7, 1}].n.Store(latePerUser)
	if got := ask(3*second, 1, top+"/l/x"); got != "" || f.Stats().Throttled != 1 {
		t.Errorf("a user whose files hang was answered %q", got)
	}
	if got := ask(3*second, 2, top+"/l/x"); got == "" {
		t.Error("another user was not answered")
	}
	for i := range perSecond + 10 {
		ask(5*second, 0, fmt.Sprintf("%s/%d/x", top, i))
	}
	if s := f.Stats(); s.Throttled != 11 || len(f.answers) > maxAnswers {
		t.Errorf("%+v, %d answers", s, len(f.answers))
	}
}

// TestLink makes a link where a directory was a moment ago.
func TestLink(t *testing.T) {
	top := tree(t)
	f := New(Config{ProcRoot: "/proc"})
	f.runner.Wait = 10 * time.Second
	ev := newCall(event.Unlink, path("", top+"/deep/x"), event.Path{})
	if f.Resolve(ev); ev.Path.Late != "" {
		t.Fatalf("%q", ev.Path.Late)
	}
	if err := os.Rename(top+"/deep", top+"/away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("etc", top+"/deep"); err != nil {
		t.Fatal(err)
	}
	f.Resolve(newCall(event.Symlink, path("", "etc"), path("", top+"/deep")))
	ev = newCall(event.Unlink, path("", top+"/deep/x"), event.Path{})
	if f.Resolve(ev); ev.Path.Late != top+"/etc" {
		t.Errorf("%q", ev.Path.Late)
	}
}

func BenchmarkResolve(b *testing.B) {
	top := tree(b)
	for _, bb := range []struct {
		name string
		step uint64
	}{{"cache=hit", 0}, {"cache=miss", keepFor}} {
		b.Run(bb.name, func(b *testing.B) {
			f := New(Config{ProcRoot: "/proc"})
			ev := newCall(event.Rename, path("", top+"/x"), path("", top+"/l/cron.d/zz"))
			b.ReportAllocs()
			for b.Loop() {
				ev.Time += bb.step
				f.second = ev.Time / second // the limit by second is not measured
				f.asked = 0
				f.Resolve(ev)
			}
			if ev.Path2.Late == "" {
				b.Fatal("nothing was found")
			}
		})
	}
}
