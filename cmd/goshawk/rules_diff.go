package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goshawk-security/goshawk/internal/agent"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/diff"
)

// diffFormats are the forms of the difference, by the name that --format takes.
var diffFormats = map[string]func(io.Writer, *diff.Report) error{"text": diff.Text, "json": diff.JSON}

func newRulesDiff() *cobra.Command {
	format := "text"
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Show what two rule sets mean differently",
		Long: `Show which rules, macros and lists a new rule set adds, removes, or changes in
meaning, and which rules a changed macro or list touches. Layout, comments and order
make no difference. OLD and NEW are files or directories, several with commas
between them; "shipped" stands for the rules that are built in.

The exit code is 0 if nothing differs, 1 if something does, 2 if a set cannot be
loaded.`,
		Example: `  goshawk rules diff falco_rules-3.yaml falco_rules-4.yaml
  goshawk rules diff shipped rules/,mine.yaml`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			show := diffFormats[strings.ToLower(format)]
			if show == nil {
				return fmt.Errorf("--format: unknown format %q: use text or json", format)
			}
			var sets [2]*rule.Set
			for i, arg := range args {
				set, err := agent.CheckRules(filesOf(arg))
				if err != nil {
					return printMistakes(cmd.ErrOrStderr(), err)
				}
				sets[i] = set
			}
			report := diff.Compare(sets[0], sets[1])
			if err := show(cmd.OutOrStdout(), report); err != nil {
				return failed(err)
			}
			if !report.Equal() {
				return failed(errSaid)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "text or json")
	return cmd
}

// filesOf reads one argument: files with commas between them, none for the shipped
// rules.
func filesOf(arg string) []string {
	if arg == "shipped" {
		return nil
	}
	return strings.Split(arg, ",")
}
