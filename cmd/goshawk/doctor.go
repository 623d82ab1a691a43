package main

import (
	"github.com/spf13/cobra"

	"github.com/goshawk-security/goshawk/internal/agent/config"
	"github.com/goshawk-security/goshawk/internal/agent/doctor"
)

func newDoctor() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say whether the agent can run on this machine, and what to do if not",
		Long: `Say whether the agent can run on this machine: kernel, types, capabilities,
tracepoints, limits. Each line is ok, degraded (the agent runs and sees less) or
missing (it cannot run), with what to do. Run it as the user and in the container
that the agent will have, with its configuration if that says where the host's /proc
and cgroups are mounted. The exit code is 0 if the agent can run, else 1.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			host := doctor.Local()
			if file != "" {
				cfg, err := config.Load(file)
				if err != nil {
					return err
				}
				host.Proc, host.Cgroup = cfg.Node.Proc, cfg.Node.Cgroup
			}
			canRun, err := doctor.Write(cmd.OutOrStdout(), host.Examine())
			if err == nil && !canRun {
				err = errSaid
			}
			return failed(err)
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", "", "configuration `file` of the agent")
	return cmd
}
