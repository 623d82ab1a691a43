package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxFile bounds what is read. A pod's specification is at most 1.5 MiB.
const maxFile = 4 << 20

// maxNames bounds how many names Names returns.
const maxNames = 64

// FS is the node's file system. What is named in it is found below its root,
// also where links are absolute, as /var/run often is.
type FS struct{ Root string }

// Identity tells whether a file is still the same.
type Identity struct{ dev, ino uint64 }

var (
	errNotRegular = errors.New("not a regular file")
	errNotSocket  = errors.New("not a socket")
	errTooLong    = fmt.Errorf("longer than %d bytes", maxFile)
)

// Directory opens a directory for what is below it. The caller closes it.
func (n FS) Directory(name string) (int, error) {
	return n.open(name, unix.O_DIRECTORY)
}

func (n FS) open(name string, flags uint64) (int, error) {
	root, err := unix.Open(n.Root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", n.Root, err)
	}
	defer unix.Close(root)
	fd, err := openat2(root, strings.TrimLeft(name, "/"), unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC | flags,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", name, err)
	}
	return fd, nil
}

// openat2 tries again what a rename at the same time can spoil.
func openat2(dir int, name string, how unix.OpenHow) (int, error) {
	for tries := 0; ; tries++ {
		fd, err := unix.Openat2(dir, name, &how)
		if tries < 3 && (errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR)) {
			continue
		}
		return fd, err
	}
}

// Read returns a regular file below an open directory. No link is followed, and
// nothing but a regular file is opened: opening a pipe or a device can do harm.
func Read(dir int, name string) ([]byte, error) {
	fd, err := openat2(dir, name, unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
	})
	if errors.Is(err, unix.ENOTDIR) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	defer unix.Close(fd)
	if st, err := stat(fd); err != nil {
		return nil, fmt.Errorf("stat %s: %w", name, err)
	} else if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, fmt.Errorf("open %s: %w", name, errNotRegular)
	}
	f, err := os.OpenFile(self(fd), os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = errTooLong
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// Socket returns the identity of a socket.
func (n FS) Socket(name string) (Identity, error) {
	fd, id, err := n.openSocket(name)
	if err == nil {
		unix.Close(fd)
	}
	return id, err
}

// Dial connects to a socket. It does so through its descriptor, so that neither
// links nor the short limit of a socket's path stand in the way.
func (n FS) Dial(ctx context.Context, name string) (net.Conn, error) {
	fd, _, err := n.openSocket(name)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", self(fd))
	if err != nil {
		// The number of a descriptor tells nobody anything.
		var sys *os.SyscallError
		if errors.As(err, &sys) {
			err = sys.Err
		}
		return nil, fmt.Errorf("connect to %s: %w", name, err)
	}
	return conn, nil
}

func (n FS) openSocket(name string) (int, Identity, error) {
	fd, err := n.open(name, 0)
	if err != nil {
		return -1, Identity{}, err
	}
	st, err := stat(fd)
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		err = errNotSocket
	}
	if err != nil {
		unix.Close(fd)
		return -1, Identity{}, fmt.Errorf("open %s: %w", name, err)
	}
	return fd, Identity{st.Dev, st.Ino}, nil
}

func stat(fd int) (st unix.Stat_t, err error) {
	err = unix.Fstat(fd, &st)
	return st, err
}

// self names an open file in the agent's own proc.
func self(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// Names lists some of what is in an open directory.
func Names(dir int) ([]string, error) {
	f, err := os.OpenFile(self(dir), os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := f.Readdirnames(maxNames)
	if err != nil && len(all) == 0 {
		return nil, fs.ErrNotExist
	}
	return all, nil
}
