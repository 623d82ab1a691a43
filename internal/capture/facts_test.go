package capture_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/event"
)

// TestLiveFacts holds what is reported of a process against what /proc says of it.
func TestLiveFacts(t *testing.T) {
	flavours(t, func(t *testing.T, f capture.Flavour) {
		src := open(t, capture.Config{Flavour: f, Environ: true}, event.Execve)
		cmd := exec.Command("/proc/self/exe", "one", "")
		cmd.Env = []string{actorVariable + "=waits", "ANSWER=42"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		stdin, stdout := start(t, cmd)
		if _, err := stdout.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		want := factsOf(t, cmd.Process.Pid)
		done := make(chan error, 1)
		go func() {
			stdin.Close()
			if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 3 {
				done <- fmt.Errorf("actor ended otherwise than it should: %w", err)
			}
			done <- nil
		}()
		list := collect(t, src, uint32(cmd.Process.Pid), done)

		s := find(t, list, event.Execve, func(s *seen) bool { return s.HasTask() })
		if s == nil {
			return
		}
		if got := factsSeen(s); got != want {
			t.Errorf("facts\n got %+v\nwant %+v", got, want)
		}
		if s.Environ != actorVariable+"=waits\x00ANSWER=42\x00" {
			t.Errorf("environment %q", s.Environ)
		}
		checkFile(t, &s.Task.File, "/proc/self/exe")
		find(t, list, event.ProcExit, func(s *seen) bool { return s.Status == 3<<8 })
	})
}

// start starts an actor and returns its input and output.
func start(t testing.TB, cmd *exec.Cmd) (io.Closer, *bufio.Reader) {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return stdin, bufio.NewReader(stdout)
}

// facts are what both sides know of a process.
type facts struct {
	Comm, Argv, Exe, Cwd string
	ParentPID, PGID, SID uint32
	Start                uint64 // in hundredths of a second, as /proc has it
	Creds                event.Creds
	Namespaces           event.Namespaces
	Stdin, Stderr        event.FileKind
}

func factsSeen(s *seen) facts {
	return facts{
		Comm: s.Comm, Argv: s.Argv, Exe: s.Exe, Cwd: s.Cwd,
		ParentPID: s.Task.ParentPID, PGID: s.Task.PGID, SID: s.Task.SID, Start: s.Task.Start / 10_000_000,
		Creds: s.Task.Creds, Namespaces: s.Task.Namespaces,
		Stdin: s.Task.Stdio[0].Kind, Stderr: s.Task.Stdio[2].Kind,
	}
}

func factsOf(t testing.TB, pid int) facts {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/", pid)
	read := func(name string) string {
		b, err := os.ReadFile(dir + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	link := func(name string) string {
		to, err := os.Readlink(dir + name)
		if err != nil {
			t.Fatal(err)
		}
		return to
	}
	ns := func(name string) (n uint32) {
		scan(t, link("ns/"+name), strings.TrimSuffix(name, "_for_children")+":[%d]", &n)
		return n
	}
	f := facts{
		Comm: strings.TrimSpace(read("comm")), Argv: read("cmdline"), Exe: link("exe"), Cwd: link("cwd"),
		Stdin: event.FilePipe, Stderr: event.FileCharDevice,
		Namespaces: event.Namespaces{
			Mount: ns("mnt"), PID: ns("pid"), Net: ns("net"), User: ns("user"),
			UTS: ns("uts"), IPC: ns("ipc"), Cgroup: ns("cgroup"),
		},
	}
	_, stat, _ := strings.Cut(read("stat"), ") ")
	fields := strings.Fields(stat)
	for i, to := range map[int]any{1: &f.ParentPID, 2: &f.PGID, 3: &f.SID, 19: &f.Start} {
		scan(t, fields[i], "%d", to)
	}
	f.Creds = credsOf(t, read("status"))
	f.Creds.LoginUID = event.LoginUnset
	if b, err := os.ReadFile(dir + "loginuid"); err == nil { // without CONFIG_AUDIT there is none
		scan(t, string(b), "%d", &f.Creds.LoginUID)
	}
	return f
}

func credsOf(t testing.TB, status string) (c event.Creds) {
	t.Helper()
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		switch name {
		case "Uid":
			scan(t, value, "%d %d", &c.UID, &c.EUID)
		case "Gid":
			scan(t, value, "%d %d", &c.GID, &c.EGID)
		case "CapInh":
			scan(t, value, "%x", &c.CapInheritable)
		case "CapPrm":
			scan(t, value, "%x", &c.CapPermitted)
		case "CapEff":
			scan(t, value, "%x", &c.CapEffective)
		}
	}
	return c
}

func scan(t testing.TB, text, format string, to ...any) {
	t.Helper()
	if _, err := fmt.Sscanf(text, format, to...); err != nil {
		t.Fatalf("read %q: %v", text, err)
	}
}

// checkFile holds what the kernel side says of a file against stat.
func checkFile(t testing.TB, got *event.File, path string) {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	// Where stat answers with another device than the inode's (btrfs), dev differs.
	want := event.File{
		Kind: got.Kind, Dev: got.Dev, Ino: st.Ino, Mode: st.Mode, UID: st.Uid,
		CTime: uint64(st.Ctim.Nano()), MTime: uint64(st.Mtim.Nano()),
		OpenFlags: got.OpenFlags, UpperLayer: got.UpperLayer, LowerLayer: got.LowerLayer,
	}
	if *got != want {
		t.Errorf("%s\n got %+v\nwant %+v", path, *got, want)
	}
}
