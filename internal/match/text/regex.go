package text

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// Regex is true of texts that as a whole match one of the expressions, which are
// POSIX extended ones, as RE2 reads them: no \d, no (?i), ^ and $ stand at the ends of
// lines, . is no line's end, but [^a] may be one.
func Regex(patterns []string) (Test, error) {
	tests := make([]Test, len(patterns))
	for i, p := range patterns {
		var err error
		if tests[i], err = regexTest(p); err != nil {
			return Test{}, err
		}
	}
	return Any(tests), nil
}

// maxRegex bounds the instructions of one expression: they are what the time for a
// byte and the memory grow with.
const maxRegex = 10_000

// errLargeRegex is for expressions like (((a{100}){100}){100}).
var errLargeRegex = errors.New("the regular expression is too large: repeat less")

func regexTest(pattern string) (Test, error) {
	tree, err := syntax.Parse(pattern, syntax.POSIX|syntax.ClassNL)
	if err != nil {
		return Test{}, err
	}
	if regexSize(tree) > maxRegex {
		return Test{}, errLargeRegex
	}
	// The tree's text says the same in the syntax of Compile, whatever that of the
	// pattern is.
	re, err := regexp.Compile(`\A(?:` + tree.String() + `)\z`)
	if err != nil {
		return Test{}, err
	}
	if t, ok := plainRegex(tree); ok {
		if holds := t.Holds; !t.Exact {
			t.Holds = func(s string) bool {
				if strings.Contains(s, "\n") { // which the dot does not match
					return re.MatchString(s)
				}
				return holds(s)
			}
		}
		return t, nil
	}
	need := each(regexNeeds(tree))
	if len(need.Needs) == 0 {
		return Test{Open: true, Holds: re.MatchString}, nil
	}
	return Test{Needs: need.Needs, Holds: func(s string) bool { return need.Holds(s) && re.MatchString(s) }}, nil
}

// regexSize is about the number of instructions, no more than is needed to see that
// they are too many.
func regexSize(re *syntax.Regexp) int {
	n := 1
	switch re.Op {
	case syntax.OpLiteral:
		n += len(re.Rune)
	case syntax.OpCharClass:
		n += len(re.Rune) / 8 // one instruction, but its ranges cost as well
	}
	for _, sub := range re.Sub {
		n = min(n+regexSize(sub), maxRegex+1)
	}
	if re.Op == syntax.OpRepeat {
		n = min(n*max(re.Min, re.Max, 1), maxRegex+1)
	}
	return n
}

// maxWords bounds the words that an expression is written out as.
const maxWords = 32

// plainRegex makes comparisons of an expression that is no more than words, with .*
// before or behind them. They hold for texts of one line.
func plainRegex(re *syntax.Regexp) (t Test, ok bool) {
	parts := []*syntax.Regexp{re}
	if re.Op == syntax.OpConcat {
		parts = re.Sub
	}
	before, behind := false, false
	if len(parts) > 1 && isAnything(parts[0]) {
		before, parts = true, parts[1:]
	}
	if len(parts) > 1 && isAnything(parts[len(parts)-1]) {
		behind, parts = true, parts[:len(parts)-1]
	}
	words := []string{""}
	for _, p := range parts {
		if words = joinWords(words, regexWords(p)); words == nil {
			return t, false
		}
	}
	switch {
	case before && behind:
		t = each(Substring, words)
	case before:
		t = each(Suffix, words)
	case behind:
		t = each(Prefix, words)
	default:
		return each(Exact, words), true
	}
	t.Exact = false
	return t, true
}

// isAnything tells that an expression is .*.
func isAnything(re *syntax.Regexp) bool {
	return re.Op == syntax.OpStar && (re.Sub[0].Op == syntax.OpAnyCharNotNL || re.Sub[0].Op == syntax.OpAnyChar)
}

// regexWords returns all texts that an expression matches, nil if they are many.
func regexWords(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpEmptyMatch:
		return []string{""}
	case syntax.OpLiteral:
		word := string(re.Rune)
		if re.Flags&syntax.FoldCase != 0 || strings.ContainsRune(word, utf8.RuneError) { // bytes that are no text match it too
			return nil
		}
		return []string{word}
	case syntax.OpCharClass:
		return classWords(re.Rune)
	case syntax.OpCapture:
		return regexWords(re.Sub[0])
	case syntax.OpQuest:
		return addWords([]string{""}, regexWords(re.Sub[0]))
	case syntax.OpConcat:
		words := []string{""}
		for _, sub := range re.Sub {
			words = joinWords(words, regexWords(sub))
		}
		return words
	case syntax.OpAlternate:
		words := regexWords(re.Sub[0])
		for _, sub := range re.Sub[1:] {
			words = addWords(words, regexWords(sub))
		}
		return words
	}
	return nil
}

// classWords returns the members of a class, given as ranges.
func classWords(ranges []rune) []string {
	var words []string
	for i := 0; i < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if r == utf8.RuneError || len(words) == maxWords {
				return nil
			}
			words = append(words, string(r))
		}
	}
	return words
}

// addWords joins two lists; nil if one is or there are too many.
func addWords(a, b []string) []string {
	if a == nil || b == nil || len(a)+len(b) > maxWords {
		return nil
	}
	return append(slices.Clone(a), b...)
}

// joinWords writes each word of a before each of b; nil if one list is or there
// are too many.
func joinWords(a, b []string) []string {
	if a == nil || b == nil || len(a)*len(b) > maxWords {
		return nil
	}
	var words []string
	for _, x := range a {
		for _, y := range b {
			words = append(words, x+y)
		}
	}
	return words
}

// regexNeeds returns the words of which what an expression matches has one, and
// where, the longest that are found; none if there are none.
func regexNeeds(re *syntax.Regexp) (Kind, []string) {
	parts := flatten(re, nil)
	bestKind, best, bestLength := Exact, []string(nil), 0
	begin := 0
	for begin < len(parts) {
		words, end := []string{""}, begin
		for end < len(parts) {
			longer := joinWords(words, regexWords(parts[end]))
			if longer == nil {
				break
			}
			words = longer
			end++
		}
		kind := Substring
		if begin == 0 {
			kind = Prefix
		} else if end == len(parts) {
			kind = Suffix
		}
		if n := shortest(words); n > bestLength {
			bestKind, best, bestLength = kind, words, n
		}
		begin = max(end, begin+1)
	}
	return bestKind, best
}

// flatten lists the parts of an expression that follow one another.
func flatten(re *syntax.Regexp, parts []*syntax.Regexp) []*syntax.Regexp {
	switch re.Op {
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			parts = flatten(sub, parts)
		}
		return parts
	case syntax.OpCapture:
		return flatten(re.Sub[0], parts)
	}
	return append(parts, re)
}

func shortest(words []string) int {
	n := len(words[0])
	for _, w := range words {
		n = min(n, len(w))
	}
	return n
}
