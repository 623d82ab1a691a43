package syntax

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/source"
	"github.com/goshawk-security/goshawk/internal/rule/suggest"
)

// Transformers are the functions that a field can stand in, on either side.
func Transformers() []string {
	return []string{"tolower", "toupper", "b64", "basename", "len", "join", "concat", "getopt"}
}

// likeCall tells that a word before a parenthesis is a transformer, or was meant
// to be one.
func likeCall(word string) bool {
	names := append(Transformers(), wordVal)
	return slices.Contains(names, word) || suggest.Closest(word, names, nil) != ""
}

// wordVal makes a field the right side of a comparison.
const wordVal = "val"

// isCall tells that a parenthesis stands right behind a word that was read to
// end, perhaps with blanks between.
func (p *parser) isCall(end int) bool {
	at := p.lex.skip(end)
	return at < len(p.lex.text) && p.lex.text[at] == '('
}

// skip returns the offset of what stands behind blanks.
func (l *lexer) skip(off int) int {
	for off < len(l.text) && rule.IsSpace(l.text[off]) {
		off++
	}
	return off
}

// call reads what follows the name of a transformer, its parenthesis first.
func (p *parser) call(f token) (rule.FieldRef, *rule.Error) {
	ref := rule.FieldRef{Pos: f.pos, Call: &rule.Call{Func: f.text}}
	if f.text == wordVal {
		return ref, coded(rule.CodeBadCondition, f.pos, "write the field alone", "val(…) stands on the right side of an operator only")
	}
	if !slices.Contains(Transformers(), f.text) {
		return ref, coded(rule.CodeBadTransformer, f.pos, suggest.DidYouMean(f.text, append(Transformers(), wordVal), nil),
			"unknown transformer %s", f.text)
	}
	if err := p.enter(f.pos); err != nil {
		return ref, err
	}
	defer p.leave()
	p.lex.off = p.lex.skip(f.end) + 1
	args, err := p.operands(f, false)
	if err != nil {
		return ref, err
	}
	ref.Call.Args = args
	if p.lex.off < len(p.lex.text) && p.lex.text[p.lex.off] == '[' {
		t := token{pos: f.pos, text: f.text}
		if err := p.lex.argument(&t); err != nil {
			return ref, err
		}
		ref.Arg.Given, ref.Arg.Name = true, t.arg
	}
	ref.Text = p.lex.text[f.start:p.lex.off]
	ref.Name = rule.OneLine(ref.Text)
	return ref, nil
}

// operands reads the arguments of a transformer, or the elements of a list in
// them, up to and with the closing parenthesis.
func (p *parser) operands(f token, list bool) ([]rule.Operand, *rule.Error) {
	var args []rule.Operand
	p.open++
	for {
		p.lex.off = p.lex.skip(p.lex.off)
		switch c := p.lex.byte(); {
		case c == ')' && len(args) == 0 && list:
			p.lex.off++
			p.open--
			return nil, nil
		case c == 0:
			return nil, coded(rule.CodeBadCondition, f.pos, "", "the parenthesis behind %s is not closed", f.text)
		}
		arg, err := p.argument(f, list)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
		t := p.lex.begin()
		switch t.kind {
		case tokClose:
			p.open--
			return args, nil
		case tokComma:
		default:
			return nil, p.endOfArgument(f, t)
		}
	}
}

func (p *parser) endOfArgument(f, t token) *rule.Error {
	if p.lex.byte() == 0 {
		return coded(rule.CodeBadCondition, f.pos, "", "the parenthesis behind %s is not closed", f.text)
	}
	return coded(rule.CodeBadCondition, t.pos, "", "expected a comma or ) in %s(…), found %q", f.text, p.lex.text[t.start:t.start+1])
}

// byte returns the character at the lexer, 0 at the end.
func (l *lexer) byte() byte {
	if l.off == len(l.text) {
		return 0
	}
	return l.text[l.off]
}

