package process

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/event"
)

// What is read of one file in /proc at most.
const (
	maxStatus  = 64 << 10
	maxCmdline = 32 << 10
	maxEnviron = 32 << 10
	deleted    = " (deleted)"
)

// snapshot is a process as /proc showed it.
type snapshot struct {
	pid, ppid uint32
	start     uint64 // in ticks, as ns
	zombie    bool   // ended, and not waited for yet
	seen      uint64 // CLOCK_BOOTTIME when it had been read
	img       event.Image
}

// procDir is an open directory of one process: what is read through it is of
// that process or fails, also when the PID is used again.
type procDir int

func openProcess(root string, pid uint32) (procDir, error) {
	fd, err := unix.Open(filepath.Join(root, strconv.FormatUint(uint64(pid), 10)), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	return procDir(fd), err
}

func (d procDir) close() { unix.Close(int(d)) }

// file reads at most limit bytes; more says that there was more.
func (d procDir) file(name string, limit int) (data []byte, more bool, err error) {
	fd, err := unix.Openat(int(d), name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, false, fmt.Errorf("open %s: %w", name, err)
	}
	defer unix.Close(fd)
	buf := make([]byte, 4096)
	for n := 0; ; {
		if n == len(buf) {
			if n > limit {
				return buf[:limit], true, nil
			}
			buf = append(buf, make([]byte, len(buf))...)
		}
		got, err := unix.Read(fd, buf[n:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, false, fmt.Errorf("read %s: %w", name, err)
		}
		if got == 0 {
			if n > limit {
				return buf[:limit], true, nil
			}
			return buf[:n], false, nil
		}
		n += got
	}
}

// link reads a link, "" if it cannot be read.
func (d procDir) link(name string) string {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(d), name, buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
}

// readProcess reads what can be read of a process. Only its stat is needed: the
// rest is refused for kernel threads and without capabilities.
func readProcess(d procDir, cfg *Config) (*snapshot, error) {
	stat, _, err := d.file("stat", maxStatus)
	if err != nil {
		return nil, err
	}
	s := &snapshot{}
	if err := s.parseStat(stat); err != nil {
		return nil, err
	}
	img := &s.img
	img.Start, img.Time = s.start, s.start
	img.FromProc = true
	img.Execed = true
	img.Creds.LoginUID = event.LoginUnset
	if status, _, err := d.file("status", maxStatus); err == nil {
		parseStatus(img, status)
	}
	if data, _, err := d.file("loginuid", 32); err == nil {
		if n, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 32); err == nil {
			img.Creds.LoginUID = uint32(n)
		}
	}
	readExe(img, d)
	if data, more, err := d.file("cmdline", maxCmdline); err == nil {
		img.Argv = event.Words(data)
		img.ArgsCut = more
	}
	img.CmdLine = cmdLine(img.Comm, img.Argv)
	if cfg.Environ {
		if data, _, err := d.file("environ", maxEnviron); err == nil {
			img.Env = event.Words(data)
		}
	}
	img.Cwd = strings.TrimSuffix(d.link("cwd"), deleted)
	if data, _, err := d.file("cgroup", maxStatus); err == nil && cfg.CgroupPath != nil {
		img.CgroupPath, _ = cfg.CgroupPath(data)
	}
	readNamespaces(&img.Namespaces, d)
	for fd := range img.Stdio {
		img.Stdio[fd] = readStdio(d, fd)
	}
	return s, nil
}

// parseStat reads pid (comm) state ppid pgrp session tty … starttime. The comm
// may hold anything, also blanks and parentheses.
func (s *snapshot) parseStat(data []byte) error {
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 0 || end < open {
		return errors.New("parse stat: no command in parentheses")
	}
	f := strings.Fields(string(data[end+1:]))
	if len(f) < 20 || len(f[0]) != 1 {
		return fmt.Errorf("parse stat: %d fields after the command, want 20", len(f))
	}
	num := make([]uint64, 20)
	for _, i := range []int{1, 2, 3, 4, 17, 19} {
		n, err := strconv.ParseInt(f[i], 10, 64)
		if err != nil {
			return fmt.Errorf("parse stat: field %d: %w", i+3, err)
		}
		num[i] = uint64(n)
	}
	s.img.Comm = string(data[open+1 : end])
	// The leader of a process that goes on in other threads is a zombie as well.
	s.zombie = (f[0] == "Z" || f[0] == "X") && num[17] <= 1
	s.ppid = uint32(num[1])
	s.img.PGID, s.img.SID = uint32(num[2]), uint32(num[3])
	s.img.TTY = uint32(num[4])
	s.start = num[19] * tick
	return nil
}

// parseStatus reads the lines of /proc/PID/status that say who it is.
func parseStatus(img *event.Image, data []byte) {
	c := &img.Creds
	for line := range bytes.Lines(data) {
		key, rest, ok := strings.Cut(string(line), ":")
		f := strings.Fields(rest)
		if !ok || len(f) == 0 {
			continue
		}
		switch key {
		case "Uid":
			c.UID, c.EUID = number(f, 0), number(f, 1)
		case "Gid":
			c.GID, c.EGID = number(f, 0), number(f, 1)
		case "NSpid":
			img.VPID = number(f, len(f)-1)
		case "NSpgid":
			img.VPGID = number(f, len(f)-1)
		case "CapInh":
			c.CapInheritable = mask(f[0])
		case "CapPrm":
			c.CapPermitted = mask(f[0])
		case "CapEff":
			c.CapEffective = mask(f[0])
		}
	}
}

func number(f []string, i int) uint32 {
	if i >= len(f) {
		return 0
	}
	n, _ := strconv.ParseUint(f[i], 10, 32) // what the kernel writes is a number
	return uint32(n)
}

func mask(s string) uint64 {
	n, _ := strconv.ParseUint(s, 16, 64)
	return n
}

// readExe reads the executable: its name, and its inode without asking the file
// system, which may not answer.
func readExe(img *event.Image, d procDir) {
	exe := d.link("exe")
	img.ExePath = strings.TrimSuffix(exe, deleted)
	img.Deleted = exe != img.ExePath
	img.Memfd = img.Deleted && strings.HasPrefix(exe, "/"+memfdPrefix)
	img.Exe, _ = statFile(d, "exe")
	if img.Memfd {
		img.Exe.Kind = event.FileMemfd
	}
}

// statFile reads the inode that a link of /proc/PID leads to.
func statFile(d procDir, name string) (event.File, bool) {
	var st unix.Statx_t
	const want = unix.STATX_BASIC_STATS
	if err := unix.Statx(int(d), name, unix.AT_STATX_DONT_SYNC|unix.AT_NO_AUTOMOUNT, want, &st); err != nil {
		return event.File{}, false
	}
	return event.File{
		Kind:  kindOf(st.Mode),
		Dev:   st.Dev_major<<20 | st.Dev_minor,
		Ino:   st.Ino,
		Mode:  uint32(st.Mode),
		UID:   st.Uid,
		CTime: uint64(st.Ctime.Sec)*1e9 + uint64(st.Ctime.Nsec),
		MTime: uint64(st.Mtime.Sec)*1e9 + uint64(st.Mtime.Nsec),
	}, true
}

func kindOf(mode uint16) event.FileKind {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return event.FileRegular
	case unix.S_IFDIR:
		return event.FileDirectory
	case unix.S_IFCHR:
		return event.FileCharDevice
	case unix.S_IFBLK:
		return event.FileBlockDevice
	case unix.S_IFIFO:
		return event.FileFIFO
	case unix.S_IFSOCK:
		return event.FileSocket
	}
	return event.FileOther
}

