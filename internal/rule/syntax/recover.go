package syntax

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/suggest"
)

// maxParseErrors bounds what is reported of one condition.
const maxParseErrors = 50

// report keeps a mistake after which reading goes on. Of two at one place the
// second is a consequence.
func (l *lexer) report(err *rule.Error) {
	same := func(e *rule.Error) bool { return e.Pos == err.Pos }
	if len(l.errs) < maxParseErrors && !slices.ContainsFunc(l.errs, same) {
		l.errs = append(l.errs, err)
	}
}

// part reads one part of an and with all that may stand before what follows it.
func (p *parser) part() rule.Expr {
	e, err := p.not()
	if err != nil {
		p.lex.report(err)
		p.resync()
		return &rule.Broken{Pos: err.Pos}
	}
	p.follow()
	return e
}

// follow sees to it that and, or, a closing parenthesis or the end comes next.
func (p *parser) follow() {
	t, err := p.peek()
	if err == nil {
		if t.kind == tokEnd || t.kind == tokClose || t.isWord("and") || t.isWord("or") {
			return
		}
		end := "the end"
		if p.groups > 0 {
			end = ")"
		}
		err = &rule.Error{Code: rule.CodeBadCondition, Pos: t.pos, Err: fmt.Errorf("expected and, or or %s, found %s", end, t.name())}
		if t.kind == tokWord {
			err.Hint = suggest.DidYouMean(t.text, []string{"and", "or"}, nil)
		}
		if word := strings.ToLower(t.text); t.kind == tokWord && !t.hasArg && (word == "and" || word == "or") {
			p.lex.report(err)
			p.next.text = word
			return
		}
	}
	if err.Hint == "" {
		err.Hint = p.quotesHint()
	}
	p.lex.report(err)
	p.resync()
}

// quotesHint is the hint for what stands behind a value without quotes: it is
// probably the rest of the value.
func (p *parser) quotesHint() string {
	v := p.bare
	if v.text == "" || p.lex.start <= v.end || strings.TrimSpace(p.lex.text[v.end:p.lex.start]) != "" {
		return ""
	}
	end, _ := p.lex.follower(p.lex.start, 0)
	whole := strings.TrimSpace(p.lex.text[v.start:end])
	if len(whole) > 60 || strings.ContainsAny(whole, "\"'\n") {
		return "put a value with blanks in quotes"
	}
	return fmt.Sprintf("put a value with blanks in quotes: \"%s\"", whole)
}

// resync goes on behind a mistake: at the next and, or, or closing parenthesis
// of the same level. A list whose end is not there ends at the next word.
func (p *parser) resync() {
	depth := p.open
	if p.inList {
		depth, p.lost = 1, true
	}
	end, sure := p.lex.follower(p.lex.start, depth)
	if depth > 0 && !sure {
		end, _ = p.lex.follower(p.lex.start, 0)
	}
	if len(p.lex.errs) >= maxParseErrors {
		end, sure = len(p.lex.text), false
	}
	p.lost = p.lost || !sure
	p.lex.off, p.ahead, p.inList, p.open = end, false, false, 0
}

// follower finds from off on what can follow a part, depth being the number of
// parentheses that are open there. It is not sure of the end of a text whose
// quotes or parentheses are not closed.
func (l *lexer) follower(off, depth int) (at int, sure bool) {
	for off < len(l.text) {
		switch c := l.text[off]; {
		case c == '"' || c == '\'':
			_, n, ok := rule.Unquote(l.text[off:])
			if off += n; !ok {
				return off, false
			}
		case c == ')' && depth == 0:
			return off, true
		case c == ')':
			depth--
			off++
		case c == '(':
			depth++
			off++
		case depth == 0 && (strings.HasPrefix(l.text[off:], "&&") || strings.HasPrefix(l.text[off:], "||")):
			return off, true
		case IsWordByte(c):
			end := off
			for end < len(l.text) && IsWordByte(l.text[end]) {
				end++
			}
			if word := l.text[off:end]; depth == 0 && (word == "and" || word == "or") {
				return off, true
			}
			off = end
		default:
			off++
		}
	}
	return off, depth == 0
}

// skipWord goes on behind the word that was read last. That it is not read again is
// what ends the loop around: and[x] is where a part can follow, and is none.
func (p *parser) skipWord() {
	for p.lex.start < len(p.lex.text) && IsWordByte(p.lex.text[p.lex.start]) {
		p.lex.start++
	}
	p.lex.start = max(p.lex.start, p.lex.off)
	p.resync()
}

// closedTooOften reads a closing parenthesis that none opened, and the word that
// joins what stands behind it. It is false at the end.
func (p *parser) closedTooOften() bool {
	for {
		t, err := p.peek()
		switch {
		case err != nil:
			p.lex.report(err)
			p.skipWord()
			continue
		case t.kind == tokEnd:
			return false
		case t.isWord("and"), t.isWord("or"):
			p.ahead = false
			return true
		case t.kind != tokClose:
			p.skipWord()
			continue
		case !p.lost:
			p.lex.report(&rule.Error{Code: rule.CodeBadCondition, Pos: t.pos, Err: errors.New("expected and, or or the end, found \")\"")})
			p.lost = true
		}
		p.ahead = false
	}
}
