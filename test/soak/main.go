package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/goshawk-security/goshawk/rules"
	"github.com/goshawk-security/goshawk/test/bench/daemon"
)

// config is what the command line says.
type config struct {
	agent    string
	duration time.Duration
	share    float64 // of the machine that may be busy
	rules    []string
}

// The shortest run that has a warm-up and an end worth comparing.
const leastDuration = 30 * time.Second

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	cfg, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "soak:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := soak(ctx, cfg, stdout); err != nil {
		fmt.Fprintln(stderr, "soak:", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (*config, error) {
	cfg := &config{}
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&cfg.agent, "agent", "bin/goshawk", "the agent's `program`")
	flags.DurationVar(&cfg.duration, "duration", 10*time.Minute, "how long the load runs")
	flags.Float64Var(&cfg.share, "share", 0.6, "`part` of the machine that may be busy")
	flags.Func("r", "rule `file` or directory beside the shipped rules (may be repeated)", func(s string) error {
		cfg.rules = append(cfg.rules, s)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case flags.NArg() > 0:
		return nil, fmt.Errorf("no arguments are known: %q", flags.Args())
	case cfg.duration < leastDuration:
		return nil, fmt.Errorf("-duration %v: at least %v are needed", cfg.duration, leastDuration)
	case cfg.share <= 0 || cfg.share > 1:
		return nil, fmt.Errorf("-share %v: give a part between 0 and 1", cfg.share)
	}
	return cfg, nil
}

// soak runs the agent and the load, and judges.
func soak(ctx context.Context, cfg *config, out io.Writer) (err error) {
	if os.Geteuid() != 0 {
		return errors.New("attaching to the kernel needs root: run it with sudo")
	}
	if cfg.agent, err = filepath.Abs(cfg.agent); err != nil {
		return fmt.Errorf("find the agent: %w", err)
	}
	if _, err := os.Stat(cfg.agent); err != nil {
		return fmt.Errorf("find the agent (make build makes it, -agent names another): %w", err)
	}
	dir, err := os.MkdirTemp("", "goshawk-soak-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	marks := newMarker()
	files, err := writeRules(dir, marks, cfg.rules)
	if err != nil {
		return err
	}
	d, err := daemon.Start(ctx, daemon.Options{Binary: cfg.agent, Dir: dir, Rules: files})
	if err != nil {
		return err
	}
	res, err := drive(ctx, cfg, d, dir, marks, out)
	if stopErr := d.Stop(); stopErr != nil {
		res.faults = append(res.faults, stopErr.Error())
	}
	if err != nil {
		return errors.Join(err, errors.New(keepLog(d)))
	}
	if res.alerts, err = readAlerts(d.Alerts, marks); err != nil {
		return err
	}
	return res.judge(out)
}

// writeRules gives the agent the shipped rules as files, what the command line
// adds, and the rule for the marked calls.
func writeRules(dir string, marks *marker, extra []string) ([]string, error) {
	shipped, own := filepath.Join(dir, "rules"), filepath.Join(dir, "marked.yaml")
	if err := os.CopyFS(shipped, rules.FS); err != nil {
		return nil, fmt.Errorf("write rules: %w", err)
	}
	if err := os.WriteFile(own, []byte(marks.rule()), 0o600); err != nil {
		return nil, fmt.Errorf("write rules: %w", err)
	}
	files := []string{shipped}
	for _, f := range extra {
		abs, err := filepath.Abs(f)
		if err != nil {
			return nil, fmt.Errorf("find rules: %w", err)
		}
		files = append(files, abs)
	}
	return append(files, own), nil
}

// drive runs load, marks and samples side by side until the time is over.
func drive(ctx context.Context, cfg *config, d *daemon.Daemon, dir string, marks *marker, out io.Writer) (*result, error) {
	res := &result{cfg: cfg}
	before, err := d.Metrics()
	if err != nil {
		return res, err
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.duration)
	defer cancel()
	load, err := startLoad(ctx, cfg, dir)
	if err != nil {
		return res, err
	}
	marked := make(chan struct{})
	go func() { defer close(marked); marks.run(ctx) }()
	fmt.Fprintf(out, "%v of mixed load, at most %.0f %% of the machine busy\n", cfg.duration, 100*cfg.share)
	sampleErr := res.sample(ctx, d, out)
	cancel()
	<-marked
	res.load = load.wait()
	if sampleErr != nil {
		return res, sampleErr
	}
	if d.Ended() {
		return res, errors.New("agent ended by itself")
	}
	after, err := settled(d)
	res.marks = marks.account(before, after)
	res.metrics = after
	return res, err
}

// settled waits until the agent has handled and sent what waits and has read its
// losses, which it does once per second.
func settled(d *daemon.Daemon) (m daemon.Metrics, err error) {
	for range 10 {
		time.Sleep(1500 * time.Millisecond)
		if m, err = d.Metrics(); err != nil {
			return nil, err
		}
		if m.Sum("goshawk_ring_usage_ratio") < 0.02 && m.Sum("goshawk_queue_alerts") == 0 {
			return m, nil
		}
	}
	return m, nil // judged as it is
}

// keepLog returns the end of the agent's log: its directory is removed.
func keepLog(d *daemon.Daemon) string {
	text, err := os.ReadFile(d.Log)
	if err != nil {
		return err.Error()
	}
	return "the agent's log ends in: " + string(text[max(0, len(text)-2000):])
}
