package watch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// changes are what can happen to rules; $D is a directory, and each step must be
// told. The paths watched are rules.yaml and dir of it.
var changes = []struct {
	name  string
	setup func(t *testing.T, d string)
	steps []func(t *testing.T, d string)
}{
	{
		name:  "written in place",
		setup: func(t *testing.T, d string) { put(t, d+"/rules.yaml", "a") },
		steps: []func(*testing.T, string){
			func(t *testing.T, d string) { put(t, d+"/rules.yaml", "b") },
			func(t *testing.T, d string) { put(t, d+"/rules.yaml", "c") },
		},
	},
	{
		name:  "renamed over, as editors do",
		setup: func(t *testing.T, d string) { put(t, d+"/rules.yaml", "a") },
		steps: []func(*testing.T, string){
			func(t *testing.T, d string) { put(t, d+"/.swap", "b"); rename(t, d+"/.swap", d+"/rules.yaml") },
			func(t *testing.T, d string) { put(t, d+"/.swap", "c"); rename(t, d+"/.swap", d+"/rules.yaml") },
		},
	},
	{
		name:  "appears and vanishes",
		setup: func(*testing.T, string) {},
		steps: []func(*testing.T, string){
			func(t *testing.T, d string) { put(t, d+"/rules.yaml", "a") },
			func(t *testing.T, d string) { remove(t, d+"/rules.yaml") },
			func(t *testing.T, d string) { mkdir(t, d+"/dir") },
			func(t *testing.T, d string) { put(t, d+"/dir/new.yaml", "a") },
			func(t *testing.T, d string) { mkdir(t, d+"/dir/below") },
			func(t *testing.T, d string) { put(t, d+"/dir/below/new.yaml", "a") },
			func(t *testing.T, d string) { remove(t, d+"/dir/below/new.yaml") },
		},
	},
	{
		name: "swap of a ConfigMap",
		setup: func(t *testing.T, d string) {
			mkdir(t, d+"/dir")
			version(t, d+"/dir", "..1", "a")
			link(t, "..1", d+"/dir/..data")
			link(t, "..data/rules.yaml", d+"/dir/rules.yaml")
		},
		steps: []func(*testing.T, string){
			func(t *testing.T, d string) { swap(t, d+"/dir", "..2") },
			func(t *testing.T, d string) { swap(t, d+"/dir", "..3") },
		},
	},
	{
		name: "a ConfigMap's file by name",
		setup: func(t *testing.T, d string) {
			mkdir(t, d+"/map")
			version(t, d+"/map", "..1", "a")
			link(t, "..1", d+"/map/..data")
			link(t, "..data/rules.yaml", d+"/map/rules.yaml")
			link(t, "map/rules.yaml", d+"/rules.yaml")
		},
		steps: []func(*testing.T, string){
			func(t *testing.T, d string) { swap(t, d+"/map", "..2") },
			func(t *testing.T, d string) { put(t, d+"/map/..2/rules.yaml", "in place, behind the links") },
		},
	},
	{
		name: "a link leads out of the directory",
		setup: func(t *testing.T, d string) {
			mkdir(t, d+"/dir")
			mkdir(t, d+"/elsewhere")
			put(t, d+"/elsewhere/a.yaml", "a")
			link(t, "../elsewhere/a.yaml", d+"/dir/a.yaml")
		},
		steps: []func(*testing.T, string){
			func(t *testing.T, d string) { put(t, d+"/elsewhere/a.yaml", "b") },
			func(t *testing.T, d string) { put(t, d+"/new", "c"); rename(t, d+"/new", d+"/elsewhere/a.yaml") },
		},
	},
	{
		name: "the directory is replaced",
		setup: func(t *testing.T, d string) {
			mkdir(t, d+"/dir")
			put(t, d+"/dir/a.yaml", "a")
			mkdir(t, d+"/next")
			put(t, d+"/next/a.yaml", "b")
		},
		steps: []func(*testing.T, string){
			func(t *testing.T, d string) { rename(t, d+"/dir", d+"/old"); rename(t, d+"/next", d+"/dir") },
			func(t *testing.T, d string) { put(t, d+"/dir/a.yaml", "c") },
		},
	},
}

func TestFiles(t *testing.T) {
	for _, tt := range changes {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			tt.setup(t, d)
			told := make(chan struct{}, 64)
			logs := start(t, []string{d + "/rules.yaml", d + "/dir"}, func() { told <- struct{}{} })
			wait(t, told, "the start")
			for i, step := range tt.steps {
				drain(told) // of the step before, told in two
				step(t, d)
				wait(t, told, "step "+string(rune('0'+i)))
			}
			for _, line := range logs.All() {
				t.Errorf("log: %s %v", line.Message, line.ContextMap())
			}
		})
	}
}

// start watches until the test ends.
func start(t *testing.T, paths []string, changed func()) *observer.ObservedLogs {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		Files(ctx, paths, true, zap.New(core), changed)
	}()
	t.Cleanup(func() { stop(); <-ended })
	return logs
}

func wait(t *testing.T, told <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-told:
	case <-time.After(30 * time.Second):
		t.Fatalf("%s was not told", what)
	}
}

func drain(told <-chan struct{}) {
	for {
		select {
		case <-told:
		default:
			return
		}
	}
}

