package field

import (
	"testing"

	"github.com/goshawk-security/goshawk/internal/event"
)

func TestEvtValues(t *testing.T) {
	open, failed, exec := openEvent(0x80000), failedOpen(), execEvent()
	runValues(t, []valueTest{
		{"evt.type", "", open, "openat"},
		{"evt.type", "", exitEvent(), "procexit"},
		{"syscall.type", "", open, "openat"},
		{"syscall.type", "", exitEvent(), nil},
		{"evt.category", "", open, "file"},
		{"evt.dir", "", open, "<"},
		{"evt.source", "", open, "syscall"},
		{"evt.cpu", "", open, int64(2)},
		{"evt.res", "", open, "SUCCESS"},
		{"evt.res", "", failed, "ENOENT"},
		{"evt.res", "", connectEvent(-115), "EINPROGRESS"},
		{"evt.res", "", exec, "SUCCESS"},
		{"evt.res", "", exitEvent(), nil},
		{"evt.rawres", "", failed, int64(-2)},
		{"evt.failed", "", failed, true},
		{"evt.failed", "", exec, false},
		{"evt.failed", "", exitEvent(), nil},
		{"evt.time", "", open, "01:46:45.000000000"},
		{"evt.time.s", "", open, "01:46:45"},
		{"evt.time.iso8601", "", open, "2001-09-09T01:46:45.000000000+0000"},
		{"evt.datetime", "", open, "2001-09-09 01:46:45.000000000"},
		{"evt.datetime.s", "", open, "2001-09-09 01:46:45"},
		{"evt.rawtime", "", open, uint64(1e18 + 5e9)},
		{"evt.rawtime.s", "", open, uint64(1e9 + 5)},
		{"evt.rawtime.ns", "", open, uint64(0)},
		{"evt.is_open_read", "", open, true},
		{"evt.is_open_write", "", open, false},
		{"evt.is_open_read", "", failed, false},
		{"evt.is_open_write", "", failed, true},
		{"evt.is_open_create", "", failed, false},
		{"evt.is_open_create", "", openEvent(0x41), true},
		{"evt.is_open_exec", "", openEvent(0x41), false},
		{"evt.is_open_write", "", exec, nil},
		{"evt.is_open_write", "", base(event.Event{Type: event.Creat}), true},
	})
}

func TestArgValues(t *testing.T) {
	open, failed, exec := openEvent(0x80000), failedOpen(), execEvent()
	runValues(t, []valueTest{
		{"evt.args", "", open, "fd=7 dirfd=AT_FDCWD name=/etc/shadow flags=O_RDONLY|O_CLOEXEC|FD_LOWER_LAYER mode=0644 dev=0x800003 ino=12"},
		{"evt.arg", "fd", open, "7"},
		{"evt.arg", "0", open, "7"},
		{"evt.arg", "9", open, nil},
		{"evt.arg", "flags", failed, "O_TRUNC|O_CREAT|O_WRONLY|O_CLOEXEC"},
		{"evt.arg", "fd", failed, "ENOENT"},
		{"evt.arg", "mode", failed, "0600"},
		{"evt.arg", "name", failed, "/no/such"},
		{"evt.arg", "name", unreadOpen(), unreadable},
		{"evt.arg", "nothing", open, nil},
		{"evt.arg", "mode", chmodEvent(), "S_IXOTH|S_IROTH|S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|S_IRUSR|S_ISUID"},
		{"evt.arg", "res", chmodEvent(), "0"},
		{"evt.arg", "tuple", connectEvent(0), "10.0.0.1:4000->1.2.3.4:443"},
		{"evt.arg", "addr", connectEvent(0), "1.2.3.4:443"},
		{"evt.arg", "fd", connectEvent(0), "5"},
		{"evt.arg", "addr", bindEvent(), ":::53"},
		{"evt.arg", "newpath", renameEvent(event.Rename), "/tmp/new"},
		{"evt.arg", "exe", exec, "-bash"},
		{"evt.arg", "args", exec, "-c ls /x"},
		{"evt.arg", "flags", exec, "EXE_UPPER_LAYER"},
		{"evt.arg", "comm", exec, "bash"},
		{"evt.arg", "ptid", exec, "50"},
		{"evt.arg", "uid", exec, "1000"},
		{"evt.arg", "exe_ino", exec, "77"},
		{"evt.arg", "ret", exitEvent(), "3"},
		{"evt.arg", "sig", exitEvent(), "0"},
		{"evt.rawarg", "flags", failed, int64(0x80241)},
		{"evt.rawarg", "fd", open, int64(7)},
		{"evt.rawarg", "dirfd", open, int64(-100)},
		{"evt.rawarg", "res", chmodEvent(), int64(0)},
		{"evt.rawarg", "ino", open, int64(12)},
		{"evt.rawarg", "name", open, nil},
	})
}

