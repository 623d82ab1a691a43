// Command goshawk watches what programs do on this machine and reports what its
// rules call suspicious.
//
// Exit codes: 0 when all went well, 1 when the machine or a destination let it
// down, 2 when the command line, the configuration or a rule is wrong.
package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/goshawk-security/goshawk/internal/agent"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run executes one command and returns its exit code.
func run(args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return report(stderr, root.Execute())
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "goshawk",
		Short:         "Goshawk watches what programs do and reports what its rules call suspicious.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       agent.CurrentBuild().String(),
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Hidden: true})
	root.AddCommand(newRun(), newController(), newRules(), newDoctor(), newVersion())
	return root
}
