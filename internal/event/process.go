package event

// Task is what the kernel says of a process when it is born (fork) or has a
// new image (exec). Strings are borrowed.
type Task struct {
	PID, TID    uint32 // of the new process, initial pid namespace
	Start       uint64 // CLOCK_BOOTTIME, ns
	ExecID      uint32
	ParentPID   uint32 // its real parent
	ParentStart uint64
	VPID        uint32 // PID in its own pid namespace
	ParentVPID  uint32 // the parent's PID in the parent's own namespace
	SID, PGID   uint32 // session and process group, initial pid namespace
	VPGID       uint32 // process group in its own namespace
	TTY         uint32 // device number of the controlling terminal as stat shows it, 0 for none
	Cgroup      uint64 // id
	Creds       Creds
	Namespaces  Namespaces

	// Filled for an exec only.
	Comm       string
	Exe        Path   // the image
	File       File   // the image's inode
	Filename   string // as given to execve
	Argv       []byte // arguments, each ended by NUL, as they lie in memory
	ArgvCut    bool   // there are more
	Environ    []byte // the same for the environment; empty unless a rule asks for it
	Cwd        Path
	CgroupPath Path
	Stdio      [3]Stdio
}

// Creds are the identities of a process.
type Creds struct {
	UID, EUID, GID, EGID                       uint32
	LoginUID                                   uint32 // LoginUnset if nobody logged in
	CapEffective, CapPermitted, CapInheritable uint64
}

// LoginUnset is the login uid of a process that no login started.
const LoginUnset = ^uint32(0)

// Namespaces are the inode numbers of a process's namespaces (0: unknown).
type Namespaces struct {
	Mount, PID, Net, User, UTS, IPC, Cgroup uint32
}

// Process is one process from birth to death. It is named by PID and Start.
// enrich alone changes it.
type Process struct {
	PID       uint32
	Start     uint64 // CLOCK_BOOTTIME, ns
	ParentPID uint32 // the real parent now: a reaper after the parent ended
	Image     *Image // what it runs now; never nil
	Ended     uint64 // CLOCK_BOOTTIME, ns; 0 while it lives
	Cgroup    uint64
	Container *Container // nil on the host
}

// Image is what a process runs between two execs, as it was when it began. A
// fork gives the child an Image of its own with the parent's content, since its
// PID and its place in the lineage differ. It never changes once published.
type Image struct {
	PID    uint32
	VPID   uint32
	Start  uint64 // birth of the process
	ExecID uint32
	Time   uint64 // CLOCK_BOOTTIME, ns, when this image began
	Parent *Image // the creator, as it was at the fork; nil at the top or where the chain was cut
	Execed bool   // false: forked, runs its creator's program

	Comm     string // proc.name
	ExePath  string // resolved path of the executable
	Exe      File   // its inode
	Memfd    bool   // the executable has no name in any file system
	Deleted  bool   // the executable was unlinked before it ran
	Filename string // as given to execve
	Argv     Words  // argv[0] first
	ArgsCut  bool   // argv is longer than what was kept
	CmdLine  string // Falco's proc.cmdline: name and argv[1:]
	Env      Words  // name=value; empty unless a rule asks for it
	Trimmed  bool   // long texts were cut and Env dropped: all images held more than they may
	Cwd      string // at the exec

	SID, PGID, VPGID uint32
	TTY              uint32
	Creds            Creds
	Namespaces       Namespaces
	CgroupPath       string
	Stdio            [3]Stdio
	FromProc         bool // read late from /proc, not seen being born
}

// MaxLineage bounds a chain of ancestors.
const MaxLineage = 64

// Ancestor returns the image n steps up: 0 is i itself, 1 its parent. It is
// nil beyond the top.
func (i *Image) Ancestor(n int) *Image {
	if n >= MaxLineage {
		return nil
	}
	for ; n > 0 && i != nil; n-- {
		i = i.Parent
	}
	return i
}
