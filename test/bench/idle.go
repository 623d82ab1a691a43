package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/goshawk-security/goshawk/test/bench/daemon"
)

// Idle is what an agent uses when next to nothing happens.
type Idle struct {
	Seconds   float64       `json:"seconds"`
	CPU       float64       `json:"cpu"`     // part of one core
	Machine   float64       `json:"machine"` // part of all cores that everybody used
	Quiet     Quiet         `json:"quiet"`
	Events    float64       `json:"events"` // per second
	Memory    daemon.Memory `json:"memory"`
	Processes float64       `json:"processes"`
}

// Quiet is the quarter of the seconds in which the machine did least: where other
// programs keep it busy, the agent is idle in these if ever.
type Quiet struct {
	CPU     float64 `json:"cpu"`
	Machine float64 `json:"machine"`
}

// second is one slice of the measurement.
type second struct {
	cpu     float64 // part of one core that the agent used
	machine float64
}

const (
	settleTime = 3 * time.Second // the start is over, what it read is garbage
	quietLimit = 0.05            // of the machine: above, the agent is not idle
)

// runIdle starts an agent and leaves it alone.
func runIdle(ctx context.Context, cfg *config, report *Report, out io.Writer) (err error) {
	dir, err := os.MkdirTemp(cfg.dir, "agent-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	d, err := daemon.Start(ctx, daemon.Options{Binary: cfg.agent, Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	time.Sleep(settleTime)
	before, err := d.Metrics()
	if err != nil {
		return err
	}
	seconds, err := watchIdle(ctx, d.PID(), cfg.idle)
	if err != nil {
		return err
	}
	i := summarise(seconds)
	if i.Memory, err = daemon.ReadMemory(d.PID()); err != nil {
		return err
	}
	after, err := d.Metrics()
	if err != nil {
		return err
	}
	i.Events = (after.Sum("goshawk_events_total") - before.Sum("goshawk_events_total")) / i.Seconds
	i.Processes = after.Sum("goshawk_processes")
	report.Idle = i
	printIdle(out, i)
	i.targets(report)
	return nil
}

// watchIdle reads clocks alone: asking for metrics would be work for the agent.
func watchIdle(ctx context.Context, pid int, d time.Duration) ([]second, error) {
	var list []second
	for range int(d / time.Second) {
		start := time.Now()
		cpu, err := daemon.ReadCPU(pid)
		if err != nil {
			return nil, err
		}
		busy, all, err := daemon.MachineTicks()
		if err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Second):
		}
		cpuEnd, err := daemon.ReadCPU(pid)
		if err != nil {
			return nil, err
		}
		busyEnd, allEnd, err := daemon.MachineTicks()
		if err != nil {
			return nil, err
		}
		list = append(list, second{
			cpu:     (cpuEnd - cpu).Seconds() / time.Since(start).Seconds(),
			machine: (busyEnd - busy) / max(1, allEnd-all),
		})
	}
	return list, nil
}

func summarise(seconds []second) *Idle {
	mean := func(list []second) (cpu, machine float64) {
		for _, s := range list {
			cpu += s.cpu / float64(len(list))
			machine += s.machine / float64(len(list))
		}
		return cpu, machine
	}
	i := &Idle{Seconds: float64(len(seconds))}
	i.CPU, i.Machine = mean(seconds)
	sorted := slices.SortedFunc(slices.Values(seconds), func(a, b second) int { return cmp.Compare(a.machine, b.machine) })
	i.Quiet.CPU, i.Quiet.Machine = mean(sorted[:(len(sorted)+3)/4])
	return i
}

func printIdle(out io.Writer, i *Idle) {
	fmt.Fprintf(out, "Idle agent over %.0f s\n", i.Seconds)
	t := table(out)
	fmt.Fprintf(t, "  CPU\t%.2f %% of one core\t(the machine was %.0f %% busy; %.0f events/s, %.0f processes)\t\n",
		100*i.CPU, 100*i.Machine, i.Events, i.Processes)
	fmt.Fprintf(t, "  in the quietest quarter\t%.2f %% of one core\t(the machine was %.0f %% busy)\t\n", 100*i.Quiet.CPU, 100*i.Quiet.Machine)
	m := i.Memory
	fmt.Fprintf(t, "  memory\t%.1f MiB resident\t(program %.1f, heap and stacks %.1f, mapped rings %.1f)\t\n",
		mib(m.RSS), mib(m.File), mib(m.Anon), mib(m.Rings))
	fmt.Fprintf(t, "  without rings\t%.1f MiB\t\t\n", mib(m.Own()))
	_ = t.Flush()
	fmt.Fprintln(out, "  For comparison, Falco: 2.4 % and 96 MB.")
}

// targets judges the whole time where the machine was idle, and else the quietest
// seconds.
func (i *Idle) targets(report *Report) {
	name, cpu := "idle agent, part of one core", i.CPU
	if i.Machine > quietLimit {
		name, cpu = fmt.Sprintf("idle agent, part of one core (machine %.0f %% busy with others)", 100*i.Quiet.Machine), i.Quiet.CPU
	}
	report.target(name, 100*cpu, 0.5, "%")
	report.target("idle agent, memory without rings", mib(i.Memory.Own()), 60, "MiB")
}

func mib(n uint64) float64 { return float64(n) / (1 << 20) }
