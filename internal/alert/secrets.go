package alert

import "strings"

// schemes are what comes before the secret in an Authorization header.
var schemes = [...]string{"basic", "bearer", "digest", "negotiate", "token", "apikey", "aws4-hmac-sha256"}

// authorizations finds the secrets of Authorization headers of any scheme.
func (s *scanner) authorizations() {
	const word = "authorization"
	s.each(word, func(at int) int {
		at += len(word)
		next := at
		if s.is(next, `"'`) {
			next++
		}
		next = s.run(next, isSpace)
		if !s.is(next, ":=") {
			return at
		}
		next = s.run(next+1, isSpace)
		if s.is(next, `"'`) {
			next++
		}
		for _, scheme := range schemes {
			if rest, ok := strings.CutPrefix(s.lower[next:], scheme); ok && rest != "" && isSpace(rest[0]) {
				next = s.run(next+len(scheme), isSpace)
				break
			}
		}
		end := s.run(next, func(c byte) bool { return !isSpace(c) && c != '"' && c != '\'' })
		s.add(next, end)
		return max(at, end)
	})
}

// bearers finds bearer tokens anywhere.
func (s *scanner) bearers() {
	const word = "bearer"
	s.each(word, func(at int) int {
		next := s.run(at+len(word), isSpace)
		if next == at+len(word) || !s.boundary(at) {
			return at + len(word)
		}
		end := s.run(next, func(c byte) bool { return isName(c) || strings.IndexByte("~+/=", c) >= 0 })
		if end-next < 8 && !s.open(end) {
			return next
		}
		s.add(next, end)
		return end
	})
}

// minURLToken is the length from which a user name alone is taken for a token.
const minURLToken = 20

// urls finds user:x@host, and a long user name alone.
func (s *scanner) urls() {
	const word = "://"
	s.each(word, func(at int) int {
		from := at + len(word)
		if at == 0 || !isName(s.text[at-1]) && s.text[at-1] != '+' {
			return from
		}
		end := s.run(from, func(c byte) bool { return !isSpace(c) && strings.IndexByte("/:@?#", c) < 0 })
		if s.is(end, ":") {
			word := s.run(end+1, func(c byte) bool { return !isSpace(c) && c != '/' })
			if i := strings.LastIndexByte(s.text[end+1:word], '@'); i >= 0 {
				s.add(end+1, end+1+i)
			} else if s.open(word) {
				s.add(end+1, word)
			}
			return from
		}
		if (s.is(end, "@") || s.open(end)) && end-from >= minURLToken {
			s.add(from, end)
		}
		return from
	})
}

// tokenForms are keys that show what they are.
var tokenForms = [...]struct {
	start string
	class func(byte) bool
	min   int
	exact bool // no more than min
}{
	{"AKIA", isUpperAlnum, 16, true}, {"ASIA", isUpperAlnum, 16, true},
	{"ABIA", isUpperAlnum, 16, true}, {"ACCA", isUpperAlnum, 16, true},
	{"ghp_", isAlnum, 20, false}, {"gho_", isAlnum, 20, false}, {"ghu_", isAlnum, 20, false},
	{"ghs_", isAlnum, 20, false}, {"ghr_", isAlnum, 20, false}, {"github_pat_", isWord, 20, false},
	{"glpat-", isDashed, 16, false},
	{"xoxa-", isDashed, 10, false}, {"xoxb-", isDashed, 10, false}, {"xoxe-", isDashed, 10, false},
	{"xoxp-", isDashed, 10, false}, {"xoxr-", isDashed, 10, false}, {"xoxs-", isDashed, 10, false},
	{"AIza", isDashed, 30, false}, {"sk_live_", isWord, 16, false},
	{"hvs.", isDashed, 20, false}, {"npm_", isAlnum, 30, false},
}

// tokens finds keys by their form. Their case counts.
func (s *scanner) tokens() {
	for i := range tokenForms {
		f := &tokenForms[i]
		for at := 0; ; {
			n := strings.Index(s.text[at:], f.start)
			if n < 0 {
				break
			}
			from := at + n
			at = from + len(f.start)
			if !s.boundary(from) {
				continue
			}
			end := s.run(at, f.class)
			if n := end - at; s.open(end) || n >= f.min && (!f.exact || n == f.min && (end == len(s.text) || !isWord(s.text[end]))) {
				s.add(from, end)
			}
			at = end
		}
	}
}

// webTokens finds JSON web tokens: three parts of which two begin as JSON does.
func (s *scanner) webTokens() {
	const start = "eyJ"
	for at := 0; ; {
		i := strings.Index(s.text[at:], start)
		if i < 0 {
			return
		}
		from := at + i
		at = from + len(start)
		if !s.boundary(from) {
			continue
		}
		// What fails before the first dot fails from any place before it.
		at = s.run(at, isDashed)
		if s.open(at) {
			s.add(from, at)
		}
		if at-from < len(start)+8 || !strings.HasPrefix(s.text[at:], "."+start) {
			continue
		}
		second := s.run(at+1, isDashed)
		if s.open(second) {
			s.add(from, second)
		}
		if second-at-1 < len(start)+8 || !s.is(second, ".") {
			continue
		}
		at = s.run(second+1, isDashed)
		s.add(from, at)
	}
}

// privateKeys finds what is between the first and the last line of a key.
func (s *scanner) privateKeys() {
	const begin, name, dashes, end = "-----BEGIN ", "PRIVATE KEY", "-----", "-----END"
	for at := 0; ; {
		i := strings.Index(s.text[at:], begin)
		if i < 0 {
			return
		}
		at += i + len(begin)
		to := s.run(at, func(c byte) bool { return c == ' ' || 'A' <= c && c <= 'Z' })
		if !strings.HasSuffix(s.text[at:to], name) || !strings.HasPrefix(s.text[to:], dashes) {
			continue
		}
		from := to + len(dashes)
		at = indexFrom(s.text, end, from)
		s.add(from, at)
	}
}
