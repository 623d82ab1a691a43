package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/goshawk-security/goshawk/test/bench/daemon"
)

// Cost is what one kind of call costs in each state.
type Cost struct {
	Call   string      `json:"call"`
	States []StateCost `json:"states"`
}

// StateCost is the cost of a call in one state of the machine, in nanoseconds.
type StateCost struct {
	State string `json:"state"`
	Total Spread `json:"total"`
	Added Spread `json:"added"` // to the state without any program, round by round
	Lost  uint64 `json:"lost"`  // records that the agent lost meanwhile

	values []float64 // by round
}

// state is something that can be attached to the machine.
type state struct {
	name  string
	enter func() (leave func() (lost uint64, err error), err error)
}

// The positions in states.
const (
	stateNone = iota
	stateEmpty
	stateTwoEmpty
	stateAgent
)

func states(ctx context.Context, cfg *config, agentCPUs []int) []state {
	empty := func(tracepoints ...string) func() (func() (uint64, error), error) {
		return func() (func() (uint64, error), error) {
			detach, err := attachEmpty(tracepoints...)
			return func() (uint64, error) { return 0, detach() }, err
		}
	}
	return []state{
		{"no program", empty()},
		{"empty sys_exit", empty("sys_exit")},
		{"empty sys_enter + sys_exit", empty("sys_enter", "sys_exit")},
		{"agent", func() (func() (uint64, error), error) { return enterAgent(ctx, cfg, agentCPUs) }},
	}
}

func enterAgent(ctx context.Context, cfg *config, cpus []int) (func() (uint64, error), error) {
	dir, err := os.MkdirTemp(cfg.dir, "agent-")
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	d, err := daemon.Start(ctx, daemon.Options{Binary: cfg.agent, Dir: dir})
	if err != nil {
		return nil, err
	}
	if err := daemon.Pin(d.PID(), cpus...); err != nil {
		return nil, errors.Join(err, d.Stop())
	}
	return func() (uint64, error) {
		m, err := settled(ctx, d)
		return uint64(m.Sum("goshawk_events_lost_total")), errors.Join(err, d.Stop())
	}, nil
}

// runCost measures every loop in every state, states in turn, round by round:
// what drifts over minutes then touches all alike.
func runCost(ctx context.Context, cfg *config, report *Report, out io.Writer) error {
	cpu, agentCPUs, err := splitCPUs()
	if err != nil {
		return err
	}
	list, err := loops(cfg.dir)
	if err != nil {
		return err
	}
	all := states(ctx, cfg, agentCPUs)
	for _, l := range list {
		c := Cost{Call: l.name}
		for _, s := range all {
			c.States = append(c.States, StateCost{State: s.name})
		}
		report.Cost = append(report.Cost, c)
	}
	for round := range cfg.rounds {
		for i, s := range all {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := measureState(cfg, s, list, cpu, i, report.Cost); err != nil {
				return fmt.Errorf("round %d, %s: %w", round+1, s.name, err)
			}
		}
	}
	for _, c := range report.Cost {
		none := c.States[stateNone].values
		for i := range c.States {
			s := &c.States[i]
			s.Total, s.Added = spreadOf(s.values), spreadOf(minus(s.values, none))
		}
	}
	printCost(out, cfg, report.Cost)
	costTargets(report)
	return nil
}

// measureState runs every loop once in a state.
func measureState(cfg *config, s state, list []loop, cpu, at int, costs []Cost) error {
	leave, err := s.enter()
	if err != nil {
		return err
	}
	for i, l := range list {
		ns, loopErr := measure(l, cpu, cfg.batch)
		if loopErr != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", l.name, loopErr))
		}
		costs[i].States[at].values = append(costs[i].States[at].values, ns)
	}
	lost, leaveErr := leave()
	for i := range list {
		costs[i].States[at].Lost += lost
	}
	return errors.Join(err, leaveErr)
}

func printCost(out io.Writer, cfg *config, costs []Cost) {
	fmt.Fprintf(out, "Cost per call, ns: medians of %d interleaved rounds (quartiles); added: to the same round without a program\n", cfg.rounds)
	t := table(out)
	fmt.Fprintln(t, "  call\tstate\tns\t(quartiles)\tadded\t(quartiles)\tratio\t")
	for _, c := range costs {
		none := c.States[stateNone].Total.Median
		for _, s := range c.States {
			fmt.Fprintf(t, "  %s\t%s\t%s\t(%s–%s)\t%s\t(%s–%s)\t%.2f\t\n", c.Call, s.State,
				number(s.Total.Median), number(s.Total.Low), number(s.Total.High),
				number(s.Added.Median), number(s.Added.Low), number(s.Added.High), s.Total.Median/none)
		}
	}
	_ = t.Flush()
	if lost := costs[0].States[stateAgent].Lost; lost > 0 {
		fmt.Fprintf(out, "  The agent lost %d records meanwhile: a lost record costs less than one that is sent.\n", lost)
	}
	fmt.Fprintln(out, "  For comparison, Falco 0.44.1 adds 140 to 165 ns to getppid and 1,830 to 2,820 ns to open+close.")
}

// costTargets compares with the empty programs of the same rounds.
func costTargets(report *Report) {
	for _, c := range report.Cost {
		agent := c.States[stateAgent].values
		switch c.Call {
		case "getppid":
			over := quantile(minus(agent, c.States[stateEmpty].values), 0.5)
			report.target("a call that no rule needs, above one empty program", over, 20, "ns")
		case "open+close":
			over := quantile(minus(agent, c.States[stateTwoEmpty].values), 0.5)
			report.target("open+close, above two empty programs", over, 1000, "ns")
		}
	}
}
