package main

import (
	"github.com/spf13/cobra"

	"github.com/goshawk-security/goshawk/internal/agent/doctor"
)

func newDoctor() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say whether the agent can run on this machine, and what to do if not",
		Long: `Say whether the agent can run on this machine: kernel, types, capabilities,
tracepoints, limits. Each line is ok, degraded (the agent runs and sees less) or
missing (it cannot run), with what to do. Run it as the user and in the container
that the agent will have. The exit code is 0 if the agent can run, else 1.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			canRun, err := doctor.Write(cmd.OutOrStdout(), doctor.Local().Examine())
			if err == nil && !canRun {
				err = errSaid
			}
			return failed(err)
		},
	}
}
