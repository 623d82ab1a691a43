package agent

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"

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
func newBuilder(cat *field.Catalogue, node alert.Node, mask MaskConfig) (*alert.Builder, error) {
	masker, err := alert.NewMasker(mask.Patterns...)
	if err != nil {
		return nil, fmt.Errorf("mask.patterns: %w", err)
	}
	return alert.NewBuilder(cat, node, masker), nil
}

// MaskConfig says which secrets are replaced in alerts, beside those that are
// known to everyone.
type MaskConfig struct {
	Patterns []string `yaml:"patterns"`
}

// Validate says which patterns are wrong; each error begins with its key.
func (m MaskConfig) Validate() error {
	var errs []error
	for i, p := range m.Patterns {
		_, err := alert.NewMasker(p)
		var bad *alert.PatternError
		if errors.As(err, &bad) {
			err = bad.Err
		}
		if tree, bad := syntax.Parse(p, syntax.Perl); err == nil && bad == nil && canBeEmpty(tree) {
			err = fmt.Errorf("%q can match nothing, so it is found everywhere and *** would stand between all letters: write + for *, or name what must be there", p)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("mask.patterns[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

// canBeEmpty tells whether an expression can match without taking a letter.
func canBeEmpty(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune) == 0
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL, syntax.OpNoMatch:
		return false
	case syntax.OpCapture, syntax.OpPlus:
		return canBeEmpty(re.Sub[0])
	case syntax.OpRepeat:
		return re.Min == 0 || canBeEmpty(re.Sub[0])
	case syntax.OpConcat:
		return !slices.ContainsFunc(re.Sub, func(part *syntax.Regexp) bool { return !canBeEmpty(part) })
	case syntax.OpAlternate:
		return slices.ContainsFunc(re.Sub, canBeEmpty)
	}
	return true // *, ?, and what asks for a place and no letter
}
