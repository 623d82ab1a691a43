package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"
)

// ringBuffer asks the kernel itself, as the next ones do: a distribution's kernel
// may have more or less than its release says.
func ringBuffer() Check {
	c := Check{Name: "ring buffer", Found: "supported"}
	if err := features.HaveMapType(ebpf.RingBuf); err != nil {
		c.Status, c.Found, c.Fix = judge(err, "ring buffers")
	}
	return c
}

// tracing loads an empty program, attaches it to sched_process_exit for a moment
// and takes it off again. features.HaveProgramType would ask about fentry, which
// some kernels refuse that do have typed tracepoints.
func tracing() Check {
	c := Check{Name: "typed tracepoints", Found: "supported"}
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "doctor", Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: "sched_process_exit",
		License: "GPL", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		c.Status, c.Found, c.Fix = judge(err, "BPF programs on typed tracepoints")
		return c
	}
	defer program.Close()
	attached, err := link.AttachTracing(link.TracingOptions{Program: program})
	if err != nil {
		c.Status, c.Found, c.Fix = judge(err, "BPF programs on typed tracepoints")
		return c
	}
	attached.Close()
	return c
}

// judge turns the answer to a question about a feature into words.
func judge(err error, what string) (Status, string, string) {
	if errors.Is(err, ebpf.ErrNotSupported) {
		return Missing, "this kernel has no " + what, "use Linux 5.8 or newer with CONFIG_BPF_SYSCALL=y"
	}
	return Missing, fmt.Sprintf("cannot find out whether the kernel has %s (%v)", what, err),
		"run as root or grant CAP_BPF and CAP_PERFMON"
}

// flavour says which of the two kinds of programs will be loaded.
func flavour() Check {
	c := Check{Name: "kernel reads"}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		c.Status, c.Found = Degraded, fmt.Sprintf("unknown: %v", err)
		return c
	}
	var cast *btf.Func
	direct := kernel.TypeByName("bpf_rdonly_cast", &cast) == nil
	storage := features.HaveMapType(ebpf.TaskStorage) == nil
	if direct && storage {
		c.Found = "direct (bpf_rdonly_cast and task storage)"
		return c
	}
	c.Found = "by probe (Linux 6.2 reads directly, which costs less than half)"
	return c
}

// hook is a tracepoint that the agent attaches to, with the prototypes that it
// knows, newest first.
type hook struct {
	name     string
	status   Status // without it
	lost     string // what is not seen without it
	variants [][]string
}

// hooks lists the tracepoints by the types of their arguments.
var hooks = []hook{
	{"sys_exit", Missing, "system calls", [][]string{{"pt_regs", "long int"}}},
	{"sched_process_exec", Missing, "new programs", [][]string{{"task_struct", "int", "linux_binprm"}}},
	{"sched_process_fork", Missing, "new processes", [][]string{{"task_struct", "task_struct"}}},
	{"sched_process_exit", Missing, "ends of processes", [][]string{{"task_struct", "_Bool"}, {"task_struct"}}},
	{"inet_sock_set_state", Degraded, "addresses of outgoing TCP connections", [][]string{{"sock", "int", "int"}}},
	{"cgroup_mkdir", Degraded, "containers before their first process", [][]string{{"cgroup", "char"}}},
	{"cgroup_rmdir", Degraded, "ends of containers", [][]string{{"cgroup", "char"}}},
}

func tracepoints() []Check {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return []Check{{Name: "tracepoints", Status: Missing, Found: fmt.Sprintf("kernel types cannot be read (%v)", err),
			Fix: "use a kernel built with CONFIG_DEBUG_INFO_BTF=y"}}
	}
	checks := make([]Check, 0, len(hooks))
	for _, hk := range hooks {
		checks = append(checks, hk.check(kernel))
	}
	return checks
}

func (hk hook) check(kernel *btf.Spec) Check {
	c := Check{Name: "tracepoint " + hk.name}
	args, err := prototype(kernel, hk.name)
	if err != nil {
		c.Status = hk.status
		c.Found = fmt.Sprintf("this kernel has no tracepoint %s, so %s are not seen", hk.name, hk.lost)
		c.Fix = "use a kernel with CONFIG_TRACEPOINTS=y (CONFIG_FTRACE_SYSCALLS=y for system calls)"
		return c
	}
	c.Found = "(" + strings.Join(args, ", ") + ")"
	known := slices.ContainsFunc(hk.variants, func(v []string) bool { return slices.Equal(v, args) })
	if !known {
		c.Status = hk.status
		c.Found = fmt.Sprintf("tracepoint %s has unknown arguments %s, so %s are not seen", hk.name, c.Found, hk.lost)
		c.Fix = "use a newer goshawk, and report the kernel's release"
	}
	return c
}

// prototype returns the names of the types of a tracepoint's arguments, without
// the context that comes first.
func prototype(kernel *btf.Spec, name string) ([]string, error) {
	var def *btf.Typedef
	if err := kernel.TypeByName("btf_trace_"+name, &def); err != nil {
		return nil, err
	}
	pointer, ok := def.Type.(*btf.Pointer)
	if !ok {
		return nil, fmt.Errorf("read prototype of %s: %T is no pointer", name, def.Type)
	}
	proto, ok := pointer.Target.(*btf.FuncProto)
	if !ok || len(proto.Params) == 0 {
		return nil, fmt.Errorf("read prototype of %s: %T is no function", name, pointer.Target)
	}
	var args []string
	for _, p := range proto.Params[1:] {
		args = append(args, baseName(p.Type))
	}
	return args, nil
}

// baseName strips pointers and qualifiers.
func baseName(t btf.Type) string {
	for {
		switch inner := t.(type) {
		case *btf.Pointer:
			t = inner.Target
		case *btf.Const:
			t = inner.Type
		case *btf.Volatile:
			t = inner.Type
		case *btf.Typedef:
			t = inner.Type
		default:
			return t.TypeName()
		}
	}
}
