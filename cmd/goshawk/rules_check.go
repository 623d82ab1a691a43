package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/agent"
	"github.com/goshawk-security/goshawk/internal/rule"
	rulereport "github.com/goshawk-security/goshawk/internal/rule/report"
)

func newRulesCheck() *cobra.Command {
	format, strict := "text", false
	cmd := &cobra.Command{
		Use:   "check FILE|DIR…",
		Short: "Check rule files: every mistake, with file, line and column",
		Long: `Check rule files: every mistake of every file in one run, with file, line and
column. The files are read in the order given, as by goshawk run: a file sees the
macros and lists of those before it. Each problem has a code: docs/diagnostics.md
says what it means.

The exit code is 0 if the rules can be loaded, 1 if --strict is given and there is
a warning, 2 if they cannot be loaded.`,
		Example: `  goshawk rules check rules/
  goshawk rules check base.yaml mine.yaml
  goshawk rules check --format sarif rules/ > rules.sarif`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			write := reportFormats[strings.ToLower(format)]
			if write == nil {
				return fmt.Errorf("--format: unknown format %q: use text, json or sarif", format)
			}
			set, err := agent.CheckRules(files)
			if err != nil && len(rule.Errors(err)) == 0 {
				return err
			}
			r := &rulereport.Report{Errors: rule.Errors(err), Warnings: set.Warnings, Rules: len(set.Rules), Text: set.Text}
			if err := write(cmd.OutOrStdout(), r); err != nil {
				return failed(fmt.Errorf("write report: %w", err))
			}
			fmt.Fprintln(cmd.ErrOrStderr(), summary(r))
			switch {
			case len(r.Errors) > 0:
				return errSaid
			case strict && len(r.Warnings) > 0:
				return failed(errSaid)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "text, json, or sarif for code scanners")
	cmd.Flags().BoolVar(&strict, "strict", strict, "end with exit code 1 if there is a warning")
	return cmd
}

// reportFormats are the forms of the report, by the name that --format takes.
var reportFormats = map[string]func(io.Writer, *rulereport.Report) error{
	"text": func(w io.Writer, r *rulereport.Report) error { return rulereport.Text(w, r, isTerminal(w)) },
	"json": rulereport.JSON,
	"sarif": func(w io.Writer, r *rulereport.Report) error {
		dir, err := os.Getwd()
		if err != nil {
			return err
		}
		return rulereport.SARIF(w, r, agent.CurrentBuild().Version, dir)
	},
}

// summary says in one line how a check went.
func summary(r *rulereport.Report) string {
	if len(r.Errors) > 0 {
		return fmt.Sprintf("%s, %s: the rules cannot be loaded", count(len(r.Errors), "error"), count(len(r.Warnings), "warning"))
	}
	return fmt.Sprintf("%s, no errors, %s", count(r.Rules, "rule"), count(len(r.Warnings), "warning"))
}

// isTerminal tells whether colours are wanted.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
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
