package rule

import "strings"

// Unquote reads the quoted string at the start of s and returns it with the
// number of bytes it takes up. A backslash takes away the meaning of the quote
// and of a backslash; before anything else it stands for itself.
func Unquote(s string) (string, int, bool) {
	quote := s[0]
	if end := strings.IndexByte(s[1:], quote); end >= 0 && strings.IndexByte(s[1:1+end], '\\') < 0 {
		return s[1 : 1+end], end + 2, true // the usual case copies nothing
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == quote:
			return b.String(), i + 1, true
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == quote || s[i+1] == '\\'):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", len(s), false
}

func IsSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'
}

// Quote writes a text as a condition would have it: in quotes where it must be, or
// if it is not bare.
func Quote(s string, bare bool) string {
	if bare && s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < 128 && IsSpace(byte(r)) || strings.ContainsRune(`(),="'`, r) }) {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
