package syntax

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/source"
)

// ParseTemplate reads an output: text with %field, %field[argument], %transformer(…),
// each perhaps with a length (%10proc.name), and %% for a percent sign. A dot at the end of a field's name ends a sentence and is text.
// Blanks around the whole are dropped, as Falco does: > leaves a line break.
// It goes on after a mistake, to find them all.
func ParseTemplate(text string, c *source.Cursor) (*rule.Template, []*rule.Error) {
	text = strings.TrimRight(text, " \t\r\n")
	p := &templateParser{t: &rule.Template{Text: strings.TrimLeft(text, " \t\r\n")}, all: text, cursor: c}
	for off := len(text) - len(p.t.Text); off < len(text); {
		n := strings.IndexByte(text[off:], '%')
		if n < 0 {
			p.text.WriteString(text[off:])
			break
		}
		p.text.WriteString(text[off : off+n])
		off += n
		if strings.HasPrefix(text[off:], "%%") {
			p.text.WriteByte('%')
			off += 2
			continue
		}
		off += p.field(off)
	}
	p.flush()
	return p.t, p.errs
}

type templateParser struct {
	t      *rule.Template
	all    string // the text as it stands in the file
	cursor *source.Cursor
	text   strings.Builder // read, not yet a part
	errs   []*rule.Error
}

func (p *templateParser) flush() {
	if p.text.Len() > 0 {
		p.t.Parts = append(p.t.Parts, rule.Part{Text: p.text.String()})
		p.text.Reset()
	}
}

// maxWidth bounds the length that an output can give a value.
const maxWidth = 1 << 12

// width reads the length in digits at off, if one stands there.
func (p *templateParser) width(off int) (width, end int, err *rule.Error) {
	end = off
	for end < len(p.all) && p.all[end] >= '0' && p.all[end] <= '9' {
		end++
	}
	if end == off {
		return 0, end, nil
	}
	width, bad := strconv.Atoi(p.all[off:end])
	if bad != nil || width > maxWidth {
		return 0, end, coded(rule.CodeBadOutput, p.cursor.Pos(off-1), fmt.Sprintf("a value is cut to at most %d", maxWidth), "output has a length of %s", p.all[off:end])
	}
	return width, end, nil
}

// field reads the field or transformer whose percent sign stands at off, with the
// length before it, and returns the length of what it read.
func (p *templateParser) field(off int) int {
	pos := p.cursor.Pos(off)
	width, start, err := p.width(off + 1)
	read := parser{lex: lexer{text: p.all, off: start, cursor: p.cursor}}
	lex := &read.lex
	end := start
	for end < len(lex.text) && IsWordByte(lex.text[end]) && lex.text[end] != '-' {
		end++
	}
	name := strings.TrimRight(lex.text[start:end], ".")
	lex.off = start + len(name)
	t := token{kind: tokWord, pos: pos, start: start, end: lex.off, text: name}
	var ref rule.FieldRef
	switch {
	case err != nil:
	case name == "":
		err = coded(rule.CodeBadOutput, pos, "write %% for a percent sign", "output has a %% without a field")
	case lex.byte() == '(' && !strings.Contains(name, ".") && likeCall(name):
		ref, err = read.call(t)
	case lex.byte() == '[' && !textInBrackets(lex.text[lex.off:]):
		err = lex.argument(&t)
	}
	if err == nil && ref.Call == nil && !strings.Contains(name, ".") {
		err = coded(rule.CodeBadOutput, pos, "write %% for a percent sign", "output has %%%s, which is no field", name)
	}
	if err != nil {
		err.Code = rule.CodeBadOutput
		p.errs = append(p.errs, err)
		return start + len(name) - off
	}
	p.flush()
	if ref.Call == nil {
		t.end = lex.off
		ref = read.fieldRef(t)
	}
	ref.Pos = pos
	p.t.Parts = append(p.t.Parts, rule.Part{Field: ref, Width: width})
	return lex.off - off
}

// textInBrackets tells that a bracket begins no argument but text, as in
// %proc.name[%proc.pid]: no argument without quotes has a percent sign.
func textInBrackets(s string) bool {
	s = s[1:min(len(s), maxArgument)]
	if s == "" || s[0] == '"' || s[0] == '\'' {
		return false
	}
	n := strings.IndexAny(s, "]% \t\n")
	return n >= 0 && s[n] == '%'
}
