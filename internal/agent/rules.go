package agent

import (
	"fmt"

	"github.com/goshawk-security/goshawk/internal/agent/config"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/match"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
	"github.com/goshawk-security/goshawk/rules"
)

// Catalogue joins the fields of every source of events.
func Catalogue() *field.Catalogue {
	return field.New(field.Syscall())
}

// CheckRules loads and compiles rule files as New does, the shipped rules if
// files is empty. The error joins every mistake; the set is never nil and holds
// the warnings in any case.
func CheckRules(files []string) (*rule.Set, error) {
	set, err := loadRules(files, Catalogue())
	if err != nil {
		return set, err
	}
	_, err = match.Compile(set.Rules)
	return set, err
}

// loadRules reads files and directories, or the shipped rules if there are none.
func loadRules(files []string, cat *field.Catalogue) (*rule.Set, error) {
	if len(files) == 0 {
		return loader.FS(rules.FS, ".", cat)
	}
	return loader.Files(files, cat)
}

// newBuilder makes what turns hits into alerts.
func newBuilder(cat *field.Catalogue, node alert.Node, mask config.Mask) (*alert.Builder, error) {
	masker, err := alert.NewMasker(mask.Patterns...)
	if err != nil {
		return nil, fmt.Errorf("mask.patterns: %w", err)
	}
	return alert.NewBuilder(cat, node, masker), nil
}