func TestProcValues(t *testing.T) {
	ev := execEvent()
	orphan := &event.Event{Type: event.Open, PID: 9, TID: 10, Image: &event.Image{PID: 9, Comm: "kworker"}}
	below := &event.Event{Type: event.Open, Image: &event.Image{Parent: ev.Image}}
	runValues(t, []valueTest{
		{"proc.exe", "", ev, "-bash"},
		{"proc.exe", "", orphan, "kworker"},
		{"proc.pexe", "", ev, "sshd:"},
		{"proc.pexe", "", orphan, nil},
		{"proc.pstdin.type", "", ev, nil}, // sshd in the sample has none
		{"proc.pstdin.type", "", below, "ipv4"},
		{"proc.pstdout.type", "", below, "pipe"},
		{"proc.pstderr.type", "", below, "file"},
		{"proc.pstdin.type", "", orphan, nil},
		{"proc.exepath", "", ev, "/usr/bin/bash"},
		{"proc.exepath", "", orphan, nil},
		{"proc.pexepath", "", ev, "/usr/sbin/sshd"},
		{"proc.name", "", ev, "bash"},
		{"proc.pname", "", ev, "sshd"},
		{"proc.args", "", ev, "-c ls /x"},
		{"proc.args", "1", ev, "ls /x"},
		{"proc.args", "2", ev, nil},
		{"proc.args", "", orphan, ""},
		{"proc.cmdline", "", ev, "bash -c ls /x"},
		{"proc.pcmdline", "", ev, "sshd ann"},
		{"proc.cmdnargs", "", ev, uint64(2)},
		{"proc.cmdlenargs", "", ev, uint64(7)},
		{"proc.exeline", "", ev, "-bash -c ls /x"},
		{"proc.env", "", ev, "HOME=/home/ann A= PATH=/bin"},
		{"proc.env", "A", ev, ""},
		{"proc.env", "PATH", ev, "/bin"},
		{"proc.env", "PAT", ev, nil},
		{"proc.env", "", orphan, nil},
		{"proc.cwd", "", ev, "/srv"},
		{"proc.pid", "", ev, int64(60)},
		{"proc.ppid", "", ev, int64(50)},
		{"proc.ppid", "", orphan, nil},
		{"proc.vpid", "", ev, int64(6)},
		{"proc.pvpid", "", ev, int64(50)},
		{"proc.pid.ts", "", ev, uint64(1e18 + 3e9)},
		{"proc.ppid.ts", "", ev, uint64(1e18 + 2e9)},
		{"proc.duration", "", ev, uint64(2e9)},
		{"proc.ppid.duration", "", ev, uint64(3e9)},
		{"proc.duration", "", orphan, nil},
		{"proc.tty", "", ev, uint64(34816)},
		{"proc.sid", "", ev, int64(60)},
		{"proc.pgid", "", ev, int64(60)},
		{"proc.vpgid", "", ev, int64(6)},
		{"proc.is_sid_leader", "", ev, true},
		{"proc.is_pgid_leader", "", ev, true},
		{"proc.is_vpgid_leader", "", ev, true},
		{"proc.is_sid_leader", "", orphan, nil},
		{"proc.is_exe_upper_layer", "", ev, true},
		{"proc.is_exe_lower_layer", "", ev, false},
		{"proc.is_exe_upper_layer", "", orphan, nil},
		{"proc.is_exe_from_memfd", "", ev, false},
		{"proc.exe_ino", "", ev, int64(77)},
		{"proc.exe_ino.ctime", "", ev, uint64(1e18 + 1e9)},
		{"proc.exe_ino.mtime", "", ev, uint64(1e18)},
		{"proc.exe_ino.ctime_duration_proc_start", "", ev, uint64(2e9)},
	})
}

