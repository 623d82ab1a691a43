package field

import "github.com/goshawk-security/goshawk/internal/event"

// Why fields have no value. Those that end in yet will have one.
const (
	notRuntime = "the container runtime is not asked for its metadata yet"
	notCluster = "the metadata of Kubernetes is not asked for yet"
	notPlugin  = "there are no plugins whose events could have it"
	notPayload = "what calls read and write is not sent from the kernel yet"
	notPoll    = "the descriptors of poll and select are not sent from the kernel yet"
	notNames   = "the DNS names that a container looked up are not recorded yet, and the agent looks none up itself"
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
	for _, class := range [][]Field{eventRows(), processRows(), descriptorRows(), containerRows(), clusterRows()} {
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
		missing(notRuntime, "proc.is_container_healthcheck", event.TypeBool, NoArg, "True if the process is the container's health check."),
		missing(notRuntime, "proc.is_container_liveness_probe", event.TypeBool, NoArg, "True if the process is the container's liveness probe."),
		missing(notRuntime, "proc.is_container_readiness_probe", event.TypeBool, NoArg, "True if the process is the container's readiness probe."),
	}
}

func descriptorRows() []Field {
	rows := []Field{
		missing("datagrams without a connection are not sent from the kernel yet", "fd.name_changed", event.TypeBool, NoArg, "True if the event gave the descriptor another name: a socket that talks to another peer."),
		missing(notPoll, "fdlist.nums", event.TypeString, NoArg, "Numbers of the descriptors that the call waits for, with commas between them."),
		missing(notPoll, "fdlist.names", event.TypeString, NoArg, "Names of these descriptors."),
		missing(notPoll, "fdlist.cips", event.TypeString, NoArg, "Addresses of the clients of these descriptors."),
		missing(notPoll, "fdlist.sips", event.TypeString, NoArg, "Addresses of the servers of these descriptors."),
		missing(notPoll, "fdlist.cports", event.TypeString, NoArg, "Ports of the clients of these descriptors."),
		missing(notPoll, "fdlist.sports", event.TypeString, NoArg, "Ports of the servers of these descriptors."),
	}
	for _, side := range []struct{ name, of string }{{"cip", "client"}, {"sip", "server"}, {"lip", "side here"}, {"rip", "other side"}} {
		rows = append(rows, missing(notNames, "fd."+side.name+".name", event.TypeString, NoArg, "DNS name of the "+side.of+"."))
	}
	return rows
}

func containerRows() []Field {
	text := func(name, desc string) Field {
		return missing(notRuntime, "container."+name, event.TypeString, NoArg, desc)
	}
	truth := func(name, desc string) Field {
		return missing(notRuntime, "container."+name, event.TypeBool, NoArg, desc)
	}
	keyed := func(name, desc string) Field {
		return missing(notRuntime, "container."+name, event.TypeString, RequiredKey, desc)
	}
	return []Field{
		text("name", "Name of the container."),
		text("image", "Image of the container as it was asked for: name and tag."),
		text("image.id", "Id of the image."),
		text("image.repository", "Name of the image without its tag."),
		text("image.tag", "Tag of the image."),
		text("image.digest", "Digest of the image, which names its content."),
		truth("privileged", "True if the container has all rights of the host."),
		text("mounts", "All mounts of the container: source:destination:mode:rw:propagation, with commas between them."),
		keyed("mount", "One mount, by number from 0 or by source, * and ? allowed."),
		keyed("mount.source", "Source of a mount, by number or by destination."),
		keyed("mount.dest", "Destination of a mount, by number or by source."),
		keyed("mount.mode", "Mode of a mount, by number or by source."),
		keyed("mount.rdwr", "true if a mount can be written to, by number or by source."),
		keyed("mount.propagation", "Propagation of a mount, by number or by source."),
		text("healthcheck", "Command of the container's health check."),
		text("liveness_probe", "Command of the container's liveness probe."),
		text("readiness_probe", "Command of the container's readiness probe."),
		missing(notRuntime, "container.start_ts", event.TypeTime, NoArg, "Time at which the container started."),
		missing(notRuntime, "container.duration", event.TypeDuration, NoArg, "Nanoseconds since the container started."),
		text("ip", "Address of the container."),
		text("cni.json", "Result of the network plugin, as JSON."),
		truth("host_pid", "True if the container sees the host's processes."),
		truth("host_network", "True if the container has the host's network."),
		truth("host_ipc", "True if the container has the host's IPC namespace."),
		keyed("label", "One label of the container, by its name."),
		text("labels", "All labels of the container: name:value, with commas between them."),
	}
}

func clusterRows() []Field {
	text := func(name, desc string) Field { return missing(notCluster, "k8s."+name, event.TypeString, NoArg, desc) }
	rows := []Field{
		text("pod.name", "Name of the pod."),
		text("ns.name", "Name of the pod's namespace."),
		text("pod.sandbox_id", "First 12 digits of the id of the pod's sandbox."),
		text("pod.full_sandbox_id", "Id of the pod's sandbox."),
		text("pod.ip", "Address of the pod."),
		text("pod.cni.json", "Result of the network plugin for the pod, as JSON."),
	}
	owned := []struct{ name, what string }{
		{"rc", "replication controller"}, {"svc", "service"}, {"rs", "replica set"}, {"deployment", "deployment"},
	}
	for _, o := range owned {
		rows = append(rows,
			text(o.name+".name", "Name of the "+o.what+" that the pod belongs to."),
			text(o.name+".id", "UID of the "+o.what+" that the pod belongs to."))
	}
	rows = append(rows, text("ns.id", "UID of the pod's namespace."))
	for _, o := range append(owned, struct{ name, what string }{"pod", "pod"}, struct{ name, what string }{"ns", "namespace"}) {
		rows = append(rows,
			missing(notCluster, "k8s."+o.name+".label", event.TypeString, RequiredKey, "One label of the "+o.what+", by its name."),
			text(o.name+".labels", "All labels of the "+o.what+": name:value, with commas between them."))
	}
	return rows
}
