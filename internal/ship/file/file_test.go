package file_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/ship/file"
	"github.com/goshawk-security/goshawk/internal/ship/outcome"
	"github.com/goshawk-security/goshawk/internal/ship/sinktest"
)

func open(t *testing.T, path string) *file.Sink {
	t.Helper()
	s, err := file.New(file.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func send(t *testing.T, s *file.Sink, batch []*alert.Alert) {
	t.Helper()
	if err := s.Send(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

// ids reads the file, which must consist of whole lines, each an alert.
func ids(t *testing.T, path string) []string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(b)) {
		var a alert.Alert
		if err := json.Unmarshal([]byte(line), &a); err != nil || !strings.HasSuffix(line, "\n") {
			t.Fatalf("line %q: %v", line, err)
		}
		all = append(all, a.ID)
	}
	return all
}

func wantIDs(t *testing.T, path string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, ids(t, path)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", filepath.Base(path), diff)
	}
}

func TestContract(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Subject {
		dir := filepath.Join(t.TempDir(), "log")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "alerts.jsonl")
		move := func(t *testing.T, from, to string) {
			if err := os.Rename(from, to); err != nil {
				t.Fatal(err)
			}
		}
		return sinktest.Subject{
			Sink:     open(t, path),
			Received: func(t *testing.T) []string { return ids(t, path) },
			Break:    func(t *testing.T) { move(t, dir, dir+".away") },
			Mend:     func(t *testing.T) { move(t, dir+".away", dir) },
		}
	})
}

func TestModeAndAppend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alerts")
	s := open(t, path)
	send(t, s, sinktest.Alerts("a", 1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
	send(t, open(t, path), sinktest.Alerts("b", 1))
	wantIDs(t, path, "a-0", "b-0")
}

func TestRotation(t *testing.T) {
	for _, tt := range []struct {
		name    string
		rotate  func(path string) error
		old     []string // in path.1 afterwards
		current []string
	}{
		{"renamed", func(p string) error { return os.Rename(p, p+".1") },
			[]string{"a-0", "a-1"}, []string{"b-0"}},
		{"renamed and made anew", func(p string) error {
			return errors.Join(os.Rename(p, p+".1"), os.WriteFile(p, nil, 0o640))
		}, []string{"a-0", "a-1"}, []string{"b-0"}},
		{"removed", os.Remove, nil, []string{"b-0"}},
		{"emptied", func(p string) error { return os.Truncate(p, 0) }, nil, []string{"b-0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "alerts")
			s := open(t, path)
			send(t, s, sinktest.Alerts("a", 2))
			if err := tt.rotate(path); err != nil {
				t.Fatal(err)
			}
			send(t, s, sinktest.Alerts("b", 1))
			wantIDs(t, path, tt.current...)
			if tt.old != nil {
				wantIDs(t, path+".1", tt.old...)
			}
		})
	}
}

// What a crash left in the middle of a line does not spoil the next alert.
func TestBrokenEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alerts")
	const half = `{"id":"hal`
	if err := os.WriteFile(path, []byte(half), 0o600); err != nil {
		t.Fatal(err)
	}
	send(t, open(t, path), sinktest.Alerts("a", 1))
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rest, ok := strings.CutPrefix(string(b), half+"\n")
	if !ok || strings.Count(rest, "\n") != 1 || !json.Valid([]byte(rest)) {
		t.Errorf("file is %q", b)
	}
}

// A real file system that is full: nothing is lost, nothing is there twice, no
// line is broken.
func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("mount a small file system: %v", err)
	}
	path := filepath.Join(dir, "alerts")
	ballast := filepath.Join(dir, "ballast")
	s := open(t, path)
	t.Cleanup(func() {
		_ = s.Close()
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	if err := os.WriteFile(ballast, make([]byte, 40<<10), 0o600); err != nil {
		t.Fatal(err)
	}

	batch := sinktest.Alerts("a", 60)
	res := outcome.Of(s.Send(context.Background(), batch), len(batch))
	if res == nil || !errors.Is(res, syscall.ENOSPC) || len(res.Rejected) != 0 {
		t.Fatalf("Send to a full disk: %+v, want %v", res, syscall.ENOSPC)
	}
	if n := len(res.Retry); n == 0 || n == len(batch) {
		t.Fatalf("%d of %d alerts to be sent again; the test wants a part", n, len(batch))
	}
	wantIDs(t, path, sinktest.IDs(batch[:len(batch)-len(res.Retry)])...)

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	send(t, s, batch[res.Retry[0]:])
	wantIDs(t, path, sinktest.IDs(batch)...)
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, path, want string }{
		{"no directory", filepath.Join(dir, "none", "x"), "no such file or directory"},
		{"directory", dir, "is a directory"},
		{"named pipe", fifo, "is not a regular file"},
		{"device", "/dev/null", "is not a regular file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := file.New(file.Config{Path: tt.path})
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.path) {
				t.Errorf("New: %v, want %q and the path", err, tt.want)
			}
		})
	}
}

func TestReopenFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "alerts")
	s := open(t, path)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := s.Reopen(); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("Reopen: %v, want %v", err, fs.ErrNotExist)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	send(t, s, sinktest.Alerts("a", 1))
	wantIDs(t, path, "a-0")
}

func TestConfig(t *testing.T) {
	c := file.Config{Format: "csv"}
	want := "path: is missing: name the file to append to\nformat: unknown format \"csv\": use text or json"
	if err := c.Validate(); err == nil || err.Error() != want {
		t.Errorf("Validate: %v\nwant %s", err, want)
	}
	for path, want := range map[string]string{"a/b": "/etc/goshawk/a/b", "/x": "/x", "": ""} {
		c := file.Config{Path: path}
		if c.ResolvePaths("/etc/goshawk"); c.Path != want {
			t.Errorf("ResolvePaths(%q): %q, want %q", path, c.Path, want)
		}
	}
}