func TestLineageValues(t *testing.T) {
	ev := execEvent()
	runValues(t, []valueTest{
		{"proc.aname", "0", ev, "bash"},
		{"proc.aname", "2", ev, "systemd"},
		{"proc.aname", "3", ev, nil},
		{"proc.aname", "", ev, "sshd<-systemd"},
		{"proc.aexe", "1", ev, "sshd:"},
		{"proc.aexepath", "2", ev, "/usr/lib/systemd/systemd"},
		{"proc.aexepath", "0", base(event.Event{}), "/usr/bin/bash"},
		{"proc.acmdline", "1", ev, "sshd ann"},
		{"proc.apid", "1", ev, int64(50)},
		{"proc.apid", "", ev, "50<-1"},
		{"proc.sname", "", ev, "bash"},
		{"proc.sid.exe", "", ev, "-bash"},
		{"proc.sid.exepath", "", ev, "/usr/bin/bash"},
		{"proc.pgid.name", "", ev, "bash"},
		{"proc.vpgid.exepath", "", ev, "/usr/bin/bash"},
		{"proc.loginshellid", "", ev, int64(60)},
	})
	inSession := execEvent()
	inSession.Image.SID = 50
	bare := &event.Event{Image: &event.Image{Comm: "a", Parent: &event.Image{}}}
	runValues(t, []valueTest{
		{"proc.sname", "", inSession, "sshd"},
		{"proc.aname", "1", bare, unreadable},
		{"proc.sname", "", bare, nil},
		{"proc.loginshellid", "", bare, nil},
	})
}

func TestThreadAndUserValues(t *testing.T) {
	ev, other := execEvent(), &event.Event{PID: 9, TID: 10, Accounts: accounts{}, Image: &event.Image{Creds: event.Creds{LoginUID: event.LoginUnset}}}
	runValues(t, []valueTest{
		{"thread.tid", "", ev, int64(60)},
		{"thread.ismain", "", ev, true},
		{"thread.ismain", "", other, false},
		{"thread.vtid", "", ev, int64(6)},
		{"thread.vtid", "", other, nil},
		{"thread.cap_effective", "", ev, "CAP_CHOWN CAP_SYS_ADMIN"},
		{"thread.cap_permitted", "", ev, "CAP_41"},
		{"thread.cap_inheritable", "", ev, ""},
		{"thread.cgroups", "", ev, "/user.slice"},
		{"user.uid", "", ev, uint64(1000)},
		{"user.name", "", ev, "ann"},
		{"user.homedir", "", ev, "/home/ann"},
		{"user.shell", "", ev, "/bin/bash"},
		{"user.name", "", other, nil},
		{"user.loginuid", "", ev, int64(1000)},
		{"user.loginuid", "", other, int64(-1)},
		{"user.loginname", "", ev, "ann"},
		{"user.loginname", "", other, nil},
		{"group.gid", "", ev, uint64(100)},
		{"group.name", "", ev, "users"},
		{"group.name", "", other, nil},
		{"container.id", "", ev, "host"},
		{"container.full_id", "", ev, "host"},
		{"container.type", "", ev, "host"},
		{"k8s.pod.uid", "", ev, nil},
		{"container.id", "", inContainer(), "0123456789ab"},
		{"container.full_id", "", inContainer(), "0123456789abcdef"},
		{"container.type", "", inContainer(), "containerd"},
		{"k8s.pod.uid", "", inContainer(), "u-1"},
		{"k8s.pod.id", "", inContainer(), "u-1"},
	})
}

