package capture_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/event"
)

// folder makes a folder whose path has no symbolic link in it.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLiveOpens(t *testing.T) {
	flavours(t, func(t *testing.T, f capture.Flavour) {
		src := open(t, capture.Config{Flavour: f}, event.Openat, event.Openat2, event.Creat, event.Open)
		dir := folder(t)
		list := perform(t, src, "opens", dir)
		secret := filepath.Join(dir, "secret")

		tests := []struct {
			what             string
			typ              event.Type
			given            string
			resolved, origin string
			joined           string
			failed           bool
		}{
			{"symlink, read", event.Openat, dir + "/link", secret, "", "", false},
			{"symlink, write", event.Openat, dir + "/link", secret, "", dir + "/link", false},
			{"bind mount", event.Openat, dir + "/bound/secret", dir + "/bound/secret", originOf(t, secret), "", false},
			{"whole file system", event.Openat, dir + "/whole/etc/passwd", dir + "/whole/etc/passwd", diskOrigin(t, "/etc/passwd"), "", false},
			{"directory descriptor", event.Openat, "./secret", secret, "", "", false},
			{"openat2", event.Openat2, "secret", secret, "", "", false},
			{"failed", event.Openat, "missing", "", "", dir + "/missing", true},
			{"creat", event.Creat, dir + "/made", dir + "/made", "", "", false},
			{"magic link", event.Openat, "/proc/self/root" + secret, secret, "", "", false},
			{"chroot", event.Openat, "/secret", secret, "", "", false},
			{"failed in a chroot", event.Openat, "/gone/../missing", "", "", dir + "/missing", true},
		}
		for _, tt := range tests {
			t.Run(tt.what, func(t *testing.T) {
				if tt.typ == event.Creat && !hasCreat {
					t.Skip("this architecture has no creat")
				}
				s := find(t, list, tt.typ, func(s *seen) bool {
					return s.Given == tt.given && s.Failed() == tt.failed &&
						(tt.joined == "" || s.name(event.GivenForm) == tt.joined)
				})
				if s == nil {
					return
				}
				if got := s.name(event.Resolved); got != tt.resolved {
					t.Errorf("resolved %q, want %q", got, tt.resolved)
				}
				if got := s.name(event.Origin); got != tt.origin {
					t.Errorf("origin %q, want %q", got, tt.origin)
				}
			})
		}
	})
}

// originOf returns a file's name on its own file system: what remains of it
// below its mount, behind the mount's root.
func originOf(t testing.TB, path string) string {
	t.Helper()
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var root, mount string
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line) // id, parent, device, root, mount point
		below := f[4] == "/" || strings.HasPrefix(path, f[4]+"/")
		if below && len(f[4]) >= len(mount) { // a later one hides an earlier one
			root, mount = f[3], f[4]
		}
	}
	return filepath.Join(root, strings.TrimPrefix(path, mount))
}

// diskOrigin returns the path, if the root file system is on a disk: others have
// no origin.
func diskOrigin(t testing.TB, path string) string {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat("/", &st); err != nil {
		t.Fatal(err)
	}
	if unix.Major(st.Dev) == 0 {
		return ""
	}
	return path
}

func TestLivePaths(t *testing.T) {
	flavours(t, func(t *testing.T, f capture.Flavour) {
		src := open(t, capture.Config{Flavour: f}, event.Mkdirat, event.Renameat2, event.Linkat, event.Symlinkat,
			event.Fchmodat, event.Fchmod, event.Unlinkat)
		dir := folder(t)
		list := perform(t, src, "paths", dir)

		tests := []struct {
			typ           event.Type
			first, second string
			result        int64
		}{
			{event.Mkdirat, dir + "/sub", "", 0},
			{event.Renameat2, dir + "/a", dir + "/b", 0},
			{event.Linkat, dir + "/b", dir + "/c", 0},
			{event.Symlinkat, "/etc/shadow", dir + "/d", 0},
			{event.Fchmodat, dir + "/b", "", 0},
			{event.Unlinkat, dir + "/c", "", 0},
			{event.Unlinkat, dir + "/sub", "", 0},
			{event.Unlinkat, dir + "/c", "", -int64(unix.ENOENT)},
		}
		for _, tt := range tests {
			s := find(t, list, tt.typ, func(s *seen) bool { return s.Result == tt.result && s.name(event.GivenForm) == tt.first })
			if s == nil {
				continue
			}
			if s.Second.Text != tt.second {
				t.Errorf("%s: second name %q, want %q", tt.typ, s.Second.Text, tt.second)
			}
		}
		find(t, list, event.Fchmod, func(s *seen) bool {
			return s.name(event.Resolved) == dir && s.File.Kind == event.FileDirectory && s.Names[0].Provenance == event.FromKernel
		})
	})
}

