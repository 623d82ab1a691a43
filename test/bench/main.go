package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// config is what the command line says.
type config struct {
	agent  string
	dir    string // of this run: data and the agent's files
	rounds int
	batch  time.Duration // measured per state and loop in a round
	step   time.Duration // of one rate
	idle   time.Duration
	short  bool
	only   []string
	json   string
}

// section is one part of the run.
type section struct {
	name string
	run  func(context.Context, *config, *Report, io.Writer) error
}

// sections lists the parts in the order of the output.
func sections() []section {
	return []section{{"cost", runCost}, {"rate", runRate}, {"idle", runIdle}, {"go", runGo}}
}

func main() {
	if spec := os.Getenv(loadVariable); spec != "" {
		os.Exit(loadMain(spec))
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	cfg, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bench(ctx, cfg, stdout); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (*config, error) {
	cfg := &config{batch: 400 * time.Millisecond, step: 2 * time.Second, idle: 20 * time.Second}
	var only string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&cfg.agent, "agent", "bin/goshawk", "the agent's `program`")
	flags.IntVar(&cfg.rounds, "rounds", 9, "`number` of rounds of the cost per call")
	flags.BoolVar(&cfg.short, "short", false, "shorter and less exact: to see that it works")
	flags.StringVar(&only, "only", "", "`parts` to run, joined by commas: cost, rate, idle, go")
	flags.StringVar(&cfg.json, "json", "", "write the figures to this `file` as well, as JSON")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("no arguments are known: %q", flags.Args())
	}
	if cfg.rounds < 1 {
		return nil, fmt.Errorf("-rounds %d: at least one is needed", cfg.rounds)
	}
	if cfg.short {
		cfg.rounds, cfg.batch, cfg.step, cfg.idle = min(cfg.rounds, 3), 150*time.Millisecond, time.Second, 5*time.Second
	}
	for name := range strings.SplitSeq(only, ",") {
		if name == "" {
			continue
		}
		if !slices.ContainsFunc(sections(), func(s section) bool { return s.name == name }) {
			return nil, fmt.Errorf("-only %s: unknown part, use cost, rate, idle or go", name)
		}
		cfg.only = append(cfg.only, name)
	}
	return cfg, nil
}

// bench runs the parts and prints each as soon as it is known.
func bench(ctx context.Context, cfg *config, out io.Writer) (err error) {
	if os.Geteuid() != 0 {
		return errors.New("attaching to the kernel needs root: run it with sudo")
	}
	if cfg.agent, err = filepath.Abs(cfg.agent); err != nil {
		return fmt.Errorf("find the agent: %w", err)
	}
	if _, err := os.Stat(cfg.agent); err != nil {
		return fmt.Errorf("find the agent (make build makes it, -agent names another): %w", err)
	}
	if cfg.dir, err = os.MkdirTemp("", "goshawk-bench-"); err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(cfg.dir)) }()

	report := &Report{Machine: thisMachine(), Time: time.Now().UTC().Truncate(time.Second)}
	fmt.Fprintln(out, report.Machine)
	if err := warnOfObservers(out); err != nil {
		return err
	}
	for _, s := range sections() {
		if len(cfg.only) > 0 && !slices.Contains(cfg.only, s.name) {
			continue
		}
		fmt.Fprintln(out)
		if err := s.run(ctx, cfg, report, out); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	report.printTargets(out)
	return report.write(cfg.json)
}

func (r *Report) write(path string) error {
	if path == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return nil
}