// TestOthers: what is done to other files beside is none of our business.
func TestOthers(t *testing.T) {
	d := t.TempDir()
	put(t, d+"/rules.yaml", "a")
	p := newPlaces(func(string) error { return nil })
	if err := p.follow(d + "/rules.yaml"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		d + "/rules.yaml":    true,
		d + "/other.yaml":    false,
		d:                    true, // it went
		"/elsewhere/unknown": true, // moved while it was watched
	} {
		if got := p.matters(path); got != want {
			t.Errorf("%s matters: %v, want %v", path, got, want)
		}
	}
}

// fake is a kernel that tells what the test says.
type fake struct {
	events chan fsnotify.Event
	errs   chan error
	opens  atomic.Int64
	told   atomic.Int64

	mu              sync.Mutex
	openErr, addErr error
}

// fail sets what the kernel answers.
func (f *fake) fail(openErr, addErr error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.openErr, f.addErr = openErr, addErr
}

func (f *fake) open() (notifier, <-chan fsnotify.Event, <-chan error, error) {
	f.opens.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	return f, f.events, f.errs, f.openErr
}

func (f *fake) Add(string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.addErr
}

func (f *fake) Close() error { return nil }

// run watches one path with the fake and counts how often a change is told.
func (f *fake) run(t *testing.T, test func(t *testing.T, logs *observer.ObservedLogs)) {
	synctest.Test(t, func(t *testing.T) {
		f.events, f.errs = make(chan fsnotify.Event), make(chan error)
		core, logs := observer.New(zapcore.InfoLevel)
		w := &watcher{paths: []string{"/etc/hostname"}, log: zap.New(core), changed: func() { f.told.Add(1) }, open: f.open}
		ctx, stop := context.WithCancel(t.Context())
		go w.run(ctx, false)
		synctest.Wait()
		test(t, logs)
		stop()
		synctest.Wait()
	})
}

func (f *fake) write() { f.events <- fsnotify.Event{Name: "/etc/hostname", Op: fsnotify.Write} }

func TestQuick(t *testing.T) {
	f := &fake{}
	f.run(t, func(t *testing.T, _ *observer.ObservedLogs) {
		for range 5 {
			f.write()
			time.Sleep(quiet / 2)
		}
		f.events <- fsnotify.Event{Name: "/etc/other", Op: fsnotify.Write}
		time.Sleep(2 * quiet)
		synctest.Wait()
		if told := f.told.Load(); told != 1 {
			t.Errorf("five writes in quick succession were told %d times", told)
		}
		for range 100 { // without an end
			f.write()
			time.Sleep(quiet / 2)
		}
		synctest.Wait()
		if told := f.told.Load() - 1; told < 3 || told > 5 {
			t.Errorf("writes for 10 s were told %d times, want one in %v", told, patience)
		}
	})
}

func TestNotTold(t *testing.T) {
	t.Run("overflow", func(t *testing.T) {
		f := &fake{}
		f.run(t, func(t *testing.T, logs *observer.ObservedLogs) {
			f.errs <- fsnotify.ErrEventOverflow
			time.Sleep(2 * quiet)
			synctest.Wait()
			if told, opens := f.told.Load(), f.opens.Load(); told != 1 || opens != 2 || logs.Len() != 1 {
				t.Errorf("told %d times, watched %d times, %d lines", told, opens, logs.Len())
			}
		})
	})
	for name, f := range map[string]*fake{
		"no instance": {openErr: syscall.EMFILE},
		"no watch":    {addErr: syscall.ENOSPC},
	} {
		t.Run(name, func(t *testing.T) {
			f.run(t, func(t *testing.T, logs *observer.ObservedLogs) {
				time.Sleep(3*interval + time.Second)
				synctest.Wait()
				if told := f.told.Load(); told != 3 {
					t.Errorf("read %d times in three intervals", told)
				}
				f.fail(nil, nil)
				time.Sleep(5 * interval)
				synctest.Wait()
				if told := f.told.Load(); told != 4 {
					t.Errorf("read %d times, want no more once the kernel tells", told)
				}
				if logs.Len() != 2 {
					t.Errorf("%d lines, want one when it began and one when it ended: %v", logs.Len(), logs.All())
				}
			})
		})
	}
}

func TestTooMany(t *testing.T) {
	d := t.TempDir()
	for i := range 3 {
		mkdir(t, filepath.Join(d, string(rune('a'+i))))
	}
	p := newPlaces(func(string) error { return syscall.ENOSPC })
	if err := p.follow(d); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full kernel: %v", err)
	}
	link(t, "circle", d+"/circle")
	if err := newPlaces(func(string) error { return nil }).follow(d + "/circle"); err != nil {
		t.Errorf("a circle: %v", err)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

// version makes the directory of one version of a ConfigMap.
func version(t *testing.T, dir, name, text string) {
	t.Helper()
	mkdir(t, filepath.Join(dir, name))
	put(t, filepath.Join(dir, name, "rules.yaml"), text)
}

// swap does what the kubelet does with a new version: a link to it takes the place
// of the old one, and the old version goes.
func swap(t *testing.T, dir, name string) {
	t.Helper()
	version(t, dir, name, name)
	old, err := os.Readlink(dir + "/..data")
	if err != nil {
		t.Fatal(err)
	}
	link(t, name, dir+"/..data_tmp")
	rename(t, dir+"/..data_tmp", dir+"/..data")
	if err := os.RemoveAll(filepath.Join(dir, old)); err != nil {
		t.Fatal(err)
	}
}
