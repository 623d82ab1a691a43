package lint

import (
	"fmt"
	"regexp/syntax"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// simpler looks at a regular expression that another operator says as well. It
// stands for the whole text, as if it were between ^ and $.
func (l *values) simpler(v *rule.Literal) {
	re, err := syntax.Parse(v.Text, syntax.ClassNL|syntax.POSIX)
	if err != nil {
		return // reported
	}
	parts := flatten(nil, re)
	if len(parts) > 0 && (parts[0].Op == syntax.OpBeginLine || parts[0].Op == syntax.OpBeginText) {
		parts = parts[1:]
	}
	if n := len(parts); n > 0 && (parts[n-1].Op == syntax.OpEndLine || parts[n-1].Op == syntax.OpEndText) {
		parts = parts[:n-1]
	}
	before, after := false, false
	for len(parts) > 0 && isAnything(parts[0]) {
		before, parts = true, parts[1:]
	}
	for n := len(parts); n > 0 && isAnything(parts[n-1]); n-- {
		after, parts = true, parts[:n-1]
	}
	words, ok := expand(parts)
	if !ok || len(words) == 0 || l.e.Quant != rule.QuantNone && len(words) > 1 {
		return
	}
	if before && !after && words[0] == "" {
		after, before = true, false // .* alone: before took it
	}
	op := map[[2]bool]string{{}: "=", {true, false}: "endswith", {false, true}: "startswith", {true, true}: "contains"}[[2]bool{before, after}]
	l.warn(v.Pos, rule.CodeSimplerOperator, "write "+l.instead(op, words), "the regular expression says no more than %s does", strings.Fields(nameOf(op, words))[0])
}

func nameOf(op string, words []string) string {
	switch {
	case op != "=" && len(words) == 1 && words[0] == "":
		return "exists"
	case op == "=" && len(words) > 1:
		return "in"
	}
	return op
}

// instead writes the comparison with another operator.
func (l *values) instead(op string, words []string) string {
	f, name := l.e.Field.Text, nameOf(op, words)
	if name == "exists" {
		return f + " exists"
	}
	if l.e.Quant != rule.QuantNone {
		return fmt.Sprintf("%s %s %s (…)", f, name, l.e.Quant)
	}
	if len(words) == 1 {
		return fmt.Sprintf("%s %s %s", f, name, quoted(words[0]))
	}
	for i := range words {
		words[i] = quoted(words[i])
	}
	if name != "in" {
		name += " anyof"
	}
	return fmt.Sprintf("%s %s (%s)", f, name, strings.Join(words, ", "))
}

// flatten lists the parts of a concatenation.
func flatten(all []*syntax.Regexp, re *syntax.Regexp) []*syntax.Regexp {
	switch re.Op {
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			all = flatten(all, sub)
		}
		return all
	case syntax.OpCapture:
		if re.Sub[0].Op != syntax.OpAlternate {
			return flatten(all, re.Sub[0])
		}
		return append(all, re.Sub[0])
	case syntax.OpEmptyMatch:
		return all
	}
	return append(all, re)
}

// isAnything tells .*
func isAnything(re *syntax.Regexp) bool {
	return re.Op == syntax.OpStar && (re.Sub[0].Op == syntax.OpAnyChar || re.Sub[0].Op == syntax.OpAnyCharNotNL)
}

// maxWords bounds the words that a regular expression is written out as.
const maxWords = 8

// expand lists the texts that parts stand for, if they are few.
func expand(parts []*syntax.Regexp) ([]string, bool) {
	words := []string{""}
	for _, re := range parts {
		more, ok := wordsOf(re)
		if !ok || len(words)*len(more) > maxWords {
			return nil, false
		}
		var all []string
		for _, w := range words {
			for _, m := range more {
				all = append(all, w+m)
			}
		}
		words = all
	}
	return words, true
}

// wordsOf lists the texts that an expression stands for.
func wordsOf(re *syntax.Regexp) ([]string, bool) {
	switch re.Op {
	case syntax.OpEmptyMatch:
		return []string{""}, true
	case syntax.OpLiteral:
		return []string{string(re.Rune)}, re.Flags&syntax.FoldCase == 0
	case syntax.OpCapture:
		return wordsOf(re.Sub[0])
	case syntax.OpConcat:
		return expand(re.Sub)
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			words, ok := wordsOf(sub)
			if !ok || len(all)+len(words) > maxWords {
				return nil, false
			}
			all = append(all, words...)
		}
		return all, true
	}
	return nil, false
}
