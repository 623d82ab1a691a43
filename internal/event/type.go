package event

// Type says what happened. Its number is written into the kernel's table of
// calls when the agent loads and comes back in every record; it is neither a
// system call number nor stable between versions. Use [Type.String] outside.
type Type uint16

// The types. The first block is fixed: bpf/event.h has the same numbers.
const (
	Unknown     Type = 0
	ProcExit    Type = 1 // the last thread of a process ended
	CgroupMkdir Type = 2 // a cgroup was made; state, never matched
	Heartbeat   Type = 3 // the agent's own call that proves it can see; never matched
	CgroupRmdir Type = 4 // a cgroup was removed; state, never matched
)

// System calls, named as the kernel names them.
const (
	Execve Type = iota + 16
	Execveat
	Fork
	Vfork
	Clone
	Clone3
	Open
	Openat
	Openat2
	Creat
	Connect
	Accept
	Accept4
	Bind
	Listen
	Dup
	Dup2
	Dup3
	Unlink
	Unlinkat
	Rmdir
	Rename
	Renameat
	Renameat2
	Link
	Linkat
	Symlink
	Symlinkat
	Chmod
	Fchmod
	Fchmodat
	Fchmodat2
	Mkdir
	Mkdirat
	typeEnd
)

// TypeCount is one more than the largest Type: the size of a table by type.
const TypeCount = int(typeEnd)

// String returns Falco's name of the type (evt.type), "unknown" for none.
func (t Type) String() string {
	if info := t.Info(); info != nil {
		return info.Name
	}
	return "unknown"
}

// TypeByName finds the type with Falco's name. State and heartbeat records
// have no name that a rule can use.
func TypeByName(name string) (Type, bool) {
	for i := range infos {
		if infos[i].Name == name && infos[i].Matchable {
			return Type(i), true
		}
	}
	return Unknown, false
}

// Types returns every type that a rule can match, in a fixed order.
func Types() []Type {
	var all []Type
	for i := range infos {
		if infos[i].Matchable {
			all = append(all, Type(i))
		}
	}
	return all
}

// Info returns the description of t, nil if t is not a type. The description
// is shared and must not be changed.
func (t Type) Info() *Info {
	if int(t) >= len(infos) || infos[t].Name == "" {
		return nil
	}
	return &infos[t]
}
