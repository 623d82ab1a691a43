package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/goshawk-security/goshawk/internal/agent"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print which goshawk this is",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), agent.CurrentBuild())
			return failed(err)
		},
	}
}