func TestLiveNetwork(t *testing.T) {
	flavours(t, func(t *testing.T, f capture.Flavour) {
		src := open(t, capture.Config{Flavour: f}, event.Connect, event.Accept4, event.Bind, event.Listen, event.Dup)
		answers := listen(t, "tcp", "127.0.0.1:0")
		local := listen(t, "unix", filepath.Join(folder(t), "socket"))
		refuses := closedPort(t)
		list := perform(t, src, "network", answers, refuses, local)

		tests := []struct {
			what   string
			typ    event.Type
			accept func(*seen) bool
		}{
			{"tcp", event.Connect, func(s *seen) bool {
				return s.Socket.Proto == unix.IPPROTO_TCP && s.Socket.Remote.String() == answers && s.Socket.Local.Port() != 0 && !s.Socket.Given
			}},
			{"refused", event.Connect, func(s *seen) bool { return s.Socket.Remote.String() == refuses }},
			{"udp", event.Connect, func(s *seen) bool {
				return s.Socket.Type == unix.SOCK_DGRAM && s.Socket.Remote.String() == answers && s.Result == 0
			}},
			{"unix", event.Connect, func(s *seen) bool {
				return s.Socket.Family == event.FamilyUnix && s.Socket.Path == local && s.Result == 0
			}},
			{"bind", event.Bind, func(s *seen) bool { return s.Socket.Local.Addr().String() == "127.0.0.1" }},
			{"listen", event.Listen, func(s *seen) bool { return s.Socket.Server && s.Socket.Local.Port() != 0 }},
			{"accept", event.Accept4, func(s *seen) bool { return s.Socket.Server && s.Socket.Remote.IsValid() }},
			{"dup of a socket", event.Dup, func(s *seen) bool {
				return s.File.Kind == event.FileSocket && s.Socket.Remote.String() == answers
			}},
		}
		for _, tt := range tests {
			t.Run(tt.what, func(t *testing.T) { find(t, list, tt.typ, tt.accept) })
		}
	})
}

// listen answers connections until the test ends.
func listen(t testing.TB, network, address string) string {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
		}
	}()
	return l.Addr().String()
}

func closedPort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestLiveImages(t *testing.T) {
	flavours(t, func(t *testing.T, f capture.Flavour) {
		src := open(t, capture.Config{Flavour: f}, event.Execve)
		dir := folder(t)
		list := perform(t, src, "images", dir)

		find(t, list, event.Execve, func(s *seen) bool {
			return s.Result == -int64(unix.ENOENT) && s.name(event.GivenForm) == dir+"/missing"
		})
		s := find(t, list, event.Execve, func(s *seen) bool { return s.HasTask() && strings.HasPrefix(s.Argv, "disguise\x00") })
		if s == nil {
			return
		}
		if s.Argv != "disguise\x00one\x00two words\x00" || s.Cwd != dir || s.Exe != "/memfd:payload" {
			t.Errorf("argv %q, cwd %q, exe %q", s.Argv, s.Cwd, s.Exe)
		}
		if !s.Task.Exe.Resolved.Detached || s.Task.File.Kind != event.FileMemfd {
			t.Errorf("executable %+v", s.Task.File)
		}
		if k := s.Task.Stdio[0].Kind; k != event.FileCharDevice {
			t.Errorf("stdin is of kind %d, want a character device", k)
		}
		self, err := os.Stat("/proc/self/ns/mnt")
		if err != nil {
			t.Fatal(err)
		}
		if want := inode(self); uint64(s.Task.Namespaces.Mount) != want {
			t.Errorf("mount namespace %d, want %d", s.Task.Namespaces.Mount, want)
		}
		birth := find(t, list, event.Clone, func(b *seen) bool { return b.Task.PID == s.PID })
		if birth == nil {
			birth = find(t, list, event.Clone3, func(b *seen) bool { return b.Task.PID == s.PID })
		}
		if birth != nil && (birth.Task.Start != s.Start || birth.Task.ParentPID != birth.PID || birth.Result != int64(s.PID)) {
			t.Errorf("birth %+v does not lead to image %+v", birth.Task, s.Task)
		}
	})
}

func TestLiveMemoryTakenAway(t *testing.T) {
	flavours(t, func(t *testing.T, f capture.Flavour) {
		src := open(t, capture.Config{Flavour: f}, event.Openat)
		dir := folder(t)
		list := perform(t, src, "takes-away", dir)
		s := find(t, list, event.Openat, func(s *seen) bool { return s.Path.GivenUnread })
		if s == nil {
			return
		}
		if got := s.name(event.Resolved); got != dir+"/fifo" {
			t.Errorf("resolved %q, want the file that was opened", got)
		}
		if got := s.Names[len(s.Names)-1].Provenance; got != event.Unread {
			t.Errorf("given name has provenance %q, want unreadable", got)
		}
	})
}

// TestLiveDescriptorSwapped: the connection that was made is reported, not the
// socket that another thread put in its place.
func TestLiveDescriptorSwapped(t *testing.T) {
	flavours(t, func(t *testing.T, f capture.Flavour) {
		src := open(t, capture.Config{Flavour: f}, event.Connect)
		fd, full := fullListener(t)
		decoy := listen(t, "tcp", "127.0.0.1:0")

		cmd := exec.Command("/proc/self/exe", full, decoy)
		cmd.Env = append(os.Environ(), actorVariable+"=swaps")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			bufio.NewReader(out).ReadString('\n')
			for range 2 { // make room for the connection that waits
				c, _, err := unix.Accept(fd)
				if err == nil {
					defer unix.Close(c)
				}
			}
			done <- cmd.Wait()
		}()
		list := collect(t, src, uint32(cmd.Process.Pid), done)
		find(t, list, event.Connect, func(s *seen) bool { return s.Socket.Remote.String() == full && s.Result == 0 })
	})
}

// fullListener listens and has its queue filled, so that the next connection
// waits. The kernel lets one more in than the backlog says.
func fullListener(t testing.TB) (fd int, address string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address = fmt.Sprintf("127.0.0.1:%d", sa.(*unix.SockaddrInet4).Port)
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return fd, address
}
