package match

import "strings"

// glob tells whether s matches a pattern of the shell's kind, as fnmatch does
// without flags: * is any bytes, slashes too, ? is one, [a-z] and [!a-z] one of
// a set, and a backslash takes the next byte literally. It remembers the last *
// alone, so its time is bounded by the product of the two lengths.
func glob(pattern, s string) bool {
	p, i := 0, 0
	star, mark := -1, 0
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, i
			p++
			continue
		}
		if n, ok := globOne(pattern[p:], s[i]); ok {
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
func globOne(pattern string, c byte) (n int, ok bool) {
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
		return 2, c == pattern[1]
	case '[':
		if n, ok := globSet(pattern, c); n > 0 {
			return n, ok
		}
	}
	return 1, c == pattern[0]
}

// globSet matches one byte against a set and returns the set's length, 0 if it
// is not closed: then the bracket stands for itself.
func globSet(pattern string, c byte) (n int, ok bool) {
	p := 1
	negate := p < len(pattern) && (pattern[p] == '!' || pattern[p] == '^')
	if negate {
		p++
	}
	for first := true; p < len(pattern); first = false {
		if pattern[p] == ']' && !first {
			return p + 1, ok != negate
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
		ok = ok || low <= c && c <= high
	}
	return 0, false
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