// argument reads one argument of a transformer.
func (p *parser) argument(f token, inList bool) (rule.Operand, *rule.Error) {
	c := p.lex.byte()
	switch {
	case c == '"' || c == '\'' || c >= '0' && c <= '9' || c == '+' || c == '-':
		t, err := p.lex.value()
		if err != nil {
			return rule.Operand{}, err
		}
		return rule.Operand{Pos: t.pos, Lit: &rule.Literal{Pos: t.pos, Text: t.text, Bare: !t.quoted}}, nil
	case c == '(' && !inList:
		t := p.lex.begin()
		list, err := p.operands(f, true)
		return rule.Operand{Pos: t.pos, IsList: true, List: list}, err
	}
	t, err := p.lex.expr()
	if err != nil {
		return rule.Operand{}, err
	}
	if t.kind != tokWord {
		return rule.Operand{}, coded(rule.CodeBadCondition, t.pos, "", "%s takes fields, texts in quotes and numbers, found %s", f.text, t.name())
	}
	ref, err := p.fieldOrCall(t)
	return rule.Operand{Pos: t.pos, Ref: &ref}, err
}

// fieldOrCall makes the reference of a word: a field, or a transformer with its
// arguments.
func (p *parser) fieldOrCall(t token) (rule.FieldRef, *rule.Error) {
	switch {
	case !t.hasArg && !strings.Contains(t.text, ".") && p.isCall(t.end):
		return p.call(t)
	case !t.hasArg && !strings.Contains(t.text, "."):
		return rule.FieldRef{}, coded(rule.CodeBadCondition, t.pos, "fields have a dot, as proc.name; texts stand in quotes", "%s is not a field", t.text)
	}
	return p.fieldRef(t), nil
}

// fieldRef makes the reference of a field.
func (p *parser) fieldRef(t token) rule.FieldRef {
	ref := rule.FieldRef{Pos: t.pos, Text: p.lex.text[t.start:t.end], Name: t.text}
	ref.Arg.Given, ref.Arg.Name = t.hasArg, t.arg
	return ref
}

// right reads val(field) or a transformer where a value may stand; nil if there
// is neither.
func (p *parser) right() (*rule.FieldRef, *rule.Error) {
	start := p.lex.skip(p.lex.off)
	end := start
	for end < len(p.lex.text) && isLetterOrDigit(p.lex.text[end]) {
		end++
	}
	name := p.lex.text[start:end]
	if name != wordVal && !slices.Contains(Transformers(), name) || !p.isCall(end) {
		return nil, nil
	}
	p.lex.start = start
	t := token{kind: tokWord, pos: p.lex.cursor.Pos(start), start: start, end: end, text: name}
	if name != wordVal {
		ref, err := p.call(t)
		return &ref, err
	}
	p.lex.off = p.lex.skip(end) + 1
	p.open++
	f, err := p.lex.expr()
	if err != nil {
		return nil, err
	}
	if f.kind != tokWord {
		return nil, coded(rule.CodeBadCondition, f.pos, "", "expected a field in val(…), found %s", f.name())
	}
	ref, err := p.fieldOrCall(f)
	if err != nil {
		return nil, err
	}
	if t := p.lex.begin(); t.kind != tokClose {
		return nil, p.endOfArgument(token{text: wordVal, pos: t.pos}, t)
	}
	p.open--
	return &ref, nil
}

