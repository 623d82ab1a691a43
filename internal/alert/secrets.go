package alert

import "strings"

// schemes are what comes before the secret in an Authorization header.
var schemes = [...]string{"basic", "bearer", "digest", "negotiate", "token", "apikey", "aws4-hmac-sha256"}

// authorization reads an Authorization header of any scheme, from behind that
// word. Like each pass it returns where to look on.
func (s *scanner) authorization(at int) int {
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
	return end
}

// bearer reads a bearer token anywhere, from the word on.
func (s *scanner) bearer(from, at int) int {
	next := s.run(at, isSpace)
	if next == at || !s.boundary(from) {
		return at
	}
	end := s.run(next, func(c byte) bool { return isName(c) || strings.IndexByte("~+/=", c) >= 0 })
	if end-next < 8 && !s.open(end) {
		return next
	}
	s.add(next, end)
	return end
}

// minURLToken is the length from which a user name alone is taken for a token.
const minURLToken = 20

// url reads what follows :// at a place: user:x@host, or a long user name alone.
func (s *scanner) url(at, from int) int {
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
}

// tokenForm is how a kind of key begins and goes on.
type tokenForm struct {
	start string
	class func(byte) bool
	min   int  // bytes after the start
	exact bool // no more than min
}

// tokenForms are keys that show what they are.
var tokenForms = [...]tokenForm{
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

// token reads a key of a form. Its case counts.
func (s *scanner) token(from int, f *tokenForm) int {
	if !s.boundary(from) || !strings.HasPrefix(s.text[from:], f.start) {
		return from
	}
	at := from + len(f.start)
	end := s.run(at, f.class)
	n := end - at
	if s.open(end) || n >= f.min && (!f.exact || n == f.min && (end == len(s.text) || !isWord(s.text[end]))) {
		s.add(from, end)
		return end
	}
	return at
}

// webTokenStart begins the first two parts of a JSON web token: what JSON begins
// with, in Base64.
const webTokenStart = "eyJ"

// webToken reads a JSON web token. What fails before the first dot fails from
// any place before it.
func (s *scanner) webToken(from int) int {
	if !s.boundary(from) || !strings.HasPrefix(s.text[from:], webTokenStart) {
		return from
	}
	const least = len(webTokenStart) + 8
	first := s.run(from, isDashed)
	if s.open(first) {
		s.add(from, first)
	}
	if first-from < least || !strings.HasPrefix(s.text[first:], "."+webTokenStart) {
		return first
	}
	second := s.run(first+1, isDashed)
	if s.open(second) {
		s.add(from, second)
	}
	if second-first-1 < least || !s.is(second, ".") {
		return first
	}
	end := s.run(second+1, isDashed)
	s.add(from, end)
	return end
}

// keyBegin begins the first line of a private key.
const keyBegin = "-----BEGIN "

// privateKey reads what is between the first and the last line of a key.
func (s *scanner) privateKey(at int) int {
	const name, dashes, last = "PRIVATE KEY", "-----", "-----END"
	if !strings.HasPrefix(s.text[at:], keyBegin) {
		return at
	}
	at += len(keyBegin)
	to := s.run(at, func(c byte) bool { return c == ' ' || 'A' <= c && c <= 'Z' })
	if !strings.HasSuffix(s.text[at:to], name) || !strings.HasPrefix(s.text[to:], dashes) {
		return to
	}
	from := to + len(dashes)
	end := len(s.text)
	if i := strings.Index(s.text[from:], last); i >= 0 {
		end = from + i
	}
	s.add(from, end)
	return end
}
