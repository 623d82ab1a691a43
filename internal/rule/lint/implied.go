package lint

import "github.com/goshawk-security/goshawk/internal/rule"

// Implied x
func Implied(rules []*rule.Rule) []*rule.Error { return nil }
