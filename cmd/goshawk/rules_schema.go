package main

import (
	"github.com/spf13/cobra"

	"github.com/goshawk-security/goshawk/internal/agent"
	"github.com/goshawk-security/goshawk/internal/rule/schema"
)

func newRulesSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print a JSON Schema of rule files, for editors",
		Long: `Print a JSON Schema of rule files (draft 7). Editors with a language server for
YAML complete keys, priorities, tags and fields by it, and underline what is wrong.
Begin a rule file with

  # yaml-language-server: $schema=goshawk-rules.json`,
		Example: `  goshawk rules schema > goshawk-rules.json`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return failed(schema.Write(cmd.OutOrStdout(), agent.Catalogue()))
		},
	}
}
