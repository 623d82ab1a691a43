package text

import "strings"

// Glob is true of texts that match one of the patterns, as fnmatch does without
// flags; with fold without regard to the case of ASCII letters.
func Glob(patterns []string, fold bool) Test {
	tests := make([]Test, len(patterns))
	for i, p := range patterns {
		tests[i] = globTest(p, fold)
	}
	return Any(tests)
}

// globTest is the test of one pattern. Most are a word with a star before or behind
// it, which is a plain comparison. Of others the longest word is needed.
func globTest(pattern string, fold bool) Test {
	t := Test{Open: true, Holds: func(s string) bool { return MatchGlob(pattern, s, fold) }}
	if fold {
		return t
	}
	words, others := globWords(pattern)
	last := len(words) - 1
	if others == 0 && last <= 2 {
		switch {
		case last == 0:
			return of([]Pattern{{Kind: Exact, Text: words[0]}})
		case last == 1 && words[0] == "":
			return of([]Pattern{{Kind: Suffix, Text: words[1]}})
		case last == 1 && words[1] == "":
			return of([]Pattern{{Kind: Prefix, Text: words[0]}})
		case last == 2 && words[0] == "" && words[2] == "":
			return of([]Pattern{{Kind: Substring, Text: words[1]}})
		}
	}
	t.Needs = []Pattern{{Kind: Substring}}
	for i, w := range words {
		if len(w) > len(t.Needs[0].Text) {
			kind := Substring
			if i == 0 {
				kind = Prefix
			} else if i == last {
				kind = Suffix
			}
			t.Needs[0] = Pattern{Kind: kind, Text: w}
		}
	}
	t.Open = t.Needs[0].Text == ""
	return t
}

// globWords returns what stands before, between and behind the stars of a pattern
// and its elements that stand for one byte; of these it returns the number.
func globWords(pattern string) (words []string, others int) {
	var word []byte
	end := func() { words, word = append(words, string(word)), nil }
	for pattern != "" {
		n := 1
		switch c := pattern[0]; {
		case c == '*':
			for n < len(pattern) && pattern[n] == '*' {
				n++
			}
			end()
		case c == '?':
			others++
			end()
		case c == '[':
			if n, _ = globSet(pattern, 0, false); n > 0 {
				others++
				end()
				break
			}
			n = 1
			word = append(word, c)
		case c == '\\' && len(pattern) > 1:
			n = 2
			word = append(word, pattern[1])
		default:
			word = append(word, c)
		}
		pattern = pattern[n:]
	}
	end()
	return words, others
}

// MatchGlob tells whether s matches a pattern of the shell's kind, as fnmatch does
// without flags: * is any bytes, slashes too, ? is one, [a-z] and [!a-z] one of
// a set, in which [:digit:] and the like stand for the ASCII members of a POSIX
// class, and a backslash takes the next byte literally. With fold the case of ASCII
// letters counts in classes alone. It remembers the last * alone, so its time is
// bounded by the product of the two lengths.
func MatchGlob(pattern, s string, fold bool) bool {
	p, i := 0, 0
	star, mark := -1, 0
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, i
			p++
			continue
		}
		if n, ok := globOne(pattern[p:], s[i], fold); ok {
			p += n
			i++
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, i = star+1, mark
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// globOne matches one byte against the first element of the pattern, which is
// not *, and returns the element's length.
func globOne(pattern string, c byte, fold bool) (n int, ok bool) {
	if pattern == "" {
		return 0, false
	}
	switch pattern[0] {
	case '?':
		return 1, true
	case '\\':
		if len(pattern) == 1 {
			return 1, c == '\\'
		}
		return 2, sameByte(c, pattern[1], fold)
	case '[':
		if n, ok := globSet(pattern, c, fold); n > 0 {
			return n, ok
		}
	}
	return 1, sameByte(c, pattern[0], fold)
}

// globSet matches one byte against a set and returns the set's length, 0 if it
// is not closed: then the bracket stands for itself.
func globSet(pattern string, c byte, fold bool) (n int, ok bool) {
	p := 1
	negate := p < len(pattern) && (pattern[p] == '!' || pattern[p] == '^')
	if negate {
		p++
	}
	for first := true; p < len(pattern); first = false {
		if pattern[p] == ']' && !first {
			return p + 1, ok != negate
		}
		if name, n := className(pattern[p:]); n > 0 {
			ok = ok || inClass(name, c)
			p += n
			continue
		}
		low, n := setByte(pattern[p:])
		if n == 0 {
			return 0, false
		}
		high := low
		p += n
		if p+1 < len(pattern) && pattern[p] == '-' && pattern[p+1] != ']' {
			high, n = setByte(pattern[p+1:])
			if n == 0 {
				return 0, false
			}
			p += 1 + n
		}
		ok = ok || inRange(low, c, high, fold)
	}
	return 0, false
}

func sameByte(a, b byte, fold bool) bool {
	return a == b || fold && lowerByte(a) == lowerByte(b)
}

func inRange(low, c, high byte, fold bool) bool {
	if fold {
		low, c, high = lowerByte(low), lowerByte(c), lowerByte(high)
	}
	return low <= c && c <= high
}

// setByte reads a byte of a set, which a backslash may stand before.
func setByte(pattern string) (c byte, n int) {
	if pattern[0] != '\\' {
		return pattern[0], 1
	}
	if len(pattern) == 1 {
		return 0, 0
	}
	return pattern[1], 2
}

// className reads the name of a class, such as [:digit:], and returns the length
// with its brackets, 0 if there is none. A name is of small letters: what else
// stands between [: and :] is an ordinary part of a set.
func className(pattern string) (name string, n int) {
	rest, ok := strings.CutPrefix(pattern, "[:")
	if !ok {
		return "", 0
	}
	end := 0
	for end < len(rest) && 'a' <= rest[end] && rest[end] <= 'z' {
		end++
	}
	if !strings.HasPrefix(rest[end:], ":]") {
		return "", 0
	}
	return rest[:end], end + 4
}

// inClass tells whether a byte belongs to a class of POSIX, as in the C locale.
// A class that does not exist is empty.
func inClass(name string, c byte) bool {
	lower, upper, digit := 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9'
	graph := '!' <= c && c <= '~'
	switch name {
	case "alnum":
		return lower || upper || digit
	case "alpha":
		return lower || upper
	case "blank":
		return c == ' ' || c == '\t'
	case "cntrl":
		return c < ' ' || c == 0x7f
	case "digit":
		return digit
	case "graph":
		return graph
	case "lower":
		return lower
	case "print":
		return graph || c == ' '
	case "punct":
		return graph && !lower && !upper && !digit
	case "space":
		return c == ' ' || '\t' <= c && c <= '\r'
	case "upper":
		return upper
	case "xdigit":
		return digit || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
	}
	return false
}