func isLetterOrDigit(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// quant reads the word between an operator on texts and a list. Without a list
// behind it the word is a value as any other.
func (p *parser) quant(op rule.Op) rule.Quant {
	if op == rule.OpLt || op == rule.OpLe || op == rule.OpGt || op == rule.OpGe {
		return rule.QuantNone
	}
	start := p.lex.skip(p.lex.off)
	for _, q := range []rule.Quant{rule.QuantOneOf, rule.QuantAnyOf, rule.QuantAllOf} {
		rest, ok := strings.CutPrefix(p.lex.text[start:], q.String())
		if !ok || rest == "" || !rule.IsSpace(rest[0]) && rest[0] != '(' {
			continue
		}
		end := start + len(q.String())
		if p.listFollows(end) {
			p.lex.off = end
			return q
		}
	}
	return rule.QuantNone
}

// listFollows tells that a list stands at off, or a word that can be its name.
func (p *parser) listFollows(off int) bool {
	at := p.lex.skip(off)
	end := at
	for end < len(p.lex.text) && IsWordByte(p.lex.text[end]) {
		end++
	}
	switch word := p.lex.text[at:end]; {
	case at < len(p.lex.text) && p.lex.text[at] == '(':
		return true
	case word == "", word == "and", word == "or", word == "not":
		return false
	}
	return true
}

// coded makes an error.
func coded(code rule.Code, pos rule.Pos, hint, format string, args ...any) *rule.Error {
	return &rule.Error{Code: code, Pos: pos, Err: fmt.Errorf(format, args...), Hint: hint}
}

// ParseField reads a text that is a field or a transformer, as exceptions name
// them.
func ParseField(text string, c *source.Cursor) (rule.FieldRef, []*rule.Error) {
	p := &parser{lex: lexer{text: text, cursor: c}}
	t, err := p.lex.expr()
	if err == nil && t.kind != tokWord {
		err = coded(rule.CodeBadException, t.pos, "", "expected a field, found %s", t.name())
	}
	var ref rule.FieldRef
	if err == nil {
		ref, err = p.fieldOrCall(t)
	}
	if err == nil && p.lex.skip(p.lex.off) < len(text) {
		err = coded(rule.CodeBadException, c.Pos(p.lex.skip(p.lex.off)), "", "expected nothing behind %s", ref.Text)
	}
	if err != nil {
		return ref, []*rule.Error{err}
	}
	return ref, nil
}

// ParseRight reads a text that is val(field) or a transformer and nothing else, as
// they can stand on the right of an operator; nil for any other text.
func ParseRight(text string, c *source.Cursor) (*rule.FieldRef, []*rule.Error) {
	p := &parser{lex: lexer{text: text, cursor: c}}
	ref, err := p.right()
	switch {
	case err != nil:
		return nil, []*rule.Error{err}
	case p.lex.off < len(text):
		return nil, nil
	}
	return ref, nil
}

// ParseList reads a text that is a list in parentheses.
func ParseList(text string, c *source.Cursor) ([]rule.Literal, []*rule.Error) {
	p := &parser{lex: lexer{text: text, cursor: c}}
	var list rule.Comparison
	err := p.list(&list, token{text: "the operator"})
	if err == nil && p.lex.skip(p.lex.off) < len(text) {
		err = coded(rule.CodeBadException, c.Pos(p.lex.skip(p.lex.off)), "", "expected nothing behind the list")
	}
	if err != nil {
		return nil, []*rule.Error{err}
	}
	return list.Values, nil
}

// ParseOperator reads an operator with its quantity, if it has one. The place of
// the error is not set.
func ParseOperator(text string) (rule.Op, rule.Quant, *rule.Error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return rule.OpInvalid, rule.QuantNone, coded(rule.CodeBadException, rule.Pos{}, "", "the operator is empty")
	}
	p := &parser{lex: lexer{text: words[0], cursor: source.TextCursor("", words[0])}}
	t, err := p.lex.expr()
	var op rule.Op
	if err == nil {
		op, err = operator("the field", t)
	}
	if err != nil || len(words) == 1 {
		return op, rule.QuantNone, err
	}
	for _, q := range []rule.Quant{rule.QuantOneOf, rule.QuantAnyOf, rule.QuantAllOf} {
		if len(words) == 2 && words[1] == q.String() && !op.TakesList() && op != rule.OpLt && op != rule.OpLe && op != rule.OpGt && op != rule.OpGe {
			return op, q, nil
		}
	}
	return op, rule.QuantNone, coded(rule.CodeBadException, rule.Pos{}, "", "unknown operator %q", text)
}