// readNamespaces reads links such as mnt:[4026531841].
func readNamespaces(ns *event.Namespaces, d procDir) {
	for _, to := range []struct {
		name string
		ino  *uint32
	}{
		{"mnt", &ns.Mount}, {"pid", &ns.PID}, {"net", &ns.Net}, {"user", &ns.User},
		{"uts", &ns.UTS}, {"ipc", &ns.IPC}, {"cgroup", &ns.Cgroup},
	} {
		_, rest, ok := strings.Cut(d.link("ns/"+to.name), ":[")
		if !ok {
			continue
		}
		if n, err := strconv.ParseUint(strings.TrimSuffix(rest, "]"), 10, 32); err == nil {
			*to.ino = uint32(n)
		}
	}
}

// readStdio tells what is behind a descriptor. A socket's addresses are not in
// /proc/PID/fd and stay empty.
func readStdio(d procDir, fd int) event.Stdio {
	name := "fd/" + strconv.Itoa(fd)
	target := d.link(name)
	switch {
	case target == "":
		return event.Stdio{}
	case strings.HasPrefix(target, "pipe:["):
		return event.Stdio{Kind: event.FilePipe}
	case strings.HasPrefix(target, "socket:["):
		return event.Stdio{Kind: event.FileSocket}
	case strings.HasPrefix(target, "anon_inode:"):
		return event.Stdio{Kind: event.FileAnon}
	}
	s := event.Stdio{Kind: event.FileOther, Name: strings.TrimSuffix(target, deleted)}
	if file, ok := statFile(d, name); ok {
		s.Kind = file.Kind
	}
	if strings.HasPrefix(target, "/"+memfdPrefix) && strings.HasSuffix(target, deleted) {
		s.Kind = event.FileMemfd
	}
	return s
}
