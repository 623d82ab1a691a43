package rules

import (
	"fmt"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/event"
)

// build makes the event that a case describes, as decode and enrich would.
func (s *eventSpec) build() (*event.Event, error) {
	typ, ok := event.TypeByName(s.Type)
	if !ok {
		return nil, fmt.Errorf("unknown event type %q", s.Type)
	}
	if len(s.Process) == 0 {
		return nil, fmt.Errorf("event has no process")
	}
	ev := &event.Event{Type: typ, CPU: 1, Seq: 1, Time: 10e9, BootOffset: 1_790_000_000e9, Accounts: accounts{}}
	for _, step := range []func(*event.Event) error{s.setProcess, s.setResult, s.setArgs, s.setPaths, s.setSocket} {
		if err := step(ev); err != nil {
			return nil, err
		}
	}
	if s.Container != "" || s.Pod != "" {
		ev.Container = &event.Container{FullID: fmt.Sprintf("%064s", s.Container), Runtime: "containerd", PodUID: s.Pod}
		if s.Container != "" {
			ev.Container.FullID = s.Container
		}
	}
	return ev, nil
}

func (s *eventSpec) setProcess(ev *event.Event) error {
	var image *event.Image
	for i := len(s.Process) - 1; i >= 0; i-- {
		child, err := s.Process[i].build(uint32(1000 - i))
		if err != nil {
			return err
		}
		child.Parent = image
		image = child
	}
	ev.Image = image
	ev.PID, ev.TID, ev.Start, ev.ExecID = image.PID, image.PID, image.Start, image.ExecID
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
	case s.Result == "unknown":
	case s.Result == "" && exec:
		ev.Task = event.Task{PID: ev.PID, TID: ev.TID, Start: ev.Start, ExecID: ev.ExecID}
	case s.Result == "":
		ev.HasResult = true
		if s.FD != nil && makesFD(ev.Type) {
			ev.Result = int64(*s.FD)
		} else if makesFD(ev.Type) {
			ev.Result = 3
		}
	default:
		n, err := strconv.ParseInt(s.Result, 10, 64)
		for e := syscall.Errno(1); err != nil && e < 200; e++ {
			if unix.ErrnoName(e) == s.Result {
				n, err = -int64(e), nil
			}
		}
		if err != nil {
			return fmt.Errorf("result %q is neither a number nor an error's name", s.Result)
		}
		ev.HasResult, ev.Result = true, n
	}
	return nil
}

func makesFD(t event.Type) bool { return opens(t) || dups(t) || accepts(t) }

func opens(t event.Type) bool {
	return t == event.Open || t == event.Openat || t == event.Openat2 || t == event.Creat
}

func dups(t event.Type) bool { return t == event.Dup || t == event.Dup2 || t == event.Dup3 }

func accepts(t event.Type) bool { return t == event.Accept || t == event.Accept4 }

func (s *eventSpec) setArgs(ev *event.Event) error {
	for i, arg := range ev.Type.Info().Args {
		switch arg.Kind {
		case event.ArgOpenFlags, event.ArgFlags:
			flags, err := openFlags(s.Flags)
			if err != nil {
				return err
			}
			ev.Args[i] = flags
		case event.ArgMode:
			if s.Mode == "" {
				break
			}
			mode, err := strconv.ParseUint(s.Mode, 8, 32)
			if err != nil {
				return fmt.Errorf("mode %q is not octal", s.Mode)
			}
			ev.Args[i] = mode
		case event.ArgDirFD:
			at := unix.AT_FDCWD
			ev.Args[i] = uint64(at)
		case event.ArgFD:
			ev.Args[i] = 3
			if s.FD != nil {
				ev.Args[i] = uint64(*s.FD)
			}
		}
	}
	return nil
}

func openFlags(text string) (uint64, error) {
	names := map[string]uint64{
		"": 0, "O_RDONLY": unix.O_RDONLY, "O_WRONLY": unix.O_WRONLY, "O_RDWR": unix.O_RDWR, "O_CREAT": unix.O_CREAT,
		"O_TRUNC": unix.O_TRUNC, "O_APPEND": unix.O_APPEND, "O_EXCL": unix.O_EXCL, "O_PATH": unix.O_PATH,
		"O_CLOEXEC": unix.O_CLOEXEC, "O_DIRECTORY": unix.O_DIRECTORY, "O_TMPFILE": unix.O_TMPFILE,
		"AT_REMOVEDIR": unix.AT_REMOVEDIR,
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
	if s.Path != nil {
		p := *s.Path
		if p.Resolved == "" && opens(ev.Type) && !ev.Failed() {
			p.Resolved = path.Join(p.Dir, p.Given)
		}
		if p.Resolved != "" {
			kind, err := fileKind(p.Kind)
			if err != nil {
				return err
			}
			ev.File = event.File{Kind: kind, Ino: 7}
		}
		ev.Path = p.build()
	}
	if s.Path2 != nil {
		ev.Path2 = s.Path2.build()
	}
	return nil
}

func fileKind(word string) (event.FileKind, error) {
	switch word {
	case "", "file":
		return event.FileRegular, nil
	case "directory":
		return event.FileDirectory, nil
	case "device":
		return event.FileCharDevice, nil
	case "block":
		return event.FileBlockDevice, nil
	}
	return 0, fmt.Errorf("unknown kind of file %q", word)
}

func (p pathSpec) build() event.Path {
	var out event.Path
	if p.Given != "" {
		out.Given, out.HasGiven = []byte(p.Given), true
		out.Dir = components(p.Dir)
		out.Dir.Valid = out.Dir.Valid || path.IsAbs(p.Given)
	}
	out.Resolved = components(p.Resolved)
	if p.Origin != "" {
		// What both names have at their end lies below the mount.
		origin, resolved := components(p.Origin), out.Resolved.Bytes
		n := 0
		for i := range min(len(origin.Bytes), len(resolved)) {
			if origin.Bytes[i] != resolved[i] {
				break
			}
			if resolved[i] == '/' {
				n = i + 1
			}
		}
		out.Origin, out.OriginSkip = origin, n
		out.Origin.Bytes = origin.Bytes[n:]
	}
	return out
}

// components turns a path round, as the kernel walks it. One that begins with
// three dots lacks its upper end.
func components(p string) event.Components {
	if p == "" {
		return event.Components{}
	}
	c := event.Components{Valid: true}
	p, c.Truncated = strings.CutPrefix(p, "...")
	parts := strings.Split(strings.Trim(p, "/"), "/")
	for i := len(parts) - 1; i >= 0 && parts[0] != ""; i-- {
		c.Bytes = append(append(c.Bytes, parts[i]...), '/')
	}
	return c
}

func (s *eventSpec) setSocket(ev *event.Event) error {
	if s.Socket == "" {
		return nil
	}
	sock, err := socket(s.Socket)
	if err != nil {
		return err
	}
	sock.Server = accepts(ev.Type) || ev.Type == event.Listen
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
