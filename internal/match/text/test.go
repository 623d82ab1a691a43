package text

// Test is a comparison of a text.
type Test struct {
	// Holds is the comparison.
	Holds func(string) bool
	// Needs are the patterns of which a text must have one for Holds to be true.
	Needs []Pattern
	// Exact says that a text which has one of Needs makes Holds true.
	Exact bool
	// Open says that Needs are not known.
	Open bool
}

// of makes a test that is true of texts that have one of some patterns.
func of(needs []Pattern) Test {
	t := Test{Needs: needs, Exact: true}
	if len(needs) == 1 {
		t.Holds = needs[0].Holds
		return t
	}
	t.Holds = func(s string) bool {
		for i := range needs {
			if needs[i].Holds(s) {
				return true
			}
		}
		return false
	}
	return t
}

// each makes a test of the patterns of one kind.
func each(kind Kind, words []string) Test {
	needs := make([]Pattern, len(words))
	for i, w := range words {
		needs[i] = Pattern{Kind: kind, Text: w}
	}
	return of(needs)
}

// StartsWith is true of texts that begin with one of the words.
func StartsWith(words []string) Test { return each(Prefix, words) }

// EndsWith is true of texts that end with one of the words.
func EndsWith(words []string) Test { return each(Suffix, words) }

// Contains is true of texts that one of the words is part of.
func Contains(words []string) Test { return each(Substring, words) }

// In is true of texts that are one of the words.
func In(words []string) Test {
	t := each(Exact, words)
	if len(words) > smallSet {
		t.Holds = newWordSet(words).has
	}
	return t
}

// ContainsFold is Contains without regard to the case of ASCII letters.
func ContainsFold(words []string) Test {
	return Test{Open: true, Holds: anyWord(words, HasFold)}
}

// Any is true of texts of which one of the tests is.
func Any(tests []Test) Test {
	if len(tests) == 1 {
		return tests[0]
	}
	all := Test{Exact: true}
	for _, t := range tests {
		all.Needs = append(all.Needs, t.Needs...)
		all.Exact, all.Open = all.Exact && t.Exact, all.Open || t.Open
	}
	if all.Exact && !all.Open {
		return of(all.Needs)
	}
	all.Holds = func(s string) bool {
		for i := range tests {
			if tests[i].Holds(s) {
				return true
			}
		}
		return false
	}
	return all
}

// anyWord makes a function that asks two(s, w) for each word.
func anyWord(words []string, two func(s, w string) bool) func(string) bool {
	return func(s string) bool {
		for _, w := range words {
			if two(s, w) {
				return true
			}
		}
		return false
	}
}

// smallSet is the number of words up to which a list is walked: hashing costs
// more.
const smallSet = 8

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

// HasFold tells whether s contains word without regard to the case of ASCII
// letters.
func HasFold(s, word string) bool {
	for i := 0; i+len(word) <= len(s); i++ {
		j := 0
		for j < len(word) && lowerByte(s[i+j]) == lowerByte(word[j]) {
			j++
		}
		if j == len(word) {
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
