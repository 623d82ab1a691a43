package capture

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/rlimit"

	"github.com/goshawk-security/goshawk/internal/event"
)

// slotsPerCPU is SLOTS_PER_CPU of bpf/emit.h.
const slotsPerCPU = 2

// load makes the programs and maps for the wanted types, with the best flavour
// that the kernel takes.
func load(cfg Config, types []event.Type) (*ebpf.Collection, Flavour, error) {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, 0, fmt.Errorf("read the kernel's BTF at /sys/kernel/btf/vmlinux (a kernel built with CONFIG_DEBUG_INFO_BTF is needed): %w", err)
	}
	flavour := cfg.Flavour
	if flavour == Auto {
		flavour = bestFlavour(kernel)
	}
	spec, err := loadSpec(flavour)
	if err != nil {
		return nil, 0, err
	}
	if err := configure(spec, cfg, types, kernel); err != nil {
		return nil, 0, err
	}
	// Before 5.11 maps count against RLIMIT_MEMLOCK, of which root has 64 KiB.
	// Later kernels, and only they, are left alone.
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, 0, fmt.Errorf("lift the limit of locked memory: %w", err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, 0, fmt.Errorf("load the %s kernel side: %w", flavour, err)
	}
	if err := freeze(coll); err != nil {
		coll.Close()
		return nil, 0, err
	}
	return coll, flavour, nil
}

// freeze keeps everybody, root included, from writing to the maps from user space:
// the kernel side cannot be blinded by emptying its table of programs. (The read-only
// variables are frozen when they are loaded; rings are written by their reader.)
func freeze(coll *ebpf.Collection) error {
	for _, name := range []string{"call_programs", "wanted", "slots", "sequences", "losses"} {
		if err := coll.Maps[name].Freeze(); err != nil {
			return fmt.Errorf("freeze map %s: %w", name, err)
		}
	}
	return nil
}

// bestFlavour is Direct where the kernel has what it needs: typed casts (6.2)
// are the newest of it.
func bestFlavour(kernel *btf.Spec) Flavour {
	var cast *btf.Func
	if kernel.TypeByName("bpf_rdonly_cast", &cast) == nil {
		return Direct
	}
	return Probed
}

func loadSpec(f Flavour) (*ebpf.CollectionSpec, error) {
	if f == Direct {
		return loadDirect()
	}
	return loadProbed()
}

// configure sizes the maps, fills the kernel side's constants, and drops the
// programs that nothing needs.
func configure(spec *ebpf.CollectionSpec, cfg Config, types []event.Type, kernel *btf.Spec) error {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return fmt.Errorf("count CPUs: %w", err)
	}
	spec.Maps["events"].MaxEntries = uint32(cfg.EventsBytes)
	spec.Maps["states"].MaxEntries = uint32(cfg.StateBytes)
	spec.Maps["slots"].MaxEntries = uint32(cpus * slotsPerCPU)

	t := makeTables(event.Types())
	spec.Maps["wanted"].Contents = makeWanted(types, cfg.Environ).contents()
	subsys, err := cgroupSubsystem(cfg.CgroupController, kernel)
	if err != nil {
		return err
	}
	err = setVariables(spec, map[string]any{
		"calls": t.Calls, "specs": t.Specs, "handlers": t.Handlers, "process_calls": t.ProcessCalls,
		"type_clone": uint16(event.Clone), "type_execve": uint16(event.Execve), "type_execveat": uint16(event.Execveat),
		"type_connect":  uint16(event.Connect),
		"agent_pid":     ownPID(cfg.ProcRoot),
		"cgroup_subsys": subsys,
		"wakeup_bytes":  uint32(min(cfg.EventsBytes, cfg.StateBytes) / 8),
	})
	if err != nil {
		return err
	}
	keepUsed(spec, kernel)
	return nil
}

func setVariables(spec *ebpf.CollectionSpec, values map[string]any) error {
	for name, value := range values {
		v := spec.Variables[name]
		if v == nil {
			return fmt.Errorf("kernel side has no variable %s", name)
		}
		if err := v.Set(value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	return nil
}

// keepUsed removes the variants of programs that this kernel does not call, and
// fills the table of programs.
func keepUsed(spec *ebpf.CollectionSpec, kernel *btf.Spec) {
	table := spec.Maps["call_programs"]
	table.Contents = nil
	for handler, name := range programs {
		table.Contents = append(table.Contents, ebpf.MapKV{Key: handler, Value: name})
	}
	for _, h := range hooks(kernel) {
		for _, variant := range h.variants {
			if variant != h.program {
				delete(spec.Programs, variant)
			}
		}
	}
}

// ownPID returns the agent's process id as the kernel counts it, if the host's
// /proc can be seen.
func ownPID(procRoot string) uint32 {
	if link, err := os.Readlink(filepath.Join(procRoot, "self")); err == nil {
		if pid, err := strconv.ParseUint(link, 10, 32); err == nil {
			return uint32(pid)
		}
	}
	return uint32(os.Getpid())
}

// cgroupSubsystem returns the index of a controller among the kernel's cgroup
// subsystems, -1 for the unified hierarchy.
func cgroupSubsystem(controller string, kernel *btf.Spec) (int32, error) {
	// A hierarchy with a name and no controller (systemd's own) is none that the
	// kernel finds by task.
	if controller == "" || strings.HasPrefix(controller, "name=") {
		return -1, nil
	}
	var ids *btf.Enum
	if err := kernel.TypeByName("cgroup_subsys_id", &ids); err != nil {
		return 0, fmt.Errorf("find cgroup controllers: %w", err)
	}
	for _, v := range ids.Values {
		if v.Name == controller+"_cgrp_id" {
			return int32(v.Value), nil
		}
	}
	return 0, fmt.Errorf("kernel has no cgroup controller %q", controller)
}
