// Package doctor finds out whether the agent can run on this machine, and what
// to do where it cannot.
//
// [Host.Examine] makes every check and leaves nothing behind; goshawk doctor prints
// them all. [Host.Preflight] makes the few that are cheap and decisive; goshawk run makes them
// before it loads anything, so that the usual obstacles end in one sentence
// instead of an error from the depth of the kernel. [Host.Limits] says what goshawk
// run warns of and works without.
package doctor

import (
	"fmt"
	"io"
	"strings"
)

// Status says how a check came out.
type Status uint8

// The statuses, best first.
const (
	OK       Status = iota
	Degraded        // the agent runs and sees or does less
	Missing         // the agent cannot run
)

// String returns the word that stands at the beginning of a line.
func (s Status) String() string {
	return [...]string{"ok", "degraded", "missing"}[s]
}

// Check is one thing that was looked at.
type Check struct {
	Name   string
	Status Status
	Found  string // what is there, or the cause
	Fix    string // what to do; empty when there is nothing to do
}

// Host says where the kernel's file systems are mounted. Tests point it to made
// trees.
type Host struct {
	Proc   string
	Sys    string
	Cgroup string // where the cgroup file systems are; empty is Sys/fs/cgroup
}

// Local is the machine that the agent runs on.
func Local() Host { return Host{Proc: "/proc", Sys: "/sys"} }

// Examine makes every check.
func (h Host) Examine() []Check {
	types := h.btf()
	checks := []Check{h.kernelRelease(), h.lockdown(), types}
	checks = append(checks, h.capabilities()...)
	checks = append(checks, ringBuffer())
	if types.Status != Missing { // what needs the types would be blamed for them
		checks = append(checks, tracing(), flavour())
		checks = append(checks, tracepoints()...)
	}
	return append(checks, h.memlock(), h.cgroups(), h.pidNamespace(), h.procVisible(), h.memoryLimit())
}

// Preflight returns the first reason why the agent cannot run, nil if none of the
// cheap checks finds one.
func (h Host) Preflight() error {
	checks := append([]Check{h.kernelRelease(), h.btf()}, h.capabilities()...)
	checks = append(checks, h.lockdown())
	for _, c := range checks {
		if c.Status == Missing {
			return &Error{Check: c}
		}
	}
	return nil
}

// Limits makes the cheap checks of what the agent can do without. Those that come
// out Degraded say what it does not see or know while it runs.
func (h Host) Limits() []Check {
	var checks []Check
	for _, c := range append(h.capabilities(), h.cgroups(), h.pidNamespace()) {
		if c.Status != Missing { // Preflight's
			checks = append(checks, c)
		}
	}
	return checks
}

// Error is a check that came out Missing: one sentence with cause and next step.
type Error struct{ Check Check }

func (e *Error) Error() string {
	if e.Check.Fix == "" {
		return e.Check.Found
	}
	return e.Check.Found + ": " + e.Check.Fix
}

// Write prints the checks, one a line, and what follows from them. It tells
// whether the agent can run.
func Write(w io.Writer, checks []Check) (canRun bool, err error) {
	var b strings.Builder
	var degraded, missing int
	for _, c := range checks {
		fmt.Fprintf(&b, "%-8s  %-30s  %s\n", c.Status, c.Name, c.Found)
		if c.Fix != "" {
			fmt.Fprintf(&b, "%40s  → %s\n", "", c.Fix)
		}
		switch c.Status {
		case Degraded:
			degraded++
		case Missing:
			missing++
		}
	}
	switch {
	case missing > 0:
		fmt.Fprintf(&b, "\nThe agent cannot run here: %d of %d checks are missing.\n", missing, len(checks))
	case degraded > 0:
		fmt.Fprintf(&b, "\nThe agent can run here; %d of %d checks are degraded.\n", degraded, len(checks))
	default:
		fmt.Fprintf(&b, "\nThe agent can run here.\n")
	}
	_, err = io.WriteString(w, b.String())
	return missing == 0, err
}
