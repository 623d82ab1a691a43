package event

// Info describes a [Type]: the one place that says what a system call's
// arguments mean. The kernel's table of calls (capture), the fields evt.arg.*
// (field) and the decoding of names are all made from it.
type Info struct {
	Name      string
	Category  string // Falco's evt.category
	Matchable bool   // a rule can ask for it
	State     bool   // travels in the state ring and changes the process table
	Args      []Arg  // in the order of the call's registers
}

// Arg describes one argument of a call.
type Arg struct {
	Name string // Falco's parameter name
	Kind ArgKind
}

// ArgKind says how the register of an argument is to be read.
type ArgKind uint8

// The kinds of argument.
const (
	ArgNone       ArgKind = iota // an address or a length that nobody asks for
	ArgInt                       // a signed number
	ArgFD                        // the descriptor that the call is about
	ArgDirFD                     // the directory that the path after it is relative to
	ArgPath                      // the first path
	ArgPath2                     // the second path
	ArgOpenFlags                 // O_*
	ArgMode                      // permission bits
	ArgFlags                     // flags of this call alone
	ArgHow                       // struct open_how: the kernel side replaces it by flags, mode, resolve
	ArgSockaddr                  // a socket address in the caller's memory
	ArgUnresolved                // a path that the call stores and does not follow (symlink's target)
)

// Where a call's number of arguments is fixed by the ABI.
const maxArgs = 6

var infos = [TypeCount]Info{
	ProcExit:    {Name: "procexit", Category: "process", Matchable: true, State: true},
	CgroupMkdir: {Name: "cgroup_mkdir", Category: "internal", State: true},
	CgroupRmdir: {Name: "cgroup_rmdir", Category: "internal", State: true},
	Heartbeat:   {Name: "heartbeat", Category: "internal"},

	Execve:   call("execve", "process", Arg{"filename", ArgPath}),
	Execveat: call("execveat", "process", Arg{"dirfd", ArgDirFD}, Arg{"pathname", ArgPath}, none, none, Arg{"flags", ArgFlags}),
	Fork:     call("fork", "process"),
	Vfork:    call("vfork", "process"),
	Clone:    call("clone", "process", Arg{"flags", ArgFlags}),
	Clone3:   call("clone3", "process"),

	Open:    call("open", "file", Arg{"name", ArgPath}, Arg{"flags", ArgOpenFlags}, Arg{"mode", ArgMode}),
	Openat:  call("openat", "file", Arg{"dirfd", ArgDirFD}, Arg{"name", ArgPath}, Arg{"flags", ArgOpenFlags}, Arg{"mode", ArgMode}),
	Openat2: call("openat2", "file", Arg{"dirfd", ArgDirFD}, Arg{"name", ArgPath}, Arg{"flags", ArgOpenFlags}, Arg{"mode", ArgMode}, Arg{"resolve", ArgFlags}),
	Creat:   call("creat", "file", Arg{"name", ArgPath}, Arg{"mode", ArgMode}),

	Connect: call("connect", "net", Arg{"fd", ArgFD}, Arg{"addr", ArgSockaddr}, none),
	Accept:  call("accept", "net", Arg{"sockfd", ArgInt}),
	Accept4: call("accept4", "net", Arg{"sockfd", ArgInt}, none, none, Arg{"flags", ArgFlags}),
	Bind:    call("bind", "net", Arg{"fd", ArgFD}, Arg{"addr", ArgSockaddr}, none),
	Listen:  call("listen", "net", Arg{"fd", ArgFD}, Arg{"backlog", ArgInt}),

	Dup:  call("dup", "IO-other", Arg{"oldfd", ArgInt}),
	Dup2: call("dup2", "IO-other", Arg{"oldfd", ArgInt}, Arg{"newfd", ArgInt}),
	Dup3: call("dup3", "IO-other", Arg{"oldfd", ArgInt}, Arg{"newfd", ArgInt}, Arg{"flags", ArgFlags}),

	Unlink:    call("unlink", "file", Arg{"path", ArgPath}),
	Unlinkat:  call("unlinkat", "file", Arg{"dirfd", ArgDirFD}, Arg{"name", ArgPath}, Arg{"flags", ArgFlags}),
	Rmdir:     call("rmdir", "file", Arg{"path", ArgPath}),
	Rename:    call("rename", "file", Arg{"oldpath", ArgPath}, Arg{"newpath", ArgPath2}),
	Renameat:  call("renameat", "file", Arg{"olddirfd", ArgDirFD}, Arg{"oldpath", ArgPath}, Arg{"newdirfd", ArgDirFD}, Arg{"newpath", ArgPath2}),
	Renameat2: call("renameat2", "file", Arg{"olddirfd", ArgDirFD}, Arg{"oldpath", ArgPath}, Arg{"newdirfd", ArgDirFD}, Arg{"newpath", ArgPath2}, Arg{"flags", ArgFlags}),
	Link:      call("link", "file", Arg{"oldpath", ArgPath}, Arg{"newpath", ArgPath2}),
	Linkat:    call("linkat", "file", Arg{"olddir", ArgDirFD}, Arg{"oldpath", ArgPath}, Arg{"newdir", ArgDirFD}, Arg{"newpath", ArgPath2}, Arg{"flags", ArgFlags}),
	Symlink:   call("symlink", "file", Arg{"target", ArgUnresolved}, Arg{"linkpath", ArgPath2}),
	Symlinkat: call("symlinkat", "file", Arg{"target", ArgUnresolved}, Arg{"linkdirfd", ArgDirFD}, Arg{"linkpath", ArgPath2}),
	Chmod:     call("chmod", "file", Arg{"filename", ArgPath}, Arg{"mode", ArgMode}),
	Fchmod:    call("fchmod", "file", Arg{"fd", ArgFD}, Arg{"mode", ArgMode}),
	Fchmodat:  call("fchmodat", "file", Arg{"dirfd", ArgDirFD}, Arg{"filename", ArgPath}, Arg{"mode", ArgMode}),
	Fchmodat2: call("fchmodat2", "file", Arg{"dirfd", ArgDirFD}, Arg{"filename", ArgPath}, Arg{"mode", ArgMode}, Arg{"flags", ArgFlags}),
	Mkdir:     call("mkdir", "file", Arg{"path", ArgPath}, Arg{"mode", ArgMode}),
	Mkdirat:   call("mkdirat", "file", Arg{"dirfd", ArgDirFD}, Arg{"path", ArgPath}, Arg{"mode", ArgMode}),
}

// none stands for a register that nobody asks for.
var none = Arg{}

// call describes a system call; those of the process category are state.
func call(name, category string, args ...Arg) Info {
	return Info{Name: name, Category: category, Matchable: true, State: category == "process", Args: args}
}

// Find returns the position of the argument with this Falco name, -1 if the
// call has none.
func (i *Info) Find(name string) int {
	if name == "" {
		return -1
	}
	for n, a := range i.Args {
		if a.Name == name {
			return n
		}
	}
	return -1
}

// FindKind returns the position of the first argument of this kind, -1 if
// there is none.
func (i *Info) FindKind(kind ArgKind) int {
	for n, a := range i.Args {
		if a.Kind == kind {
			return n
		}
	}
	return -1
}
