package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// splitCPUs chooses the last CPU that this process may use for the load and the
// others for the agent, so that what is measured is not who ran beside whom.
func splitCPUs() (load int, agent []int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return 0, nil, fmt.Errorf("read the CPUs: %w", err)
	}
	var cpus []int
	for c := 0; len(cpus) < set.Count(); c++ {
		if set.IsSet(c) {
			cpus = append(cpus, c)
		}
	}
	if len(cpus) < 2 {
		return 0, nil, errors.New("two CPUs are needed: one for the load, one for the agent")
	}
	last := len(cpus) - 1
	return cpus[last], cpus[:last], nil
}
