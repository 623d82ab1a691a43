package config

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"

	"github.com/goshawk-security/goshawk/internal/alert"
)

// Mask says which secrets are replaced in alerts, beside those that are
// known to everyone.
type Mask struct {
	Patterns []string `yaml:"patterns"`
}

// Validate says which patterns are wrong; each error begins with its key.
func (m Mask) Validate() error {
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
