package decode

import (
	"github.com/goshawk-security/goshawk/internal/event"
)

// setTaskParam stores a parameter of a birth, a new image or a cgroup.
func setTaskParam(t *event.Task, p layoutParamHeader, b []byte, stdio *int) bool {
	ok := true
	switch layoutParamId(p.Id) {
	case layoutParamIdPARAM_TASK:
		var i layoutTaskInfo
		i, ok = read[layoutTaskInfo](b)
		setTask(t, &i)
	case layoutParamIdPARAM_COMM:
		t.Comm = text(b)
	case layoutParamIdPARAM_EXE:
		t.Exe.Resolved = components(p, b)
	case layoutParamIdPARAM_EXE_FILE:
		t.File, ok = file(b)
	case layoutParamIdPARAM_FILENAME:
		t.Filename = text(b)
	case layoutParamIdPARAM_ARGV:
		t.Argv = b
		t.ArgvCut = p.Flags&uint16(layoutParamFlagPARAM_TRUNCATED) != 0
	case layoutParamIdPARAM_ENVIRON:
		t.Environ = b
	case layoutParamIdPARAM_CWD:
		t.Cwd.Resolved = components(p, b)
	case layoutParamIdPARAM_CGROUP:
		t.CgroupPath.Resolved = components(p, b)
	case layoutParamIdPARAM_STDIO:
		var i layoutStdioInfo
		i, ok = read[layoutStdioInfo](b)
		*stdio = -1
		if ok && int(i.Fd) < len(t.Stdio) {
			*stdio = int(i.Fd)
			t.Stdio[*stdio].Kind = event.FileKind(i.Kind)
		}
	default:
		if *stdio >= 0 {
			ok = setStdioParam(&t.Stdio[*stdio], p, b)
		}
	}
	return ok
}

func setStdioParam(s *event.Stdio, p layoutParamHeader, b []byte) bool {
	ok := true
	switch layoutParamId(p.Id) {
	case layoutParamIdPARAM_STDIO_SOCKET:
		s.Socket, ok = socket(b)
	case layoutParamIdPARAM_STDIO_UNIX:
		s.Socket.Path = unixName(b)
	case layoutParamIdPARAM_STDIO_PATH:
		s.Path = components(p, b)
	}
	return ok
}

func setTask(t *event.Task, i *layoutTaskInfo) {
	t.PID, t.TID = i.Pid, i.Tid
	t.Start = i.Start
	t.ExecID = i.ExecId
	t.ParentPID, t.ParentStart = i.ParentPid, i.ParentStart
	t.VPID, t.ParentVPID = i.Vpid, i.ParentVpid
	t.SID, t.PGID, t.VPGID = i.Sid, i.Pgid, i.Vpgid
	t.TTY = i.Tty
	t.Cgroup = i.Cgroup
	t.Creds = event.Creds{
		UID: i.Uid, EUID: i.Euid, GID: i.Gid, EGID: i.Egid, LoginUID: i.Loginuid,
		CapEffective: i.CapEffective, CapPermitted: i.CapPermitted, CapInheritable: i.CapInheritable,
	}
	t.Namespaces = event.Namespaces{
		Mount: i.NsMount, PID: i.NsPid, Net: i.NsNet, User: i.NsUser, UTS: i.NsUts, IPC: i.NsIpc, Cgroup: i.NsCgroup,
	}
}
