package field

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"
)

// accounts is a passwd file with one line.
type accounts struct{}

func (accounts) User(uid uint32) (event.Account, bool) {
	return event.Account{Name: "ann", Home: "/home/ann", Shell: "/bin/bash"}, uid == 1000
}

func (accounts) Group(gid uint32) (string, bool) {
	if gid == 100 {
		return "users", true
	}
	return "", false
}

// sample is an image with everything, below sshd and systemd.
func sample() *event.Image {
	systemd := &event.Image{PID: 1, VPID: 1, Start: 1e9, Comm: "systemd", ExePath: "/usr/lib/systemd/systemd", Argv: event.WordsOf("/sbin/init"), CmdLine: "systemd", SID: 1, PGID: 1, VPGID: 1}
	sshd := &event.Image{PID: 50, VPID: 50, Start: 2e9, Comm: "sshd", ExePath: "/usr/sbin/sshd", Argv: event.WordsOf("sshd:", "ann"), CmdLine: "sshd ann", SID: 50, PGID: 50, VPGID: 50, Parent: systemd}
	return &event.Image{PID: 60, VPID: 6, Start: 3e9, Comm: "bash", ExePath: "/usr/bin/bash", Argv: event.WordsOf("-bash", "-c", "ls /x"),
		CmdLine: "bash -c ls /x", Env: event.WordsOf("HOME=/home/ann", "A=", "PATH=/bin"), Cwd: "/srv", SID: 60, PGID: 60, VPGID: 6, TTY: 34816, Parent: sshd,
		Exe:   event.File{Kind: event.FileRegular, Ino: 77, CTime: 1e18 + 1e9, MTime: 1e18, UpperLayer: true},
		Creds: event.Creds{UID: 1000, LoginUID: 1000, CapEffective: 1<<21 | 1, CapPermitted: 1 << 41}, CgroupPath: "/user.slice",
		Stdio: [3]event.Stdio{
			{Kind: event.FileSocket, Socket: event.Socket{Family: event.FamilyIPv4, Local: netip.MustParseAddrPort("10.0.0.1:22"), Remote: netip.MustParseAddrPort("10.0.0.2:99"), Server: true}},
			{Kind: event.FilePipe, Name: "pipe:[5]"},
			{Kind: event.FileCharDevice, Name: "/dev/pts/0"},
		}}
}

func base(ev event.Event) *event.Event {
	ev.Image, ev.Accounts = sample(), accounts{}
	ev.Process = &event.Process{PID: 60, ParentPID: 50}
	ev.PID, ev.TID, ev.Start, ev.Time, ev.BootOffset = 60, 60, 3e9, 5e9, 1e18
	ev.UID, ev.GID, ev.CPU = 1000, 100, 2
	return &ev
}

// openEvent is an openat below a bind mount.
func openEvent(flags uint64) *event.Event {
	ev := base(event.Event{Type: event.Openat, HasResult: true, Result: 7,
		File: event.File{Kind: event.FileRegular, Dev: 8<<20 | 3, Ino: 12, LowerLayer: true},
		Path: event.Path{Resolved: event.Components{Bytes: []byte("shadow/etc/"), Valid: true}, HasGiven: true, Given: []byte("../etc/./shadow"),
			Dir: event.Components{Bytes: []byte("srv/"), Valid: true}}})
	minus100 := -100
	ev.Args = [6]uint64{uint64(minus100), 0, flags, 0o644}
	return ev
}

// failedOpen is an open of a name that is not there.
func failedOpen() *event.Event {
	ev := base(event.Event{Type: event.Open, HasResult: true, Result: -2, Path: event.Path{HasGiven: true, Given: []byte("/no/such")}})
	ev.Args = [6]uint64{0, 0x80241, 0o600}
	return ev
}

func unreadOpen() *event.Event {
	return base(event.Event{Type: event.Open, HasResult: true, Result: -14, Path: event.Path{GivenUnread: true}})
}

func connectEvent(result int64) *event.Event {
	ev := base(event.Event{Type: event.Connect, HasResult: true, Result: result, Socket: event.Socket{Family: event.FamilyIPv4, Type: 1, Proto: 6,
		Local: netip.MustParseAddrPort("10.0.0.1:4000"), Remote: netip.MustParseAddrPort("1.2.3.4:443")}})
	ev.Args[0] = 5
	return ev
}

func bindEvent() *event.Event {
	return base(event.Event{Type: event.Bind, HasResult: true, Socket: event.Socket{Family: event.FamilyIPv6, Type: 2, Local: netip.MustParseAddrPort("[::]:53")}})
}

func renameEvent(t event.Type) *event.Event {
	return base(event.Event{Type: t, HasResult: true, Path: event.Path{HasGiven: true, Given: []byte("/old")},
		Path2: event.Path{HasGiven: true, Given: []byte("new"), Dir: event.Components{Bytes: []byte("tmp/"), Valid: true}}})
}

func chmodEvent() *event.Event {
	ev := base(event.Event{Type: event.Chmod, HasResult: true, Path: event.Path{HasGiven: true, Given: []byte("/f")}})
	ev.Args[1] = 0o4755
	return ev
}

func execEvent() *event.Event {
	return base(event.Event{Type: event.Execve, Task: event.Task{PID: 60}})
}

func inContainer() *event.Event {
	ev := execEvent()
	ev.Container = &event.Container{FullID: "0123456789abcdef", Runtime: "containerd", PodUID: "u-1"}
	return ev
}

func exitEvent() *event.Event { return base(event.Event{Type: event.ProcExit, Status: 3 << 8}) }

func dupEvent(kind event.FileKind, name string) *event.Event {
	return base(event.Event{Type: event.Dup, HasResult: true, Result: 9, File: event.File{Kind: kind},
		Path: event.Path{Resolved: event.Components{Bytes: []byte(name), Valid: true}}})
}

// renew makes ev what from is, as a new record would: the names have still to
// be made, the buffer is kept.
func renew(ev, from *event.Event) {
	ev.Reset()
	ev.Type, ev.Time, ev.TID, ev.PID, ev.Start, ev.BootOffset = from.Type, from.Time, from.TID, from.PID, from.Start, from.BootOffset
	ev.UID, ev.GID, ev.Result, ev.HasResult, ev.Args = from.UID, from.GID, from.Result, from.HasResult, from.Args
	ev.Path, ev.Path2, ev.File, ev.Socket, ev.Task = from.Path, from.Path2, from.File, from.Socket, from.Task
	ev.Process, ev.Image, ev.Accounts = from.Process, from.Image, from.Accounts
}

// unreadable stands in for an unreadable value in the tables below.
const unreadable = "(unreadable)"

// read gets a field written as in a rule: name, or name and argument.
func read(t *testing.T, cat *Catalogue, name, arg string, ev *event.Event) any {
	t.Helper()
	row := cat.Find(name)
	if row == nil {
		t.Fatalf("no field %s", name)
	}
	a := Arg{Given: arg != "", Name: arg}
	a.Index, _ = position(arg)
	v := row.Get(ev, a)
	if v.Presence() == event.Unreadable {
		return unreadable
	}
	return v.Any()
}

type valueTest struct {
	name, arg string
	ev        *event.Event
	want      any
}

func runValues(t *testing.T, tests []valueTest) {
	t.Helper()
	cat := New(Syscall())
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, read(t, cat, tt.name, tt.arg, tt.ev)); diff != "" {
			t.Errorf("%s[%s] of %s: %s", tt.name, tt.arg, tt.ev.Type, diff)
		}
	}
}
