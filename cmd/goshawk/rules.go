package main

import "github.com/spf13/cobra"

func newRules() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Check, list and look into rules",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRulesCheck(), newRulesDiff(), newRulesExplain(), newRulesFields(), newRulesFmt(), newRulesList(), newRulesSchema())
	return cmd
}
