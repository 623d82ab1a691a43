package process

import (
	"bytes"
	"path"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

const memfdPrefix = "memfd:"

// bareImage says what the event itself says.
func bareImage(ev *event.Event) *event.Image {
	return &event.Image{
		PID:    ev.PID,
		Start:  ev.Start,
		ExecID: ev.ExecID,
		Time:   ev.Time,
		Creds:  event.Creds{UID: ev.UID, EUID: ev.UID, GID: ev.GID, EGID: ev.GID, LoginUID: event.LoginUnset},
	}
}

// forkedImage is what a child runs: its creator's program, as itself.
func forkedImage(creator *event.Image, ev *event.Event) *event.Image {
	img := *creator
	task := &ev.Task
	img.PID, img.VPID, img.Start, img.ExecID = task.PID, task.VPID, task.Start, task.ExecID
	img.Time = ev.Time
	img.Parent = creator
	img.Execed, img.FromProc = false, false
	setTask(&img, task)
	return &img
}

// execedImage is the new image that the event describes. before is the one it
// takes the place of; strings that did not change are shared with it.
func (t *Table) execedImage(ev *event.Event, before *event.Image, cgroup string) *event.Image {
	task := &ev.Task
	img := &event.Image{
		PID: task.PID, VPID: task.VPID, Start: task.Start, ExecID: task.ExecID,
		Time:       ev.Time,
		Parent:     before.Parent,
		Execed:     true,
		Comm:       share(task.Comm, before.Comm),
		Exe:        task.File,
		Filename:   share(task.Filename, before.Filename),
		CgroupPath: cgroup,
	}
	img.ExePath = t.name(task.Exe.Resolved, before.ExePath)
	img.Cwd = t.name(task.Cwd.Resolved, before.Cwd)
	exe := &task.Exe.Resolved
	img.Deleted = exe.Deleted
	img.Memfd = exe.Detached && bytes.HasPrefix(exe.Bytes, []byte(memfdPrefix))
	if img.Comm == "" {
		img.Comm = path.Base(img.ExePath)
	}
	img.Argv = event.Words(task.Argv)
	img.ArgsCut = task.ArgvCut || img.Argv.Cut()
	img.Env = event.Words(task.Environ)
	img.CmdLine = cmdLine(img.Comm, img.Argv)
	setTask(img, task)
	for i, s := range task.Stdio {
		s.Name = t.name(s.Path, before.Stdio[i].Name)
		s.Path = event.Components{}
		s.Socket.Path = strings.Clone(s.Socket.Path)
		img.Stdio[i] = s
	}
	return img
}

// setTask copies what births and new images have in common.
func setTask(img *event.Image, task *event.Task) {
	img.SID, img.PGID, img.VPGID = task.SID, task.PGID, task.VPGID
	img.TTY = task.TTY
	img.Creds = task.Creds
	img.Namespaces = task.Namespaces
}

// name writes a path as text, "" if it is not there.
func (t *Table) name(c event.Components, have string) string {
	if !c.Valid {
		return ""
	}
	t.scratch = c.AppendTo(t.scratch[:0])
	if string(t.scratch) == have {
		return have
	}
	return string(t.scratch)
}

// share copies a borrowed string, unless have is the same already.
func share(s, have string) string {
	if s == have {
		return have
	}
	return strings.Clone(s)
}

// cmdLine is Falco's proc.cmdline. Without arguments it is the name itself.
func cmdLine(comm string, argv event.Words) string {
	_, args := argv.Next()
	if args == "" {
		return comm
	}
	n := args.JoinedLen()
	b := make([]byte, 0, len(comm)+1+n)
	b = append(append(b, comm...), ' ')
	return string(args.AppendJoined(b))
}
