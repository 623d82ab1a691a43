package syntax

import (
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/source"
)

// ParseTemplate reads an output: text with %field, %field[argument], and %% for
// a percent sign. A dot at the end of a field's name ends a sentence and is text.
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

// field reads the field or transformer whose percent sign stands at off, and
// returns the length of what it read.
func (p *templateParser) field(off int) int {
	pos := p.cursor.Pos(off)
	read := parser{lex: lexer{text: p.all, off: off + 1, cursor: p.cursor}}
	lex := &read.lex
	end := off + 1
	for end < len(lex.text) && IsWordByte(lex.text[end]) && lex.text[end] != '-' {
		end++
	}
	name := strings.TrimRight(lex.text[off+1:end], ".")
	lex.off = off + 1 + len(name)
	t := token{kind: tokWord, pos: pos, start: off + 1, end: lex.off, text: name}
	var ref rule.FieldRef
	var err *rule.Error
	switch {
	case name == "":
		err = coded(rule.CodeBadOutput, pos, "write %% for a percent sign", "output has a %% without a field")
	case lex.byte() == '(' && !strings.Contains(name, ".") && likeCall(name):
		ref, err = read.call(t)
	case lex.byte() == '[':
		err = lex.argument(&t)
	}
	if err == nil && ref.Call == nil && !strings.Contains(name, ".") {
		err = coded(rule.CodeBadOutput, pos, "write %% for a percent sign", "output has %%%s, which is no field", name)
	}
	if err != nil {
		err.Code = rule.CodeBadOutput
		p.errs = append(p.errs, err)
		return 1 + len(name)
	}
	p.flush()
	if ref.Call == nil {
		t.end = lex.off
		ref = read.fieldRef(t)
	}
	ref.Pos = pos
	p.t.Parts = append(p.t.Parts, rule.Part{Field: ref})
	return lex.off - off
}
