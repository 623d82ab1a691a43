package conformance

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/event"
)

// eventSpec is an event in the words of a rule author; README.md has its keys.
type eventSpec struct {
	typ, result, flags, mode, socket string
	container, runtime, pod, host    string
	namespace                        string
	waiting                          bool
	path, path2                      []string
	fd                               string
	server                           bool
	cpu, tid, num, status            uint64
	fileUID, fileIno                 uint64
	upper, lower                     bool
	process                          []imageSpec
	derived                          bool // the processes are another event's, until one is said
}

// set sets a key.
func (s *eventSpec) set(key, value string) (err error) {
	texts := map[string]*string{"type": &s.typ, "result": &s.result, "flags": &s.flags, "mode": &s.mode, "socket": &s.socket,
		"container": &s.container, "runtime": &s.runtime, "pod": &s.pod, "namespace": &s.namespace, "host": &s.host, "fd": &s.fd}
	numbers := map[string]*uint64{"cpu": &s.cpu, "tid": &s.tid, "num": &s.num, "status": &s.status, "owner": &s.fileUID, "inode": &s.fileIno}
	flags := map[string]*bool{"server": &s.server, "waiting": &s.waiting, "upper": &s.upper, "lower": &s.lower}
	switch {
	case texts[key] != nil:
		*texts[key] = value
	case numbers[key] != nil:
		*numbers[key], err = strconv.ParseUint(value, 10, 64)
	case flags[key] != nil:
		*flags[key] = true
	case key == "path":
		s.path, err = words(value)
	case key == "path2":
		s.path2, err = words(value)
	case key == "process" || key == "parent":
		if key == "process" && s.derived {
			s.process = nil
		}
		if s.derived = false; (key == "process") != (len(s.process) == 0) {
			return errors.New("a process comes first, then its parents")
		}
		var run []string
		run, err = words(value)
		s.process = append(s.process, imageSpec{args: run, exe: run[0]})
	case len(s.process) == 0:
		return errors.New("unknown key")
	default:
		return s.process[len(s.process)-1].set(key, value)
	}
	return err
}

// build makes the event, as decode and enrich would.
func (s *eventSpec) build() (*event.Event, error) {
	typ, ok := event.TypeByName(s.typ)
	if !ok {
		return nil, fmt.Errorf("unknown event type %q", s.typ)
	}
	if len(s.process) == 0 {
		return nil, errors.New("the event has no process")
	}
	ev := &event.Event{Type: typ, CPU: uint16(s.cpu), Seq: 1, Time: 10e9, BootOffset: 1_790_000_000e9, Accounts: accounts{},
		Num: max(1, s.num), First: 1e9, Before: 9e9, Host: s.host, Status: int32(s.status)}
	for _, step := range []func(*event.Event) error{s.setProcess, s.setResult, s.setArgs, s.setPaths, s.setSocket} {
		if err := step(ev); err != nil {
			return nil, err
		}
	}
	if s.container != "" || s.pod != "" {
		ev.Container = &event.Container{FullID: s.container, Runtime: s.runtime, PodUID: s.pod}
		if s.namespace != "" {
			ev.Container.Info = &event.ContainerInfo{PodNamespace: s.namespace}
		}
		if s.waiting {
			ev.Container.Waiting = event.AllSources
		}
	}
	return ev, nil
}

func (s *eventSpec) setProcess(ev *event.Event) error {
	var image *event.Image
	for i := len(s.process) - 1; i >= 0; i-- {
		child, err := s.process[i].build(uint32(1000 - i))
		if err != nil {
			return err
		}
		child.Parent = image
		image = child
	}
	ev.Image = image
	ev.PID, ev.TID, ev.Start, ev.ExecID = image.PID, image.PID, image.Start, image.ExecID
	if s.tid != 0 {
		ev.TID = uint32(s.tid)
	}
	ev.UID, ev.GID = image.Creds.EUID, image.Creds.EGID
	ev.Process = &event.Process{PID: image.PID, Start: image.Start, Image: image}
	if image.Parent != nil {
		ev.Process.ParentPID = image.Parent.PID
	}
	return nil
}

// setResult sets what the call returned. A new image has none.
func (s *eventSpec) setResult(ev *event.Event) error {
	exec := ev.Type == event.Execve || ev.Type == event.Execveat
	switch {
	case s.result == "unknown" || ev.Type == event.ProcExit:
	case s.result == "" && exec:
		ev.Task = event.Task{PID: ev.PID, TID: ev.TID, Start: ev.Start, ExecID: ev.ExecID}
	case s.result == "":
		ev.HasResult = true
		if makesFD(ev.Type) {
			ev.Result = 3
		}
	default:
		n, err := strconv.ParseInt(s.result, 10, 64)
		for e := syscall.Errno(1); err != nil && e < 200; e++ {
			if unix.ErrnoName(e) == s.result {
				n, err = -int64(e), nil
			}
		}
		if err != nil {
			return fmt.Errorf("result %q is neither a number nor an error's name", s.result)
		}
		ev.HasResult, ev.Result = true, n
	}
	return nil
}

func opens(t event.Type) bool {
	return t == event.Open || t == event.Openat || t == event.Openat2 || t == event.Creat
}

func makesFD(t event.Type) bool {
	return opens(t) || t == event.Dup || t == event.Dup2 || t == event.Dup3 || accepts(t)
}

func accepts(t event.Type) bool { return t == event.Accept || t == event.Accept4 }

