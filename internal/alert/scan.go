package alert

import "strings"

// scanner finds the secrets of one text. Each of its passes begins at fixed words
// and reads on around them, never over the same bytes more than a few
// times: nothing a program can write makes it slower than linear.
//
// A secret that is cut off at the end of the text is one all the same: what
// would end it may be in what was not kept.
type scanner struct {
	text, lower string
	cut         bool
	spans       []span
	known       []span      // found by items, in order: no names are looked for in them
	named0      bool        // the text begins with a program's name
	program     bool        // a program with a flag for a secret is named
	next        [passes]int // where each pass looks on
	read        int         // bytes that were read around triggers, for tests
}

func newScanner(text string, cut bool) scanner {
	return scanner{text: text, lower: lowerASCII(text), cut: cut}
}

// add notes a secret; an empty one is none.
func (s *scanner) add(from, to int) {
	if 0 <= from && from < to {
		s.spans = append(s.spans, span{int32(from), int32(to)})
	}
}

// open tells that the text may go on from here.
func (s *scanner) open(at int) bool { return s.cut && at == len(s.text) }

// found runs the pass of a trigger, unless it has been there. It goes on where
// the pass came to, so that none reads the same bytes again and again.
func (s *scanner) found(at int, tr *trigger) {
	if at < s.next[tr.pass] {
		return
	}
	next := at
	switch tr.pass {
	case byName:
		next = s.named(at)
	case byHeader:
		next = s.authorization(at + len(tr.word))
	case byBearer:
		next = s.bearer(at, at+len(tr.word))
	case byURL:
		next = s.url(at, at+len(tr.word))
	case byProgram:
		s.program = true
	case byToken:
		next = s.token(at, &tokenForms[tr.form])
	case byWebToken:
		next = s.webToken(at)
	case byKey:
		next = s.privateKey(at)
	}
	s.next[tr.pass] = next
}

// run returns the end of the bytes from at on that are in the class.
func (s *scanner) run(at int, class func(byte) bool) int {
	from := at
	for at < len(s.text) && class(s.text[at]) {
		at++
	}
	s.read += at - from
	return at
}

// is tells that a byte of the set is at a place.
func (s *scanner) is(at int, set string) bool {
	return at < len(s.text) && strings.IndexByte(set, s.text[at]) >= 0
}

// boundary tells that no word goes on from before at.
func (s *scanner) boundary(at int) bool { return at == 0 || !isWord(s.text[at-1]) }

// quoted returns the end of the quoted value at a place, 0 if there is none. A
// quote that the cut left open goes to the end.
func (s *scanner) quoted(at int) int {
	if !s.is(at, `"'`) {
		return 0
	}
	i := strings.IndexByte(s.text[at+1:], s.text[at])
	if s.read += i; i < 0 {
		s.read += len(s.text) - at
	}
	if i >= 0 {
		return at + 1 + i + 1
	}
	if s.cut {
		return len(s.text)
	}
	return 0
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'
}

func notSpace(c byte) bool { return !isSpace(c) }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlnum(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isUpperAlnum(c byte) bool { return isDigit(c) || 'A' <= c && c <= 'Z' }

func isWord(c byte) bool { return isAlnum(c) || c == '_' }

// isDashed is what tokens are made of.
func isDashed(c byte) bool { return isWord(c) || c == '-' }

// isName is what names of flags, variables and keys are made of.
func isName(c byte) bool { return isWord(c) || c == '-' || c == '.' }
