package field

import "github.com/goshawk-security/goshawk/internal/event"

// Why fields have no value. Those that end in yet will have one.
const (
	notPlugin  = "there are no plugins whose events could have it"
	notPayload = "what calls read and write is not sent from the kernel yet"
	notPoll    = "the descriptors of poll and select are not sent from the kernel yet"
	notSwitch  = "it would need a hook on every context switch, which costs the whole machine too much"
	notMemory  = "counters of memory are not sent with events yet"
	notTable   = "no table of a process's descriptors is kept"
	notThreads = "threads and children are not counted yet"
	notPIDNS   = "the birth of the pid namespace's first process is not kept yet"
	notRead    = "it stands for events of a recording, and events are judged here as they come"
)

// undeliveredFields are Falco's fields that no event has a value for. They are
// here so that rules which ask for them load, with a warning that says why they get
// no answer.
func undeliveredFields() []Field {
	var rows []Field
	for _, class := range [][]Field{eventRows(), processRows(), descriptorRows(), containerRows()} {
		rows = append(rows, class...)
	}
	return rows
}

// missing makes a row without a value.
func missing(why, name string, t event.ValueType, arg ArgUse, desc string) Field {
	return Field{Name: name, Type: t, Arg: arg, Desc: desc, Undelivered: why, Get: absent, Scope: PerEvent, Source: "none", Since: oldestKernel}
}

func eventRows() []Field {
	return []Field{
		missing(notPlugin, "evt.pluginname", event.TypeString, NoArg, "Name of the plugin that made the event."),
		missing(notPlugin, "evt.plugininfo", event.TypeString, NoArg, "What the plugin says of the event in one line."),
		missing(notPlugin, "evt.asynctype", event.TypeString, NoArg, "Kind of an asynchronous event."),
		missing(notRead, "evt.around", event.TypeUint, RequiredKey, "True of events close in time to one that is named."),
		missing(notPayload, "evt.buffer", event.TypeString, NoArg, "Bytes that the call read or wrote."),
		missing(notPayload, "evt.buflen", event.TypeUint, NoArg, "Number of bytes in evt.buffer."),
		missing(notPayload, "evt.io_dir", event.TypeString, NoArg, "r for calls that read from a descriptor, w for those that write."),
	}
}

func processRows() []Field {
	return []Field{
		missing(notPIDNS, "proc.exe_ino.ctime_duration_pidns_start", event.TypeDuration, NoArg, "Nanoseconds from the last change of the executable's inode to the birth of the pid namespace."),
		missing(notPIDNS, "proc.pidns_init_start_ts", event.TypeUint, NoArg, "Birth of the first process of the pid namespace, in nanoseconds since the Unix epoch."),
		missing(notTable, "proc.fdopencount", event.TypeUint, NoArg, "Number of descriptors that the process has open."),
		missing(notTable, "proc.fdlimit", event.TypeInt, NoArg, "Largest number of descriptors that the process may have open."),
		missing(notTable, "proc.fdusage", event.TypeUint, NoArg, "Share of proc.fdlimit that is used, in percent."),
		missing(notMemory, "proc.vmsize", event.TypeUint, NoArg, "Virtual memory of the process in KiB."),
		missing(notMemory, "proc.vmrss", event.TypeUint, NoArg, "Resident memory of the process in KiB."),
		missing(notMemory, "proc.vmswap", event.TypeUint, NoArg, "Swapped memory of the process in KiB."),
		missing(notMemory, "thread.vmsize", event.TypeUint, NoArg, "proc.vmsize for the thread that leads its process, 0 for others."),
		missing(notMemory, "thread.vmrss", event.TypeUint, NoArg, "proc.vmrss for the thread that leads its process, 0 for others."),
		missing(notMemory, "thread.pfmajor", event.TypeUint, NoArg, "Page faults since the thread's birth that read from a disk."),
		missing(notMemory, "thread.pfminor", event.TypeUint, NoArg, "Page faults since the thread's birth that read from no disk."),
		missing(notThreads, "proc.nthreads", event.TypeUint, NoArg, "Number of threads of the process."),
		missing(notThreads, "proc.nchilds", event.TypeUint, NoArg, "Number of children of the process."),
		missing(notSwitch, "thread.exectime", event.TypeDuration, NoArg, "Time that the thread ran since it was last scheduled, in nanoseconds."),
		missing(notSwitch, "thread.totexectime", event.TypeDuration, NoArg, "Time that the thread ran in all, in nanoseconds."),
		missing(notSwitch, "thread.cpu", event.TypeUint, NoArg, "Share of a processor that the thread used in the last second, in percent."),
		missing(notSwitch, "thread.cpu.user", event.TypeUint, NoArg, "Share of it in the program itself."),
		missing(notSwitch, "thread.cpu.system", event.TypeUint, NoArg, "Share of it in the kernel."),
		missing("one path is kept of a process's cgroup, in thread.cgroups, and not one for each controller", "thread.cgroup", event.TypeString, RequiredKey, "Path of the process's cgroup for one controller."),
		missing("health checks are Docker's own, and its socket is asked for what all runtimes have", "proc.is_container_healthcheck", event.TypeBool, NoArg, "True if the process is the container's health check."),
	}
}

func descriptorRows() []Field {
	return []Field{
		missing("datagrams without a connection are not sent from the kernel yet", "fd.name_changed", event.TypeBool, NoArg, "True if the event gave the descriptor another name: a socket that talks to another peer."),
		missing(notPoll, "fdlist.nums", event.TypeString, NoArg, "Numbers of the descriptors that the call waits for, with commas between them."),
		missing(notPoll, "fdlist.names", event.TypeString, NoArg, "Names of these descriptors."),
		missing(notPoll, "fdlist.cips", event.TypeString, NoArg, "Addresses of the clients of these descriptors."),
		missing(notPoll, "fdlist.sips", event.TypeString, NoArg, "Addresses of the servers of these descriptors."),
		missing(notPoll, "fdlist.cports", event.TypeString, NoArg, "Ports of the clients of these descriptors."),
		missing(notPoll, "fdlist.sports", event.TypeString, NoArg, "Ports of the servers of these descriptors."),
	}
}

func containerRows() []Field {
	return []Field{
		missing("health checks are Docker's own, and its socket is asked for what all runtimes have", "container.healthcheck", event.TypeString, NoArg, "Command of the container's health check."),
	}
}
