package field

import "github.com/goshawk-security/goshawk/internal/event"

// taskParam makes the text of a parameter of a birth or an exec: what the
// process is afterwards. ok is false for names it does not know, which are then
// looked for among the arguments of the call.
func taskParam(ev *event.Event, name string) (v event.Value, ok bool) {
	im := ev.Image
	exec := ev.Type == event.Execve || ev.Type == event.Execveat
	switch name {
	case "tid":
		return decimal(ev, int64(ev.TID), true), true
	case "pid":
		return decimal(ev, int64(ev.PID), true), true
	case "uid":
		return decimal(ev, int64(ev.UID), true), true
	case "gid":
		return decimal(ev, int64(ev.GID), true), true
	case "filename":
		if exec {
			return execFilename(ev), true
		}
	case "flags":
		if exec {
			return exeFlags(ev), true
		}
		return v, false
	}
	if im == nil {
		return event.Value{}, true
	}
	switch name {
	case "exe":
		return procExe(im), true
	case "args":
		return procArgsText(ev, im), true
	case "ptid":
		return decimal(ev, parentPID(ev), im.Parent != nil || ev.Process != nil), true
	case "cwd":
		return event.OptionalString(im.Cwd), true
	case "comm":
		return event.OptionalString(im.Comm), true
	case "cgroups":
		return event.OptionalString(im.CgroupPath), true
	case "env":
		return procEnv(ev, Arg{}), true
	case "tty":
		return decimal(ev, int64(im.TTY), true), true
	case "pgid":
		return decimal(ev, int64(im.PGID), true), true
	case "vpgid":
		return decimal(ev, int64(im.VPGID), true), true
	case "vpid":
		return decimal(ev, int64(im.VPID), true), true
	case "loginuid":
		return decimal(ev, int64(int32(im.Creds.LoginUID)), true), true
	case "trusted_exepath":
		return event.OptionalString(im.ExePath), true
	}
	return inodeParam(ev, im, name)
}

// inodeParam makes the text of a parameter about the executable's inode or the
// capabilities.
func inodeParam(ev *event.Event, im *event.Image, name string) (event.Value, bool) {
	known := im.Exe.Kind != event.FileNone
	switch name {
	case "cap_inheritable":
		return capText(ev, im.Creds.CapInheritable), true
	case "cap_permitted":
		return capText(ev, im.Creds.CapPermitted), true
	case "cap_effective":
		return capText(ev, im.Creds.CapEffective), true
	case "exe_ino":
		return decimal(ev, int64(im.Exe.Ino), known), true
	case "exe_ino_ctime":
		return decimal(ev, int64(im.Exe.CTime), known), true
	case "exe_ino_mtime":
		return decimal(ev, int64(im.Exe.MTime), known), true
	}
	return event.Value{}, false
}

// execFilename is the path as given to execve.
func execFilename(ev *event.Event) event.Value {
	switch {
	case ev.Path.GivenUnread:
		return event.Missing(event.Unreadable)
	case ev.Path.HasGiven:
		return event.String(borrow(ev.Path.Given))
	case ev.Image != nil && ev.HasTask():
		return event.OptionalString(ev.Image.Filename)
	}
	return event.Value{}
}

// exeFlags writes Falco's flags of the executable.
func exeFlags(ev *event.Event) event.Value {
	im := ev.Image
	if im == nil || !ev.HasTask() {
		return event.Value{}
	}
	return event.String(ev.Scratch(func(b []byte) []byte {
		start := len(b)
		if im.Exe.UpperLayer {
			b = appendName(b, start, "EXE_UPPER_LAYER")
		}
		if im.Memfd {
			b = appendName(b, start, "EXE_FROM_MEMFD")
		}
		if im.Exe.LowerLayer {
			b = appendName(b, start, "EXE_LOWER_LAYER")
		}
		if len(b) == start {
			b = append(b, '0')
		}
		return b
	}))
}

// exitParam makes the text of a parameter of procexit, from the wait status.
func exitParam(ev *event.Event, name string) event.Value {
	status := int64(ev.Status)
	switch name {
	case "status":
		return decimal(ev, status, true)
	case "ret":
		return decimal(ev, status>>8&0xff, status&0x7f == 0)
	case "sig":
		return decimal(ev, status&0x7f, true)
	case "core":
		return decimal(ev, status>>7&1, true)
	}
	return event.Value{}
}
