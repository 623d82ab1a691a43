package rule

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Unquote reads the quoted string at the start of s and returns it with the number
// of bytes it takes up. Escapes are Falco's: \b \f \n \r \t, \xHH for a byte, and
// the quote, a slash and a backslash for themselves; a backslash with a blank is a
// backslash. What is no escape stays as written: [BadEscape] finds it.
func Unquote(s string) (string, int, bool) {
	quote := s[0]
	if end := strings.IndexByte(s[1:], quote); end >= 0 && strings.IndexByte(s[1:1+end], '\\') < 0 {
		return s[1 : 1+end], end + 2, true // the usual case copies nothing
	}
	var b strings.Builder
	for i := 1; i < len(s); {
		switch s[i] {
		case quote:
			return b.String(), i + 1, true
		case '\\':
			c, n, ok := escape(s[i:], quote)
			if ok {
				b.WriteByte(c)
			} else {
				b.WriteString(s[i : i+n])
			}
			i += n
		default:
			b.WriteByte(s[i])
			i++
		}
	}
	return "", len(s), false
}

// BadEscape returns the offset of the first backslash in a quoted string that
// begins no escape, and the two characters that stand there; -1 if there is none.
func BadEscape(s string) (int, string) {
	for i := 1; i < len(s)-1; i++ {
		if s[i] != '\\' {
			continue
		}
		_, n, ok := escape(s[i:], s[0])
		if !ok {
			return i, s[i : i+n]
		}
		i += n - 1
	}
	return -1, ""
}

// escapes are the letters behind a backslash, with the bytes they stand for.
const escapes, escaped = `bfnrt\/ `, "\b\f\n\r\t\\/\\"

// escape reads the escape at the start of s: the byte that it stands for, and how
// many it takes up. What is none takes up the backslash and the character behind it.
func escape(s string, quote byte) (c byte, n int, ok bool) {
	if len(s) < 2 {
		return 0, len(s), false
	}
	if i := strings.IndexByte(escapes, s[1]); i >= 0 {
		return escaped[i], 2, true
	}
	if s[1] == quote {
		return quote, 2, true
	}
	if s[1] == 'x' && len(s) >= 4 {
		if v, err := strconv.ParseUint(s[2:4], 16, 8); err == nil {
			return byte(v), 4, true
		}
	}
	_, size := utf8.DecodeRuneInString(s[1:])
	return 0, 1 + size, false
}

// IsSpace tells that a byte is a blank between words.
func IsSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'
}

// Quote writes a text as a condition would have it: in quotes where it must be, or
// if it is not bare.
func Quote(s string, bare bool) string {
	if bare && s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < 128 && IsSpace(byte(r)) || strings.ContainsRune(`(),="'`, r) }) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch at := strings.IndexRune(escaped, r); {
		case r == '"':
			b.WriteString(`\"`)
		case at >= 0 && r != '/':
			b.WriteString(`\` + escapes[at:at+1])
		case r == utf8.RuneError && size == 1, !unicode.IsGraphic(r):
			for _, c := range []byte(s[i : i+size]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		default:
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	b.WriteByte('"')
	return b.String()
}
