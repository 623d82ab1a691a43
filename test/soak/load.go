package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// load is the mixed load while it runs.
type load struct {
	workers sync.WaitGroup

	mu   sync.Mutex
	done map[string]int // pieces of work by worker
	errs []error
}

// startLoad starts the workers; their files lie below dir. They end with the
// context.
func startLoad(ctx context.Context, cfg *config, dir string) (*load, error) {
	l := &load{done: map[string]int{}}
	p := newPace(cfg.share, cfg.duration/5)
	l.workers.Go(func() { p.hold(ctx) })
	workers := map[string]func(context.Context, int) error{
		"programs started": startPrograms,
		"files worked on":  filesIn(filepath.Join(dir, "files")),
		"connections":      connect,
	}
	if goTool, err := exec.LookPath("go"); err == nil {
		b := builder{tool: goTool, dir: filepath.Join(dir, "build")}
		if err := b.prepare(ctx); err != nil {
			return nil, err
		}
		workers["builds"] = b.build
	}
	for name, f := range workers {
		l.workers.Go(func() {
			n, err := p.work(ctx, f)
			l.mu.Lock()
			defer l.mu.Unlock()
			l.done[name] = n
			if err != nil {
				l.errs = append(l.errs, fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	return l, nil
}

// loadResult is what the load did.
type loadResult struct {
	done map[string]int
	err  error
}

// String lists the pieces of work.
func (r loadResult) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(r.done)) {
		parts = append(parts, fmt.Sprintf("%d %s", r.done[name], name))
	}
	return strings.Join(parts, ", ")
}

// wait returns when all workers have ended.
func (l *load) wait() loadResult {
	l.workers.Wait()
	return loadResult{done: l.done, err: errors.Join(l.errs...)}
}

// startPrograms starts programs that end at once, some of them below a shell.
func startPrograms(ctx context.Context, i int) error {
	for range 10 {
		if err := exec.CommandContext(ctx, "/bin/true").Run(); err != nil {
			return fmt.Errorf("start true: %w", err)
		}
	}
	script := fmt.Sprintf("x=%d; for f in /etc/hostname /etc/passwd; do [ -r $f ] && read -r line <$f; done; (exit 0); ls / >/dev/null | cat", i)
	if err := exec.CommandContext(ctx, "/bin/sh", "-c", script).Run(); err != nil {
		return fmt.Errorf("start a shell: %w", err)
	}
	return nil
}

// filesIn makes, writes, renames, reads, links and removes files.
func filesIn(dir string) func(context.Context, int) error {
	return func(_ context.Context, i int) error {
		sub := filepath.Join(dir, fmt.Sprintf("d%d", i%100))
		err := os.MkdirAll(sub, 0o755)
		for n := range 50 {
			a, b := filepath.Join(sub, fmt.Sprintf("a%d", n)), filepath.Join(sub, fmt.Sprintf("b%d", n))
			err = errors.Join(err, os.WriteFile(a, []byte(a), 0o644), os.Chmod(a, 0o600), os.Link(a, b+".link"), os.Rename(a, b))
			_, readErr := os.ReadFile(b)
			_, statErr := os.ReadFile(a) // not there any more
			err = errors.Join(err, readErr)
			if !errors.Is(statErr, os.ErrNotExist) {
				err = errors.Join(err, fmt.Errorf("read %s: %w, where none was expected", a, statErr))
			}
			err = errors.Join(err, os.Remove(b+".link"), os.Remove(b))
		}
		return errors.Join(err, os.RemoveAll(sub))
	}
}

// connect makes connections over the loopback: listens, connects, sends, closes.
func connect(ctx context.Context, _ int) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close() // nothing is in it
	served := make(chan error, 1)
	const connections = 20
	go func() {
		for range connections {
			c, err := l.Accept()
			if err == nil {
				_, err = io.Copy(c, c)
				err = errors.Join(err, c.Close())
			}
			if err != nil {
				served <- err
				return
			}
		}
		served <- nil
	}()
	for range connections {
		if err := greet(ctx, l.Addr().String()); err != nil {
			return err // closing the listener ends the server
		}
	}
	return <-served
}

func greet(ctx context.Context, address string) error {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	_, err = c.Write([]byte("hello"))
	err = errors.Join(err, c.(*net.TCPConn).CloseWrite())
	_, readErr := io.Copy(io.Discard, c)
	return errors.Join(err, readErr, c.Close())
}

// builder compiles a small program that differs each time.
type builder struct {
	tool, dir string
}

// prepare builds once, and with that what the program needs of Go's library.
func (b builder) prepare(ctx context.Context) error {
	err := os.MkdirAll(b.dir, 0o755)
	err = errors.Join(err, os.WriteFile(filepath.Join(b.dir, "go.mod"), []byte("module example.org/soak\n\ngo 1.24\n"), 0o644))
	if err != nil {
		return fmt.Errorf("write a program to build: %w", err)
	}
	return b.build(ctx, -1)
}

func (b builder) build(ctx context.Context, i int) error {
	source := fmt.Sprintf("package main\n\nimport \"strconv\"\n\nfunc main() { println(strconv.Itoa(%d)) }\n", i)
	if err := os.WriteFile(filepath.Join(b.dir, "main.go"), []byte(source), 0o644); err != nil {
		return fmt.Errorf("write a program to build: %w", err)
	}
	cmd := exec.CommandContext(ctx, b.tool, "build", "-p", "1", "-o", "program", ".")
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "GOCACHE="+filepath.Join(b.dir, "cache"), "GOFLAGS=", "GOTOOLCHAIN=local", "GOPROXY=off", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	return nil
}
