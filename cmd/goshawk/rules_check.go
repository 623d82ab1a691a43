package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/goshawk-security/goshawk/internal/agent"
	"github.com/goshawk-security/goshawk/internal/rule"
)

func newRulesCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE|DIR…",
		Short: "Check rule files: every mistake, with file, line and column",
		Long: `Check rule files: every mistake of every file in one run, with file, line and
column. The files are read in the order given, as by goshawk run: a file sees the
macros and lists of those before it. The exit code is 2 if there is a mistake.`,
		Example: `  goshawk rules check rules/
  goshawk rules check base.yaml mine.yaml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			set, err := agent.CheckRules(files)
			for _, w := range set.Warnings {
				fmt.Fprintf(cmd.ErrOrStderr(), "warning: %v\n", w)
			}
			if err != nil {
				return printMistakes(cmd.ErrOrStderr(), err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s, %s, %s: no mistakes\n",
				count(len(set.Rules), "rule"), count(len(set.Macros), "macro"), count(len(set.Lists), "list"))
			return nil
		},
	}
}

// printMistakes prints mistakes in rules and how many there are.
func printMistakes(w io.Writer, err error) error {
	mistakes := rule.Errors(err)
	if len(mistakes) == 0 {
		return err
	}
	files := map[string]bool{}
	for _, m := range mistakes {
		fmt.Fprintln(w, m)
		files[m.Pos.File] = true
	}
	fmt.Fprintf(w, "%s in %s\n", count(len(mistakes), "mistake"), count(len(files), "file"))
	return errSaid
}

func count(n int, what string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}
