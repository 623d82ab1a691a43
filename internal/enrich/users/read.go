package users

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/event"
)

// identity tells whether a file is still the one that was read.
type identity struct {
	dev, ino     uint64
	mtime, ctime unix.Timespec
	size         int64
}

// tables are what was read below one root. Published ones never change.
type tables struct {
	passwd, group identity // zero: there was no such file
	users         map[uint32]event.Account
	groups        map[uint32]string
	bytes         int // in memory, estimated; the strings are counted by the files' sizes
}

// What an entry of the maps takes besides its strings.
const (
	userBytes  = 128
	groupBytes = 64
)

// size returns the memory that the tables take; they may be nil.
func (t *tables) size() int {
	if t == nil {
		return 0
	}
	return t.bytes
}

// load reads the files below root unless they are the same as in have, which
// may be nil. A file that is not there, or is not one that can be trusted to be
// read, is as an empty one; an error says that root itself cannot be read.
func load(root string, limit int64, have *tables) (*tables, error) {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open root %s: %w", root, err)
	}
	defer unix.Close(dir)

	if have == nil {
		have = &tables{}
	}
	next := *have
	if data, id, same := read(dir, "etc/passwd", limit, have.passwd); !same {
		next.passwd, next.users = id, parsePasswd(data)
	}
	if data, id, same := read(dir, "etc/group", limit, have.group); !same {
		next.group, next.groups = id, parseGroup(data)
	}
	text := min(next.passwd.size, limit) + min(next.group.size, limit)
	next.bytes = int(text) + userBytes*len(next.users) + groupBytes*len(next.groups)
	return &next, nil
}

// read returns what is in a file below dir, or that it is the same as before.
func read(dir int, name string, limit int64, have identity) (data []byte, id identity, same bool) {
	f, id, err := open(dir, name)
	if err != nil {
		return nil, identity{}, have == identity{}
	}
	defer f.Close()
	if id == have {
		return nil, id, true
	}
	if data, err = io.ReadAll(io.LimitReader(f, limit)); err != nil {
		return nil, identity{}, false
	}
	if int64(len(data)) == limit {
		for len(data) > 0 && data[len(data)-1] != '\n' {
			data = data[:len(data)-1] // a line that was cut may have another number
		}
	}
	return data, id, false
}

var errNotRegular = errors.New("not a regular file")

// open opens a regular file below dir without ever leaving it. What a name leads
// to is looked at before it is opened: opening a pipe or a device can do harm.
func open(dir int, name string) (*os.File, identity, error) {
	fd, err := unix.Openat2(dir, name, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return nil, identity{}, fmt.Errorf("find %s: %w", name, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, identity{}, fmt.Errorf("stat %s: %w", name, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, identity{}, fmt.Errorf("open %s: %w", name, errNotRegular)
	}
	// The agent's own proc: the descriptor is the agent's.
	f, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, identity{}, fmt.Errorf("open %s: %w", name, err)
	}
	return f, identity{dev: st.Dev, ino: st.Ino, mtime: st.Mtim, ctime: st.Ctim, size: st.Size}, nil
}