func (s *eventSpec) setArgs(ev *event.Event) error {
	for i, arg := range ev.Type.Info().Args {
		switch arg.Kind {
		case event.ArgOpenFlags, event.ArgFlags:
			flags, err := openFlags(s.flags)
			if err != nil {
				return err
			}
			ev.Args[i] = flags
		case event.ArgMode:
			if s.mode == "" {
				break
			}
			mode, err := strconv.ParseUint(s.mode, 8, 32)
			if err != nil {
				return fmt.Errorf("mode %q is not octal", s.mode)
			}
			ev.Args[i] = mode
		case event.ArgDirFD:
			at := unix.AT_FDCWD
			ev.Args[i] = uint64(at)
		case event.ArgFD:
			ev.Args[i] = 3
			if s.fd != "" {
				n, err := strconv.ParseInt(s.fd, 10, 32)
				if err != nil {
					return fmt.Errorf("read fd: %w", err)
				}
				ev.Args[i] = uint64(n)
			}
		}
	}
	return nil
}

func openFlags(text string) (uint64, error) {
	names := map[string]uint64{
		"": 0, "O_RDONLY": unix.O_RDONLY, "O_WRONLY": unix.O_WRONLY, "O_RDWR": unix.O_RDWR, "O_CREAT": unix.O_CREAT,
		"O_TRUNC": unix.O_TRUNC, "O_APPEND": unix.O_APPEND, "O_EXCL": unix.O_EXCL, "O_CLOEXEC": unix.O_CLOEXEC,
		"O_DIRECTORY": unix.O_DIRECTORY, "AT_REMOVEDIR": unix.AT_REMOVEDIR,
	}
	var flags uint64
	for name := range strings.SplitSeq(text, "|") {
		bit, ok := names[name]
		if !ok {
			return 0, fmt.Errorf("unknown flag %q", name)
		}
		flags |= bit
	}
	return flags, nil
}

// setPaths sets the paths. Opens leave a file that the kernel has resolved,
// unless they failed; other calls on paths leave what was given.
func (s *eventSpec) setPaths(ev *event.Event) error {
	p, kind, err := pathOf(s.path, opens(ev.Type) && !ev.Failed())
	if err != nil {
		return err
	}
	ev.Path = p
	if p.Resolved.Valid {
		ev.File = event.File{Kind: kind, Ino: 7, Dev: 8<<20 | 1, UID: uint32(s.fileUID), UpperLayer: s.upper, LowerLayer: s.lower}
		if s.fileIno != 0 {
			ev.File.Ino = s.fileIno
		}
	}
	ev.Path2, _, err = pathOf(s.path2, false)
	return err
}

// pathOf reads "PATH key=value…": the caller's text, then dir (what it is
// relative to), resolved, origin, late, kind; unread if its memory was gone.
func pathOf(spec []string, resolve bool) (event.Path, event.FileKind, error) {
	kind := event.FileRegular
	if len(spec) == 0 {
		return event.Path{}, kind, nil
	}
	var p event.Path
	var dir, resolved string
	given := spec[0]
	for _, part := range spec[1:] {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "dir":
			dir = value
		case "resolved":
			resolved = value
		case "late":
			p.Late = value
		case "unread":
			p.GivenUnread = true
		case "kind":
			kinds := map[string]event.FileKind{"file": event.FileRegular, "directory": event.FileDirectory, "device": event.FileCharDevice, "block": event.FileBlockDevice}
			kind = kinds[value]
		default:
			return p, kind, fmt.Errorf("unknown part %q", key)
		}
	}
	p.Given, p.HasGiven = []byte(given), true
	p.Dir = components(dir)
	p.Dir.Valid = p.Dir.Valid || path.IsAbs(given)
	if resolved == "" && resolve && !p.GivenUnread {
		resolved = path.Join(dir, given)
	}
	p.Resolved = components(resolved)
	return p, kind, nil
}

// components turns a path round, as the kernel walks it.
func components(p string) event.Components {
	if p == "" {
		return event.Components{}
	}
	c := event.Components{Valid: true}
	parts := strings.Split(strings.Trim(p, "/"), "/")
	for i := len(parts) - 1; i >= 0 && parts[0] != ""; i-- {
		c.Bytes = append(append(c.Bytes, parts[i]...), '/')
	}
	return c
}

func (s *eventSpec) setSocket(ev *event.Event) error {
	if s.socket == "" {
		return nil
	}
	sock, err := socket(s.socket)
	if err != nil {
		return err
	}
	sock.Server = s.server || accepts(ev.Type) || ev.Type == event.Listen
	ev.Socket, ev.File = sock, event.File{Kind: event.FileSocket}
	return nil
}

// socket reads "tcp LOCAL->REMOTE", "udp LOCAL->REMOTE", "tcp LOCAL" or "unix
// PATH".
func socket(text string) (event.Socket, error) {
	proto, ends, _ := strings.Cut(text, " ")
	var s event.Socket
	switch proto {
	case "unix":
		return event.Socket{Family: event.FamilyUnix, Type: unix.SOCK_STREAM, Path: ends}, nil
	case "tcp":
		s.Type, s.Proto = unix.SOCK_STREAM, unix.IPPROTO_TCP
	case "udp":
		s.Type, s.Proto = unix.SOCK_DGRAM, unix.IPPROTO_UDP
	default:
		return s, fmt.Errorf("socket %q is neither tcp, udp nor unix", text)
	}
	local, remote, connected := strings.Cut(ends, "->")
	var err error
	if s.Local, err = netip.ParseAddrPort(local); err != nil {
		return s, fmt.Errorf("read local end of %q: %w", text, err)
	}
	if connected {
		if s.Remote, err = netip.ParseAddrPort(remote); err != nil {
			return s, fmt.Errorf("read remote end of %q: %w", text, err)
		}
	}
	s.Family = event.FamilyIPv4
	if s.Local.Addr().Is6() {
		s.Family = event.FamilyIPv6
	}
	return s, nil
}
