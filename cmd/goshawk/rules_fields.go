package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/goshawk-security/goshawk/internal/agent"
	"github.com/goshawk-security/goshawk/internal/field"
)

func newRulesFields() *cobra.Command {
	format := "text"
	cmd := &cobra.Command{
		Use:   "fields",
		Short: "List the fields that rules can ask for",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch format {
			case "text":
				return failed(field.Text(cmd.OutOrStdout(), agent.Catalogue().All()))
			case "json":
				return failed(field.JSON(cmd.OutOrStdout(), agent.Catalogue().All()))
			case "markdown":
				return failed(field.Markdown(cmd.OutOrStdout(), agent.Catalogue().All()))
			}
			return fmt.Errorf("--format: unknown format %q: use text, markdown or json", format)
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "format of the list: text, markdown or json")
	return cmd
}