func TestStdioValues(t *testing.T) {
	ev := execEvent()
	runValues(t, []valueTest{
		{"proc.stdin.type", "", ev, "ipv4"},
		{"proc.stdout.type", "", ev, "pipe"},
		{"proc.stderr.type", "", ev, "file"},
		{"proc.stdin.name", "", ev, "10.0.0.2:99->10.0.0.1:22"},
		{"proc.stdout.name", "", ev, "pipe:[5]"},
		{"fd.types", "", ev, []string{"ipv4", "pipe", "file"}},
		{"fd.types", "0", ev, []string{"ipv4"}},
		{"fd.types", "2", ev, []string{"file"}},
		{"fd.types", "7", ev, nil},
		{"fd.types", "", &event.Event{Image: &event.Image{}}, nil},
		{"proc.stdin.type", "", &event.Event{Image: &event.Image{}}, nil},
	})
}

func TestFDValues(t *testing.T) {
	open, failed, unread := openEvent(0), failedOpen(), unreadOpen()
	origin := openEvent(1)
	origin.Path.Origin, origin.Path.OriginSkip = event.Components{Bytes: []byte("var/"), Valid: true}, 7
	origin.SelectName(1)
	unlink := base(event.Event{Type: event.Unlink, Path: event.Path{HasGiven: true, Given: []byte("/gone")}})
	runValues(t, []valueTest{
		{"fd.num", "", open, int64(7)},
		{"fd.num", "", failed, nil},
		{"fd.type", "", open, "file"},
		{"fd.type", "", failed, "file"},
		{"fd.typechar", "", failed, "f"},
		{"fd.type", "", connectEvent(0), "ipv4"},
		{"fd.typechar", "", bindEvent(), "6"},
		{"fd.type", "", unlink, nil},
		{"fd.type", "", dupEvent(event.FileDirectory, "etc/"), "directory"},
		{"fd.type", "", dupEvent(event.FileAnon, "[eventpoll]/"), "eventpoll"},
		{"fd.type", "", dupEvent(event.FileAnon, "[other]/"), "anon"},
		{"fd.typechar", "", dupEvent(event.FileFIFO, "tmp/f/"), "p"},
		{"fd.name", "", open, "/etc/shadow"},
		{"fd.name", "", failed, "/no/such"},
		{"fd.name", "", unread, unreadable},
		{"fd.name", "", unlink, nil},
		{"fd.name", "", connectEvent(-115), "10.0.0.1:4000->1.2.3.4:443"},
		{"fd.name.provenance", "", open, "kernel"},
		{"fd.name.provenance", "", failed, "dir+given"},
		{"fd.name.provenance", "", unread, "unreadable"},
		{"fd.name.form", "", open, "resolved"},
		{"fd.name.form", "", failed, "given"},
		{"fd.name.form", "", origin, "origin"},
		{"fd.directory", "", open, "/etc"},
		{"fd.directory", "", dupEvent(event.FileDirectory, "etc/"), "/etc"},
		{"fd.directory", "", dupEvent(event.FileRegular, "f/"), "/"},
		{"fd.directory", "", connectEvent(0), nil},
		{"fd.directory", "", unread, unreadable},
		{"fd.filename", "", open, "shadow"},
		{"fd.filename", "", dupEvent(event.FileDirectory, "etc/"), nil},
		{"fd.nameraw", "", open, "../etc/./shadow"},
		{"fd.nameraw", "", unread, unreadable},
		{"fd.dev", "", open, int64(8<<20 | 3)},
		{"fd.dev.major", "", open, int64(8)},
		{"fd.dev.minor", "", open, int64(3)},
		{"fd.ino", "", open, int64(12)},
		{"fd.ino", "", failed, nil},
		{"fd.is_upper_layer", "", open, false},
		{"fd.is_lower_layer", "", open, true},
	})
}

