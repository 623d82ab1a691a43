package rules

import (
	"fmt"
	"path"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

// build makes the image of a process with this number.
func (s *imageSpec) build(pid uint32) (*event.Image, error) {
	words := strings.Fields(s.Run)
	args := s.Args
	if args == nil && len(words) > 0 {
		args = append([]string{path.Base(words[0])}, words[1:]...)
	}
	exe := s.ExePath
	if exe == "" && len(words) > 0 {
		exe = words[0]
	}
	if exe == "" {
		return nil, fmt.Errorf("process has neither run nor exepath")
	}
	name := s.Name
	if name == "" {
		name = path.Base(exe)
	}
	name = name[:min(len(name), 15)]
	image := &event.Image{
		PID: pid, VPID: pid, Start: uint64(pid) * 1e6, ExecID: 1, Time: uint64(pid) * 1e6, Execed: true,
		Comm: name, ExePath: exe, Exe: event.File{Kind: event.FileRegular, Ino: 9}, Memfd: s.Memfd,
		Filename: exe, Argv: event.WordsOf(args...), CmdLine: strings.Join(append([]string{name}, args[min(1, len(args)):]...), " "),
		Cwd: s.CWD, SID: pid, PGID: pid,
		Creds: event.Creds{UID: s.UID, EUID: s.UID, GID: s.UID, EGID: s.UID, LoginUID: event.LoginUnset},
	}
	if s.VPID != 0 {
		image.VPID = s.VPID
	}
	if s.Login != nil {
		image.Creds.LoginUID = *s.Login
	}
	if s.TTY {
		image.TTY = 136 << 20 // pts/0
	}
	for i, text := range []string{s.Stdin, s.Stdout, s.Stderr} {
		io, err := stdio(text)
		if err != nil {
			return nil, err
		}
		image.Stdio[i] = io
	}
	return image, nil
}

// stdio reads what stands behind a standard descriptor.
func stdio(text string) (event.Stdio, error) {
	word, name, _ := strings.Cut(text, " ")
	switch word {
	case "", "file":
		if name == "" {
			name = "/dev/null"
		}
		return event.Stdio{Kind: event.FileRegular, Name: name}, nil
	case "terminal":
		return event.Stdio{Kind: event.FileCharDevice, Name: "/dev/pts/0"}, nil
	case "pipe":
		return event.Stdio{Kind: event.FilePipe}, nil
	case "fifo":
		return event.Stdio{Kind: event.FileFIFO, Name: name}, nil
	}
	sock, err := socket(text)
	if err != nil {
		return event.Stdio{}, fmt.Errorf("read standard descriptor: %w", err)
	}
	return event.Stdio{Kind: event.FileSocket, Socket: sock}, nil
}

// accounts are those of the machine on which the cases happen.
type accounts struct{}

func (accounts) User(uid uint32) (event.Account, bool) {
	switch uid {
	case 0:
		return event.Account{Name: "root", Home: "/root", Shell: "/bin/bash"}, true
	case 33:
		return event.Account{Name: "www-data", Home: "/var/www", Shell: "/usr/sbin/nologin"}, true
	case 105, 110:
		return event.Account{Name: "service", Home: "/var/lib/service", Shell: "/usr/sbin/nologin"}, true
	case 1000:
		return event.Account{Name: "ana", Home: "/home/ana", Shell: "/bin/bash"}, true
	}
	return event.Account{}, false
}

func (accounts) Group(gid uint32) (string, bool) {
	a, ok := accounts{}.User(gid)
	return a.Name, ok
}
