package watch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
)

// Changes belong together when less than quiet passes between them; whoever is told
// waits for them no longer than patience.
const (
	quiet    = 200 * time.Millisecond
	patience = 2 * time.Second
)

// interval is the time between two reads where the kernel does not tell.
const interval = 10 * time.Second

// Files calls changed, in its own goroutine and never twice at a time, whenever
// something may have changed at one of the paths, until ctx ends. A path is a file
// or a directory, and may not exist yet. What changed before Files is called is not
// told, unless first is set: then changed is called once as soon as everything is
// watched.
func Files(ctx context.Context, paths []string, first bool, log *zap.Logger, changed func()) {
	w := &watcher{paths: paths, log: log, changed: changed, open: openNotifier}
	w.run(ctx, first)
}

// notifier is the kernel's side of watching.
type notifier interface {
	// Add watches a directory.
	Add(dir string) error
	Close() error
}

// watcher is the state of Files.
type watcher struct {
	paths   []string
	log     *zap.Logger
	changed func()
	open    func() (notifier, <-chan fsnotify.Event, <-chan error, error)
	polling bool // as was said
}

func openNotifier() (notifier, <-chan fsnotify.Event, <-chan error, error) {
	n, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, nil, nil, err
	}
	return n, n.Events, n.Errors, nil
}

// run watches anew after each change: a directory that was moved away is watched
// under its path no longer, a link leads elsewhere. The new watch stands before the
// old one goes and before anything is read, so no change falls between.
func (w *watcher) run(ctx context.Context, tell bool) {
	s := w.watch()
	for {
		if tell {
			w.changed()
		}
		w.wait(ctx, s)
		if ctx.Err() != nil {
			s.close()
			return
		}
		old := s
		s = w.watch()
		old.close()
		tell = true
	}
}

// stand is one set of watched directories.
type stand struct {
	notifier notifier // nil: none could be had
	events   <-chan fsnotify.Event
	errors   <-chan error
	places   *places
	err      error // why changes are not told; nil: they are
}

func (s *stand) close() {
	if s.notifier != nil {
		_ = s.notifier.Close() // nothing was written
	}
}

// watch watches all that the paths lead to now.
func (w *watcher) watch() *stand {
	s := &stand{}
	n, events, errs, err := w.open()
	if err != nil {
		s.err = fmt.Errorf("watch files: %w", err)
	} else {
		s.notifier, s.events, s.errors = n, events, errs
		s.places = newPlaces(n.Add)
		for _, path := range w.paths {
			if s.err = s.places.follow(path); s.err != nil {
				break
			}
		}
	}
	w.say(s.err)
	return s
}

// say logs when the kernel stops telling of changes, and when it does again.
func (w *watcher) say(err error) {
	switch {
	case err != nil && !w.polling:
		w.log.Warn("the kernel does not tell of changed files: they are read at intervals",
			zap.Error(err), zap.Duration("interval", interval),
			zap.String("next", "raise fs.inotify.max_user_instances or fs.inotify.max_user_watches, if they are at their limit"))
	case err == nil && w.polling:
		w.log.Info("the kernel tells of changed files again")
	}
	w.polling = err != nil
}

// wait returns when something may have changed and then was quiet, when it is time
// to read anyway, or when ctx ends.
func (w *watcher) wait(ctx context.Context, s *stand) {
	var poll, settled, late <-chan time.Time
	if s.err != nil {
		poll = time.After(interval)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-poll:
			return
		case <-settled:
			return
		case <-late:
			return
		case ev := <-s.events:
			if !s.places.matters(ev.Name) {
				continue
			}
		case err := <-s.errors:
			w.failed(err)
		}
		settled = time.After(quiet)
		if late == nil {
			late = time.After(patience)
		}
	}
}

// failed notes that the kernel told less than there was: anything may have changed,
// and everything is watched anew.
func (w *watcher) failed(err error) {
	if errors.Is(err, fsnotify.ErrEventOverflow) {
		w.log.Warn("more files changed than the kernel could tell of: reading all again")
		return
	}
	w.log.Warn("watch files: reading all again", zap.Error(err))
}
