package syntax

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/source"
)

// tokenKind says what a token is.
type tokenKind uint8

const (
	tokEnd    tokenKind = iota
	tokWord             // a keyword, a macro, a field, an operator that is a word
	tokString           // a value, bare or quoted
	tokOpen
	tokClose
	tokComma
	tokOp // an operator that is a symbol
)

// token is a piece of a condition. Its place is worked out when it is read,
// while the cursor is there.
type token struct {
	kind   tokenKind
	pos    rule.Pos
	start  int // in the text
	end    int
	text   string // without quotes and escapes
	arg    string // of a word: what stands in brackets
	hasArg bool
	op     rule.Op
	quoted bool
}

// lexer cuts a condition into tokens. What a character means depends on where
// it stands ("/etc/x" is a value, but no field), so the parser asks for the kind
// of token it expects: expr or value.
type lexer struct {
	text   string
	off    int
	start  int // of the token that was begun last
	cursor *source.Cursor
	errs   []*rule.Error // mistakes after which reading went on
}

// slips are symbols of other languages, with the words that stand for them here.
var slips = []struct{ text, word string }{
	{"&&", "and"}, {"||", "or"}, {"&", "and"}, {"|", "or"}, {"!", "not"},
}

// symbols are the operators that are no words, the longer ones first.
var symbols = []struct {
	text string
	op   rule.Op
}{
	{"==", rule.OpEq}, {"!=", rule.OpNe}, {"<=", rule.OpLe}, {">=", rule.OpGe}, {"=", rule.OpEq}, {"<", rule.OpLt}, {">", rule.OpGt},
}

// expr reads a token where a condition, an operator or a parenthesis may stand.
func (l *lexer) expr() (token, *rule.Error) {
	t := l.begin()
	if t.kind == tokOpen || t.kind == tokClose || t.kind == tokComma || l.off == len(l.text) {
		return t, nil
	}
	for _, s := range symbols {
		if strings.HasPrefix(l.text[l.off:], s.text) {
			l.off += len(s.text)
			t.kind, t.op, t.text, t.end = tokOp, s.op, s.text, l.off
			return t, nil
		}
	}
	if !IsWordByte(l.text[l.off]) {
		return l.slip(t)
	}
	for l.off < len(l.text) && IsWordByte(l.text[l.off]) {
		l.off++
	}
	t.kind, t.text = tokWord, l.text[t.start:l.off]
	if l.off < len(l.text) && l.text[l.off] == '[' {
		if err := l.argument(&t); err != nil {
			return t, err
		}
	}
	t.end = l.off
	return t, nil
}

// slip reads what can be no word: a symbol of another language is reported and
// taken for the word that was meant.
func (l *lexer) slip(t token) (token, *rule.Error) {
	for _, s := range slips {
		if strings.HasPrefix(l.text[l.off:], s.text) {
			l.report(&rule.Error{Code: rule.CodeBadCondition, Pos: t.pos, Err: fmt.Errorf("unexpected %q", s.text), Hint: "write " + s.word})
			l.off += len(s.text)
			t.kind, t.text, t.end = tokWord, s.word, l.off
			return t, nil
		}
	}
	return t, l.unexpected(t.pos, "")
}

// value reads a token where a value may stand: a string, a parenthesis, a
// comma.
func (l *lexer) value() (token, *rule.Error) {
	t := l.begin()
	if t.kind == tokOpen || t.kind == tokClose || t.kind == tokComma || l.off == len(l.text) {
		return t, nil
	}
	t.kind = tokString
	if c := l.text[l.off]; c == '"' || c == '\'' {
		text, n, ok := rule.Unquote(l.text[l.off:])
		l.off += n
		if !ok {
			return t, &rule.Error{Code: rule.CodeBadCondition, Pos: t.pos, Err: errors.New("string is not closed")}
		}
		t.text, t.quoted, t.end = text, true, l.off
		return t, l.badEscape(t.start)
	}
	for l.off < len(l.text) && !endsBare(l.text[l.off]) {
		l.off++
	}
	t.text, t.end = l.text[t.start:l.off], l.off
	if t.text == "" || l.off < len(l.text) && strings.IndexByte(`="'`, l.text[l.off]) >= 0 {
		l.start = l.off
		return t, l.unexpected(l.cursor.Pos(l.off), "put the value in quotes")
	}
	return t, nil
}

// begin skips blanks and starts a token; one of a single character is read.
func (l *lexer) begin() token {
	for l.off < len(l.text) && rule.IsSpace(l.text[l.off]) {
		l.off++
	}
	l.start = l.off
	t := token{kind: tokEnd, pos: l.cursor.Pos(l.off), start: l.off, end: l.off}
	if l.off == len(l.text) {
		return t
	}
	switch l.text[l.off] {
	case '(':
		t.kind = tokOpen
	case ')':
		t.kind = tokClose
	case ',':
		t.kind = tokComma
	default:
		return t
	}
	t.text = l.text[l.off : l.off+1]
	l.off++
	t.end = l.off
	return t
}

// badEscape makes the error of a backslash without meaning in the quoted string that
// was read from start.
func (l *lexer) badEscape(start int) *rule.Error {
	s := l.text[start:l.off]
	at, what := rule.BadEscape(s)
	if at < 0 {
		return nil
	}
	hint := `write \\ for a backslash`
	if what == `\'` || what == `\"` {
		hint = fmt.Sprintf("within %c write %s alone", s[0], what[1:])
	}
	return coded(rule.CodeBadCondition, l.cursor.Pos(start+at), hint, "unknown escape %s", what)
}

// argument reads what stands in brackets behind a word: a quoted string, or what has
// no blanks, quotes and brackets.
func (l *lexer) argument(t *token) *rule.Error {
	l.off++
	t.hasArg = true
	start := l.off
	rest := l.text[start:]
	rest = rest[:min(len(rest), maxArgument)]
	n, ok, quoted := 0, false, rest != "" && (rest[0] == '"' || rest[0] == '\'')
	if quoted {
		t.arg, n, ok = rule.Unquote(rest)
	} else if n = strings.IndexAny(rest, "]\n\"'"); n >= 0 {
		t.arg, ok = rest[:n], true
	}
	if !ok || n == len(rest) || rest[n] != ']' {
		return coded(rule.CodeBadCondition, t.pos, "", "the argument of %s is not closed", t.text)
	}
	l.off += n
	if quoted {
		if err := l.badEscape(start); err != nil {
			return err
		}
	} else if at := strings.IndexAny(t.arg, "[ \t\r\v\f"); at >= 0 {
		return coded(rule.CodeBadCondition, l.cursor.Pos(start+at), "put it in quotes", "the argument of %s has a blank or a bracket", t.text)
	}
	l.off++
	return nil
}

// maxArgument bounds the search for the end of an argument: each of many that
// are not closed would be looked for to the end of the text.
const maxArgument = 4096

// unexpected makes the error of a character that cannot stand where the lexer
// is.
func (l *lexer) unexpected(pos rule.Pos, hint string) *rule.Error {
	r, _ := utf8.DecodeRuneInString(l.text[l.off:])
	return &rule.Error{Code: rule.CodeBadCondition, Pos: pos, Err: fmt.Errorf("unexpected %q", string(r)), Hint: hint}
}

// IsWordByte tells what macros, fields and operators are made of. The minus is
// no part of Falco's names; reading it makes better errors.
func IsWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-'
}

func endsBare(c byte) bool {
	return rule.IsSpace(c) || c == '(' || c == ')' || c == ',' || c == '=' || c == '"' || c == '\''
}
