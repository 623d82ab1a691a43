package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goshawk-security/goshawk/internal/agent"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/list"
)

// listFormats are the forms of the list, by the name that --format takes.
var listFormats = map[string]func(io.Writer, []*rule.Rule) error{
	"text": list.Text, "json": list.JSON, "matrix": list.Matrix,
}

func newRulesList() *cobra.Command {
	format, priority, enabled := "text", "debug", false
	filter := list.Everything()
	cmd := &cobra.Command{
		Use:   "list [FILE|DIR…]",
		Short: "List the rules of files, or those that are shipped",
		Long: `List the rules of files, or those that are shipped if no file is named. The
matrix shows which tactics and techniques of MITRE ATT&CK the rules look for, and
which tactics none looks for.`,
		Example: `  goshawk rules list --priority warning --tag container
  goshawk rules list --format matrix rules/`,
		RunE: func(cmd *cobra.Command, files []string) error {
			show := listFormats[strings.ToLower(format)]
			if show == nil {
				return fmt.Errorf("--format: unknown format %q: use text, json or matrix", format)
			}
			least, err := rule.ParsePriority(priority)
			if err != nil {
				return fmt.Errorf("--priority: %w", err)
			}
			filter.Priority, filter.Disabled = least, !enabled
			set, err := agent.CheckRules(files)
			if err != nil {
				return printMistakes(cmd.ErrOrStderr(), err)
			}
			return failed(show(cmd.OutOrStdout(), filter.Rules(set.Rules)))
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "text, json, or matrix for ATT&CK")
	cmd.Flags().StringVar(&priority, "priority", priority, "only rules of this priority or a more severe one")
	cmd.Flags().StringSliceVar(&filter.Tags, "tag", nil, "only rules with this tag; may be given more than once: all of them")
	cmd.Flags().StringArrayVar(&filter.Names, "name", nil, "only rules whose name fits, * and ? allowed; may be given more than once: one of them")
	cmd.Flags().StringVar(&filter.Source, "source", "", "only rules of this source of events")
	cmd.Flags().BoolVar(&enabled, "enabled", enabled, "only rules that are enabled")
	return cmd
}
