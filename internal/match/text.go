package match

import (
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// stringPredicate chooses the function for an operator and its literals, nil
// for an operator that strings do not have. Literals of paths get their
// aliases.
func stringPredicate(op rule.Op, literals []rule.Literal, path bool) func(string) bool {
	words := make([]string, 0, len(literals))
	for _, l := range literals {
		if path {
			words = append(words, spellings(op, l.Text)...)
		} else {
			words = append(words, l.Text)
		}
	}
	switch op {
	case rule.OpEq, rule.OpIn, rule.OpIntersects:
		return wordIn(words)
	case rule.OpNe:
		in := wordIn(words)
		return func(s string) bool { return !in(s) }
	case rule.OpContains:
		return anyWord(words, strings.Contains)
	case rule.OpStartsWith:
		return anyWord(words, strings.HasPrefix)
	case rule.OpEndsWith:
		return anyWord(words, strings.HasSuffix)
	case rule.OpIContains:
		for i := range words {
			words[i] = lowerASCII(words[i])
		}
		return anyWord(words, containsFold)
	case rule.OpGlob:
		return anyWord(words, func(s, pattern string) bool { return glob(pattern, s) })
	case rule.OpPMatch:
		return pathMatch(words)
	}
	return nil
}

// anyWord makes a function that asks two(s, w) for each word.
func anyWord(words []string, two func(s, w string) bool) func(string) bool {
	if len(words) == 1 {
		w := words[0]
		return func(s string) bool { return two(s, w) }
	}
	return func(s string) bool {
		for _, w := range words {
			if two(s, w) {
				return true
			}
		}
		return false
	}
}

// wordIn makes a set of words.
func wordIn(words []string) func(string) bool {
	if len(words) <= smallSet {
		return anyWord(words, func(s, w string) bool { return s == w })
	}
	set := newWordSet(words)
	return set.has
}

// wordSet is a set of words that is rarely asked for one that it has: most others
// have a length that none of its words has.
type wordSet struct {
	lengths uint64 // a bit for each length, the last for all from 63 on
	words   map[string]struct{}
}

func newWordSet(words []string) *wordSet {
	set := &wordSet{words: make(map[string]struct{}, len(words))}
	for _, w := range words {
		set.words[w] = struct{}{}
		set.lengths |= lengthBit(len(w))
	}
	return set
}

func lengthBit(n int) uint64 { return 1 << min(n, 63) }

func (s *wordSet) has(word string) bool {
	if s.lengths&lengthBit(len(word)) == 0 {
		return false
	}
	_, ok := s.words[word]
	return ok
}

// containsFold tells whether s contains lower, which has no capitals, without
// regard to the case of ASCII letters.
func containsFold(s, lower string) bool {
	for i := 0; i+len(lower) <= len(s); i++ {
		j := 0
		for j < len(lower) && lowerByte(s[i+j]) == lower[j] {
			j++
		}
		if j == len(lower) {
			return true
		}
	}
	return false
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i := range b {
		b[i] = lowerByte(b[i])
	}
	return string(b)
}
