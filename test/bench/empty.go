package main

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

// attachEmpty attaches a program that does nothing to each of the BTF raw
// tracepoints: the least that any observer of these costs. The returned
// function detaches.
func attachEmpty(tracepoints ...string) (detach func() error, err error) {
	var open []interface{ Close() error }
	detach = func() error {
		var errs []error
		for _, o := range open {
			errs = append(errs, o.Close())
		}
		return errors.Join(errs...)
	}
	for _, name := range tracepoints {
		p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
			Name:         "empty",
			Type:         ebpf.Tracing,
			AttachType:   ebpf.AttachTraceRawTp,
			AttachTo:     name,
			Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
			License:      "GPL",
		})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("load an empty program for %s: %w", name, err), detach())
		}
		open = append(open, p)
		l, err := link.AttachTracing(link.TracingOptions{Program: p})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("attach an empty program to %s: %w", name, err), detach())
		}
		open = append(open, l)
	}
	return detach, nil
}