func TestSocketValues(t *testing.T) {
	out, bound, open := connectEvent(0), bindEvent(), openEvent(0)
	in := base(event.Event{Type: event.Accept, HasResult: true, Result: 4, Socket: out.Socket})
	in.Socket.Server = true
	unix := base(event.Event{Type: event.Connect, HasResult: true, Socket: event.Socket{Family: event.FamilyUnix, Path: "/run/x.sock"}})
	runValues(t, []valueTest{
		{"fd.cip", "", out, "10.0.0.1"},
		{"fd.sip", "", out, "1.2.3.4"},
		{"fd.lip", "", out, "10.0.0.1"},
		{"fd.rip", "", out, "1.2.3.4"},
		{"fd.cip", "", in, "1.2.3.4"},
		{"fd.sport", "", in, uint64(4000)},
		{"fd.cport", "", out, uint64(4000)},
		{"fd.sport", "", out, uint64(443)},
		{"fd.lport", "", out, uint64(4000)},
		{"fd.rport", "", out, uint64(443)},
		{"fd.cnet", "", out, "10.0.0.1"},
		{"fd.snet", "", out, "1.2.3.4"},
		{"fd.lnet", "", out, "10.0.0.1"},
		{"fd.rnet", "", out, "1.2.3.4"},
		{"fd.ip", "", out, "1.2.3.4"},
		{"fd.net", "", out, "1.2.3.4"},
		{"fd.port", "", out, uint64(443)},
		{"fd.sip", "", bound, "::"},
		{"fd.sport", "", bound, uint64(53)},
		{"fd.rip", "", bound, nil},
		{"fd.cport", "", bound, nil},
		{"fd.ip", "", bound, "::"},
		{"fd.ip", "", open, nil},
		{"fd.l4proto", "", out, "tcp"},
		{"fd.l4proto", "", bound, "udp"},
		{"fd.l4proto", "", unix, nil},
		{"fd.sockfamily", "", out, "ip"},
		{"fd.sockfamily", "", unix, "unix"},
		{"fd.name", "", unix, "/run/x.sock"},
		{"fd.is_server", "", in, true},
		{"fd.is_server", "", out, false},
		{"fd.is_server", "", open, nil},
		{"fd.connected", "", out, true},
		{"fd.connected", "", connectEvent(-115), false},
		{"fd.connected", "", bound, false},
		{"fd.connected", "", in, true},
	})
}

func TestFSPathValues(t *testing.T) {
	open, move, link := openEvent(0), renameEvent(event.Rename), renameEvent(event.Link)
	runValues(t, []valueTest{
		{"fs.path.name", "", open, "/etc/shadow"},
		{"fs.path.nameraw", "", open, "../etc/./shadow"},
		{"fs.path.name", "", failedOpen(), "/no/such"},
		{"fs.path.name", "", unreadOpen(), unreadable},
		{"fs.path.name", "", chmodEvent(), "/f"},
		{"fs.path.name", "", move, nil},
		{"fs.path.source", "", move, "/old"},
		{"fs.path.sourceraw", "", move, "/old"},
		{"fs.path.target", "", move, "/tmp/new"},
		{"fs.path.targetraw", "", move, "new"},
		{"fs.path.source", "", link, "/tmp/new"},
		{"fs.path.sourceraw", "", link, "new"},
		{"fs.path.target", "", link, "/old"},
		{"fs.path.targetraw", "", link, "/old"},
		{"fs.path.source", "", open, nil},
		{"fs.path.changed", "", open, "/etc/shadow"},
		{"fs.path.changed", "", move, "/tmp/new"},
		{"fs.path.changed", "", link, "/tmp/new"},
		{"fs.path.changed", "", connectEvent(0), nil},
		{"fs.path.name", "", connectEvent(0), nil},
	})
}

// No getter allocates once the event's buffer has grown, formatted values
// included.
func TestNoAllocations(t *testing.T) {
	events := []*event.Event{openEvent(0x80000), failedOpen(), connectEvent(0), execEvent(), chmodEvent(), renameEvent(event.Rename)}
	for _, r := range Syscall() {
		arg := Arg{}
		if r.Arg == RequiredKey {
			arg = Arg{Given: true, Name: "flags"}
		}
		for _, from := range events {
			var ev event.Event
			n := testing.AllocsPerRun(5, func() {
				renew(&ev, from)
				r.Get(&ev, arg)
			})
			if n != 0 {
				t.Errorf("%s of %s: %v allocations", r.Name, from.Type, n)
			}
		}
	}
}
