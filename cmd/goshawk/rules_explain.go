package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goshawk-security/goshawk/internal/agent"
	"github.com/goshawk-security/goshawk/internal/match/describe"
	"github.com/goshawk-security/goshawk/internal/rule/suggest"
)

func newRulesExplain() *cobra.Command {
	format := "text"
	cmd := &cobra.Command{
		Use:   "explain RULE [FILE|DIR…]",
		Short: "Show what becomes of a rule: its tree, events, what is constant, its cost",
		Long: `Show what becomes of a rule of these files, or of a shipped one: the condition as
a tree, with what each part changes with (a program's image, every event, every name
of a file), by what the kernel could decide it, and what it costs; the events that it
watches, and what of the condition is left for each of them.

Costs are estimates of a simple model, for comparing rules: the metrics of a running
agent say what a rule really costs.`,
		Example: `  goshawk rules explain 'Password hashes read'
  goshawk rules explain 'Terminal shell in container' falco_rules.yaml mine.yaml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := agent.CheckRules(args[1:])
			if err != nil {
				return printMistakes(cmd.ErrOrStderr(), err)
			}
			var names []string
			for _, r := range set.Rules {
				names = append(names, r.Name)
			}
			d, err := describe.Rule(set.Rules, args[0])
			if err != nil {
				if hint := suggest.DidYouMean(args[0], names, nil); hint != "" {
					err = fmt.Errorf("%w; %s", err, hint)
				}
				return err
			}
			switch strings.ToLower(format) {
			case "text":
				return failed(d.Text(cmd.OutOrStdout()))
			case "json":
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetEscapeHTML(false)
				enc.SetIndent("", "  ")
				return failed(enc.Encode(d))
			}
			return fmt.Errorf("--format: unknown format %q: use text or json", format)
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "text or json")
	return cmd
}
