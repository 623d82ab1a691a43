package dirs

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/enrich/aside"
	"github.com/goshawk-security/goshawk/internal/event"
)

// question is what is asked of the file system: where does given lead, relative
// to dir?
type question struct {
	ev    *event.Event
	dir   string // the kernel's, in the mount namespace; "" if it is the root
	given string
}

// root is a directory of proc whose root may be the caller's.
type root struct {
	path  string
	tasks bool // of the caller itself, with its chroot
}

// hung counts the questions of one user that have no answer yet.
type hung struct{ n atomic.Int32 }

// ask follows a path aside. It is false when there is no answer.
func (f *Finder) ask(q *question) (string, bool) {
	if second := q.ev.Time / uint64(1e9); second != f.second {
		f.second, f.asked = second, 0
	}
	who := user{q.ev.Image.Namespaces.Mount, q.ev.UID}
	h := f.hung[who]
	if f.asked >= perSecond || f.runner.Full() || h != nil && h.n.Load() >= latePerUser {
		f.stats.Throttled++
		return "", false
	}
	f.asked++
	f.stats.Asked++
	if h == nil {
		h = f.user(who)
	}
	roots, dir, given := f.roots(q.ev), q.dir, q.given
	h.n.Add(1)
	path, ok := aside.Do(&f.runner, func() string {
		defer h.n.Add(-1)
		return follow(roots, dir, given)
	})
	if !ok || path == "" {
		f.stats.Failed++
		return "", false
	}
	return path, true
}

// user returns a new counter, and forgets those of users that wait for nothing.
func (f *Finder) user(who user) *hung {
	if len(f.hung) >= maxAnswers {
		for u, h := range f.hung {
			if h.n.Load() == 0 {
				delete(f.hung, u)
			}
		}
	}
	h := &hung{}
	f.hung[who] = h
	return h
}

// roots lists whose root to take, best first.
func (f *Finder) roots(ev *event.Event) []root {
	at := func(pid uint32) string {
		return filepath.Join(f.cfg.ProcRoot, strconv.FormatUint(uint64(pid), 10), "root")
	}
	var list []root
	if ev.Process.Ended == 0 {
		list = append(list, root{at(ev.PID), true})
	}
	mnt := ev.Image.Namespaces.Mount
	if mnt == 0 {
		return list
	}
	if up := ev.Image.Parent; up != nil && up.Namespaces.Mount == mnt && up.PID == ev.Process.ParentPID {
		list = append(list, root{at(up.PID), false})
	}
	if mnt == f.cfg.HostMnt {
		list = append(list, root{at(1), false})
	}
	if mnt == f.cfg.OwnMnt {
		list = append(list, root{"/", false})
	}
	return list
}

// follow returns where a path leads, in the mount namespace, "" if nobody can say.
func follow(roots []root, dir, given string) string {
	for _, r := range roots {
		fd, err := unix.Open(r.path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			continue // it ended, or may not be looked at
		}
		path := followIn(fd, r.tasks, dir, given)
		unix.Close(fd)
		return path
	}
	return ""
}

// followIn follows a path below an open root. tasks says that it is the caller's,
// which may be that of a chroot.
func followIn(fd int, tasks bool, dir, given string) string {
	top := name(fd)
	if top == "" || top != "/" && !tasks {
		return ""
	}
	chroot := strings.TrimSuffix(top, "/")
	below, ok := strings.CutPrefix(dir, chroot)
	switch {
	case !ok || below != "" && below[0] != '/':
		return "" // outside of the root: nothing tells what a link means
	case given[0] != '/':
		given = below + "/" + given
	case below != "" && below != "/":
		return "" // the root is another by now
	}
	if len(given) >= maxPath {
		return ""
	}
	at, err := openat2(fd, given)
	if err != nil {
		return ""
	}
	defer unix.Close(at)
	return name(at)
}

// openat2 opens a path for its name only, and never leaves the root.
func openat2(root int, path string) (int, error) {
	how := unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	for tries := 0; ; tries++ {
		fd, err := unix.Openat2(root, path, &how)
		// A rename anywhere may make a path with ".." fail this way.
		if tries < 3 && (errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR)) {
			continue
		}
		return fd, err
	}
}

// name returns what the kernel calls an open file, "" if it has no name. The
// agent's own proc is meant: the descriptor is the agent's.
func name(fd int) string {
	var buf [maxPath]byte
	n, err := unix.Readlink("/proc/self/fd/"+strconv.Itoa(fd), buf[:])
	if err != nil || n == 0 || n == len(buf) || buf[0] != '/' {
		return ""
	}
	path := string(buf[:n])
	if strings.HasSuffix(path, " (deleted)") {
		return ""
	}
	return path
}
