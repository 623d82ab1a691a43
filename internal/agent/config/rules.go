package config

import (
	"errors"
	"fmt"
)

// The values of ruleMatching.
const (
	MatchAll   = "all"
	MatchFirst = "first"
)

// validateRules says everything that is wrong with the choice of rules; each error
// begins with its key.
func (c *Config) validateRules() error {
	var errs []error
	if c.Rules != nil && len(c.Rules) == 0 {
		errs = append(errs, errors.New("rules: is an empty list: name files and directories, or leave the key out for the shipped rules"))
	}
	for i, r := range c.Rules {
		if r == "" {
			errs = append(errs, fmt.Errorf("rules[%d]: is empty: name a file or a directory", i))
		}
	}
	for i, s := range c.RuleSelection {
		if err := s.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("ruleSelection[%d]: %w", i, err))
		}
	}
	if c.RuleMatching != MatchAll && c.RuleMatching != MatchFirst {
		errs = append(errs, fmt.Errorf("ruleMatching: %q is neither all nor first", c.RuleMatching))
	}
	return errors.Join(errs...)
}
