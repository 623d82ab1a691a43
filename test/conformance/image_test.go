package conformance

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

// imageSpec is a process: the line that runs it, and the keys below it.
type imageSpec struct {
	exe, name, cwd        string
	args, env             []string
	uid, login, vpid, sid string
	tty, memfd, upper     bool
	stdin, stdout, stderr string
}

// set sets a key.
func (s *imageSpec) set(key, value string) (err error) {
	texts := map[string]*string{"name": &s.name, "exepath": &s.exe, "cwd": &s.cwd, "uid": &s.uid, "login": &s.login, "vpid": &s.vpid,
		"sid": &s.sid, "stdin": &s.stdin, "stdout": &s.stdout, "stderr": &s.stderr}
	switch {
	case texts[key] != nil:
		*texts[key] = strings.Trim(value, `"`)
	case key == "args":
		s.args, err = words(value)
	case key == "env":
		s.env, err = words(value)
	case key == "tty":
		s.tty = true
	case key == "memfd":
		s.memfd = true
	case key == "exe-upper":
		s.upper = true
	default:
		return errors.New("unknown key")
	}
	return err
}

// build makes the image of a process with this number.
func (s *imageSpec) build(pid uint32) (*event.Image, error) {
	name := s.name
	if name == "" {
		name = path.Base(s.exe)
	}
	name = name[:min(len(name), 15)]
	image := &event.Image{
		PID: pid, VPID: pid, Start: uint64(pid) * 1e6, ExecID: 1, Time: uint64(pid) * 1e6, Execed: true,
		Comm: name, ExePath: s.exe, Exe: event.File{Kind: event.FileRegular, Ino: 9, CTime: 5e9, MTime: 6e9, UpperLayer: s.upper}, Memfd: s.memfd,
		Filename: s.exe, Argv: event.WordsOf(s.args...), CmdLine: strings.Join(append([]string{name}, s.args[min(1, len(s.args)):]...), " "),
		Env: event.WordsOf(s.env...), Cwd: s.cwd, SID: pid, PGID: pid, VPGID: pid,
		Creds: event.Creds{LoginUID: event.LoginUnset},
	}
	var err error
	number := func(text string, into ...*uint32) {
		if text == "" || err != nil {
			return
		}
		var n uint64
		n, err = strconv.ParseUint(text, 10, 32)
		for _, p := range into {
			*p = uint32(n)
		}
	}
	c := &image.Creds
	number(s.uid, &c.UID, &c.EUID, &c.GID, &c.EGID)
	number(s.login, &c.LoginUID)
	number(s.vpid, &image.VPID)
	number(s.sid, &image.SID)
	if err != nil {
		return nil, err
	}
	if s.tty {
		image.TTY = 136 << 20 // pts/0
	}
	for i, text := range []string{s.stdin, s.stdout, s.stderr} {
		if image.Stdio[i], err = stdio(text); err != nil {
			return nil, err
		}
	}
	return image, nil
}

// stdio reads what stands behind a standard descriptor.
func stdio(text string) (event.Stdio, error) {
	word, name, _ := strings.Cut(text, " ")
	switch word {
	case "":
		return event.Stdio{Kind: event.FileRegular, Name: "/dev/null"}, nil
	case "file":
		return event.Stdio{Kind: event.FileRegular, Name: name}, nil
	case "pipe":
		return event.Stdio{Kind: event.FilePipe}, nil
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
	case 1000:
		return event.Account{Name: "ana", Home: "/home/ana", Shell: "/bin/zsh"}, true
	}
	return event.Account{}, false
}

func (accounts) Group(gid uint32) (string, bool) {
	a, ok := accounts{}.User(gid)
	return a.Name, ok
}
