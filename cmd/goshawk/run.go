package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/goshawk-security/goshawk/internal/agent"
	"github.com/goshawk-security/goshawk/internal/agent/config"
)

// runFlags are the flags of goshawk run.
type runFlags struct {
	config   string
	rules    []string
	format   string
	http     string
	logLevel string
}

func newRun() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Watch this machine and report what the rules call suspicious",
		Long: `Watch this machine and report what the rules call suspicious.

Alerts go to the destinations of the configuration, without one to standard
output; logs go to standard error. Without rules in the configuration or on the
command line the shipped rules are used.

SIGTERM and Ctrl-C stop after everything that was accepted is delivered, within
five seconds; a second one stops at once. SIGHUP opens files and reads secrets
again. When the reader of standard output leaves, the agent goes on if it has
another destination, and stops otherwise.`,
		Example: `  goshawk run                                # the shipped rules, alerts as text
  goshawk run --format json | jq .output     # alerts for a program
  goshawk run -c /etc/goshawk/goshawk.yaml   # rules and destinations of a file`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.config, "config", "c", "", "configuration `file`")
	flags.StringArrayVarP(&f.rules, "rules", "r", nil, "rule `file` or directory, instead of the configured ones (may be repeated)")
	flags.StringVar(&f.format, "format", "", "format of alerts on standard output: text or json")
	flags.StringVar(&f.http, "http", "", "`address` for health and metrics, instead of the configured one")
	flags.StringVar(&f.logLevel, "log-level", "info", "least `level` that is logged: debug, info, warn or error")
	return cmd
}

func (f *runFlags) run(cmd *cobra.Command) error {
	// A reader that leaves must not end the agent: the destination on standard
	// output sees the error of the write. Never undone, since what is said at the
	// end may find no reader either.
	signal.Ignore(syscall.SIGPIPE)
	// The agent follows SIGHUP while it runs. Before and after that it means
	// nothing, but must not end the process either.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	log, err := agent.NewLogger(os.Stderr, f.logLevel)
	if err != nil {
		return fmt.Errorf("--log-level: %w", err)
	}
	cfg, err := f.load()
	if err != nil {
		return err
	}
	a, err := agent.New(cfg, cmd.OutOrStdout(), log)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the next signal has its usual effect: it kills
	return failed(a.Run(ctx))
}

// load reads the configuration and puts the flags on top of it.
func (f *runFlags) load() (config.Config, error) {
	cfg, err := config.Default(), error(nil)
	if f.config != "" {
		cfg, err = config.Load(f.config)
	}
	if len(f.rules) > 0 {
		cfg.Rules = f.rules
	}
	if f.http != "" {
		cfg.HTTP.Address = f.http
		if httpErr := cfg.HTTP.Validate(); httpErr != nil {
			err = errors.Join(err, fmt.Errorf("--http: %w", httpErr))
		}
	}
	if f.format != "" && err == nil {
		if formatErr := cfg.SetFormat(f.format); formatErr != nil {
			err = errors.Join(err, fmt.Errorf("--%w", formatErr))
		}
	}
	return cfg, err
}
