package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// The most that is followed: what lies beyond is read at intervals.
const (
	maxLinks = 40   // as the kernel's own limit for a path
	maxPlace = 4096 // directories
)

// errTooMany says that there are more directories than are watched.
var errTooMany = fmt.Errorf("there are more than %d directories to watch", maxPlace)

// places are the directories in which a change can matter. A file is never watched
// itself: what is renamed over it would not be seen.
type places struct {
	add   func(dir string) error // watches a directory
	dirs  map[string]*place      // by the path under which it was added
	known map[identity]string    // one directory can have several paths, but one watch
}

// place is one directory.
type place struct {
	all   bool            // whatever it holds matters
	names map[string]bool // else these do
}

type identity struct{ dev, ino uint64 }

func newPlaces(add func(dir string) error) *places {
	return &places{add: add, dirs: map[string]*place{}, known: map[identity]string{}}
}

// matters tells whether a change of what has this path can change what is read.
func (p *places) matters(path string) bool {
	here, ok := p.dirs[path]
	if ok && here.all {
		return true // the directory itself
	}
	dir, ok := p.dirs[filepath.Dir(path)]
	return !ok && here == nil || ok && (dir.all || dir.names[filepath.Base(path)])
}

// follow watches every directory on the way to path, links followed, and all that
// path holds if it is a directory. Each is watched before what it holds is read, so
// a change is either seen by the read or told by the watch. What does not exist is
// no error: its appearance is what the watch is for.
func (p *places) follow(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	return p.walk(path, true)
}

// walk goes along a path from the root. With into it goes on into what a
// directory at its end holds.
func (p *places) walk(path string, into bool) error {
	at, rest, links := "/", path, 0
	for {
		name, left := next(rest)
		if name == "" {
			break
		}
		if name == "." || name == ".." {
			at, rest = filepath.Join(at, name), left // links are behind us
			continue
		}
		if err := p.watch(at, name); err != nil {
			return err
		}
		here := filepath.Join(at, name)
		info, err := os.Lstat(here)
		if err != nil {
			return nil // not there, or not for us: the watch tells when it comes
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			if links++; links > maxLinks {
				return nil // a circle; a change of it is told
			}
			target, err := os.Readlink(here)
			if err != nil {
				return nil
			}
			if filepath.IsAbs(target) {
				at = "/"
			}
			rest = target + "/" + left
			continue
		}
		at, rest = here, left
	}
	if info, err := os.Stat(at); err == nil && into && info.IsDir() {
		return p.contents(at)
	}
	return nil
}

// next cuts the first name off a path.
func next(path string) (name, rest string) {
	name, rest, _ = strings.Cut(strings.TrimLeft(path, "/"), "/")
	return name, rest
}

// contents watches a directory, those below it and what links in them point to.
// Hidden ones hold no rules.
func (p *places) contents(dir string) error {
	if err := p.watch(dir, ""); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // gone again
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir():
			err = p.contents(path)
		case e.Type()&fs.ModeSymlink != 0:
			err = p.walk(path, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// watch notes that a name in a directory matters; "" is all of them.
func (p *places) watch(dir, name string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return nil // gone again: its own directory is watched
	}
	id, ok := identify(info)
	if known, twice := p.known[id]; ok && twice {
		dir = known
	}
	here := p.dirs[dir]
	if here == nil {
		if len(p.dirs) >= maxPlace {
			return errTooMany
		}
		err := p.add(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return fmt.Errorf("watch %s: %w", dir, err)
		}
		here = &place{names: map[string]bool{}}
		p.dirs[dir] = here
		p.known[id] = dir
	}
	if name == "" {
		here.all = true
		return nil
	}
	here.names[name] = true
	return nil
}

func identify(info fs.FileInfo) (identity, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}, false
	}
	return identity{uint64(st.Dev), st.Ino}, true
}
