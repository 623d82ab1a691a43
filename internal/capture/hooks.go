package capture

import (
	"github.com/cilium/ebpf/btf"

	"github.com/goshawk-security/goshawk/internal/event"
)

// hook is a tracepoint that the kernel side can attach to.
type hook struct {
	Tracepoint string
	program    string     // the variant for this kernel, "" if it has none
	variants   []string   // every program made for it
	needed     bool       // the agent cannot do without
	only       event.Type // attached while a rule wants this type; 0: always
}

// hooks lists the tracepoints, births first, so that no event comes before the
// state it belongs to can.
func hooks(kernel *btf.Spec) []hook {
	list := []hook{
		{Tracepoint: "sched_process_exit", variants: []string{"process_exit", "process_exit_group"}, needed: true},
		{Tracepoint: "sched_process_fork", variants: []string{"process_fork"}, needed: true},
		{Tracepoint: "sched_process_exec", variants: []string{"process_exec"}, needed: true},
		{Tracepoint: "cgroup_mkdir", variants: []string{"cgroup_made"}},
		{Tracepoint: "cgroup_rmdir", variants: []string{"cgroup_removed"}},
		{Tracepoint: "inet_sock_set_state", variants: []string{"network_state"}, only: event.Connect},
		{Tracepoint: "sys_exit", variants: []string{"syscall_exit"}, needed: true},
	}
	for i := range list {
		h := &list[i]
		params := tracepointParams(kernel, h.Tracepoint)
		switch {
		case params == 0: // not in this kernel
		case h.Tracepoint == "sched_process_exit" && params >= 2:
			h.program = "process_exit_group"
		default:
			h.program = h.variants[0]
		}
	}
	return list
}

// tracepointParams counts the arguments of a tracepoint by its BTF prototype, 0
// if there is no such tracepoint.
func tracepointParams(kernel *btf.Spec, name string) int {
	var t *btf.Typedef
	if err := kernel.TypeByName("btf_trace_"+name, &t); err != nil {
		return 0
	}
	pointer, ok := t.Type.(*btf.Pointer)
	if !ok {
		return 0
	}
	proto, ok := pointer.Target.(*btf.FuncProto)
	if !ok {
		return 0
	}
	return len(proto.Params) - 1 // the first is the tracer's own
}
