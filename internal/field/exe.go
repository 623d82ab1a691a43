package field

import "github.com/goshawk-security/goshawk/internal/event"

// exeFields are the facts about the executable's inode.
func exeFields() []Field {
	rows := group(Field{Scope: PerImage, Invalidates: "exec", Source: "kernel at exec; /proc for processes older than the agent"},
		Field{Name: "proc.is_exe_upper_layer", Type: event.TypeBool, Get: ofExe(func(f *event.File) event.Value { return event.Bool(f.UpperLayer) }),
			Desc: "True if the executable lies in the writable layer of an overlay file system: it is not part of the image."},
		Field{Name: "proc.is_exe_lower_layer", Type: event.TypeBool, Get: ofExe(func(f *event.File) event.Value { return event.Bool(f.LowerLayer) }),
			Desc: "True if the executable lies in a lower layer of an overlay file system: it is part of the image."},
		Field{Name: "proc.is_exe_from_memfd", Type: event.TypeBool, Get: ofImage(func(im *event.Image) event.Value { return event.Bool(im.Memfd) }),
			Desc: "True if the executable has no name in any file system (memfd_create)."},
		Field{Name: "proc.is_exe_writable", Type: event.TypeBool, Get: ofImage(exeWritable),
			Desc: "True if the process may write its own executable by the file's owner and mode or by CAP_DAC_OVERRIDE; absent where only the group could tell."},
		Field{Name: "proc.exe_ino", Type: event.TypeInt, Get: ofExe(func(f *event.File) event.Value { return event.Int(int64(f.Ino)) }),
			Desc: "Inode number of the executable."},
		Field{Name: "proc.exe_ino.ctime", Type: event.TypeUint, Get: ofExe(func(f *event.File) event.Value { return event.Uint(f.CTime) }),
			Desc: "Time at which the executable's inode last changed, in nanoseconds since the Unix epoch."},
		Field{Name: "proc.exe_ino.mtime", Type: event.TypeUint, Get: ofExe(func(f *event.File) event.Value { return event.Uint(f.MTime) }),
			Desc: "Time at which the executable's content last changed, in nanoseconds since the Unix epoch."},
	)
	// The offset of the wall clock makes this one differ between events.
	return append(rows, group(Field{Scope: PerEvent, Source: "kernel at exec; /proc for processes older than the agent"},
		Field{Name: "proc.exe_ino.ctime_duration_proc_start", Type: event.TypeDuration, Get: ofEvent(exeAge),
			Desc: "Nanoseconds from the last change of the executable's inode to the birth of the process; absent if it changed later."})...)
}

// ofExe makes a getter that reads the inode of the executable.
func ofExe(get func(*event.File) event.Value) Getter {
	return ofImage(func(im *event.Image) event.Value {
		if im.Exe.Kind == event.FileNone {
			return event.Value{}
		}
		return get(&im.Exe)
	})
}

func exeAge(ev *event.Event) event.Value {
	if ev.Image == nil || ev.Image.Exe.Kind == event.FileNone || ev.Start == 0 {
		return event.Value{}
	}
	return since(ev.Image.Exe.CTime, uint64(int64(ev.Start)+ev.BootOffset))
}

// capDACOverride lets a process write any file.
const capDACOverride = 1 << 1

// exeWritable follows the kernel's order: a capability, then the owner's bits for
// the owner, and those of all others; the file's group is not known.
func exeWritable(im *event.Image) event.Value {
	f := &im.Exe
	const byOwner, byGroup, byOthers = 0o200, 0o020, 0o002
	switch {
	case f.Kind == event.FileNone:
		return event.Value{}
	case im.Creds.CapEffective&capDACOverride != 0:
		return event.Bool(true)
	case f.UID == im.Creds.UID:
		return event.Bool(f.Mode&byOwner != 0)
	case f.Mode&byGroup != 0 && f.Mode&byOthers == 0, f.Mode&byGroup == 0 && f.Mode&byOthers != 0:
		return event.Value{}
	}
	return event.Bool(f.Mode&byOthers != 0)
}
