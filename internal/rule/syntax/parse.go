package syntax

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/source"
	"github.com/goshawk-security/goshawk/internal/rule/suggest"
)

// The grammar of conditions. Words are case-sensitive; blanks separate words
// and mean nothing else.
//
//	condition  = or end
//	or         = and { "or" and }
//	and        = not { "and" not }
//	not        = { "not" } operand
//	operand    = "(" or ")" | check | macro
//	check      = left "exists"
//	           | left ( symbol | word ) ( value | right )
//	           | left ( symbol | word ) quantity ( list | name )
//	           | left set ( list | name | right )
//	left       = field | transform
//	right      = transform | "val" "(" ( field | transform ) ")"
//	transform  = function "(" argument { "," argument } ")" [ "[" argument "]" ]
//	argument   = field | transform | quoted | number | "(" [ argument { "," argument } ] ")"
//	function   = "tolower" | "toupper" | "b64" | "basename" | "len" | "join" | "concat" | "getopt"
//	symbol     = "=" | "==" | "!=" | "<" | "<=" | ">" | ">="
//	word       = "contains" | "icontains" | "bcontains" | "startswith" | "bstartswith"
//	           | "endswith" | "glob" | "iglob" | "regex"
//	quantity   = "oneof" | "anyof" | "allof"
//	set        = "in" | "intersects" | "pmatch"
//	list       = "(" [ value { "," value } ] ")"
//	value      = quoted | bare
//	field      = part "." part { "." part } [ "[" argument "]" ]
//	macro      = letter { letter | digit | "_" }
//
// quoted stands in ' or " with a backslash before the quote or a backslash; bare
// ends at a blank or one of ( ) , = " '. A bare value in a list, and a name, may
// be the name of a list.

// wordOps are the operators that are words.
var wordOps = map[string]rule.Op{
	"contains": rule.OpContains, "icontains": rule.OpIContains, "startswith": rule.OpStartsWith, "endswith": rule.OpEndsWith,
	"glob": rule.OpGlob, "iglob": rule.OpIGlob, "regex": rule.OpRegex, "bcontains": rule.OpBContains,
	"bstartswith": rule.OpBStartsWith, "in": rule.OpIn, "intersects": rule.OpIntersects, "pmatch": rule.OpPMatch,
}

const WordExists = "exists"

// ParseText reads one condition, text being the whole content of a file called
// name. Macros, lists and fields are left unresolved. The error is an [Error], or
// joins several.
func ParseText(name, text string) (rule.Expr, error) {
	e, errs := Parse(text, source.TextCursor(name, text))
	switch len(errs) {
	case 0:
		return e, nil
	case 1:
		return nil, errs[0]
	}
	all := make([]error, len(errs))
	for i, err := range errs {
		all[i] = err
	}
	return nil, errors.Join(all...)
}

// Parse reads a condition whose places the cursor knows. With mistakes it
// returns what could be read, so that the checker finds the others.
func Parse(text string, c *source.Cursor) (rule.Expr, []*rule.Error) {
	p := &parser{lex: lexer{text: text, cursor: c}}
	if strings.TrimSpace(text) == "" {
		return nil, []*rule.Error{{Code: rule.CodeBadCondition, Pos: c.Pos(0), Err: errors.New("condition is empty")}}
	}
	parts := []rule.Expr{p.or()}
	for p.closedTooOften() {
		parts = append(parts, p.or())
	}
	if len(parts) == 1 {
		return parts[0], rule.Tidy(p.lex.errs)
	}
	return &rule.And{Pos: parts[0].Position(), Parts: parts}, rule.Tidy(p.lex.errs)
}

// parser is a recursive descent over the grammar above. A part that cannot be
// read ends at the next word or parenthesis that can follow a part.
type parser struct {
	lex    lexer
	next   token // read ahead, if ahead is set
	ahead  bool
	nested int
	groups int // parentheses around

	open     int   // parentheses of transformers that are being read
	inList   bool  // the values of a list are being read
	lost     bool  // which parentheses belong together is no longer certain
	unclosed bool  // a parenthesis that is not closed was reported
	bare     token // the last value that stands alone, without quotes
}

func (p *parser) peek() (token, *rule.Error) {
	if !p.ahead {
		t, err := p.lex.expr()
		if err != nil {
			return t, err
		}
		p.next, p.ahead = t, true
	}
	return p.next, nil
}

func (p *parser) take() (token, *rule.Error) {
	t, err := p.peek()
	p.ahead = false
	return t, err
}

// name describes a token in an error.
func (t token) name() string {
	if t.kind == tokEnd {
		return "the end"
	}
	return fmt.Sprintf("%q", t.text)
}

func (t token) isWord(text string) bool { return t.kind == tokWord && t.text == text && !t.hasArg }

func (p *parser) or() rule.Expr {
	parts := []rule.Expr{p.and()}
	for p.joined("or") {
		parts = append(parts, p.and())
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return &rule.Or{Pos: parts[0].Position(), Parts: parts}
}

func (p *parser) and() rule.Expr {
	parts := []rule.Expr{p.part()}
	for p.joined("and") {
		parts = append(parts, p.part())
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return &rule.And{Pos: parts[0].Position(), Parts: parts}
}

// joined reads the word between two parts, if it is there.
func (p *parser) joined(word string) bool {
	t, err := p.peek()
	if err != nil || !t.isWord(word) {
		return false
	}
	p.ahead = false
	return true
}

func (p *parser) not() (rule.Expr, *rule.Error) {
	t, err := p.peek()
	if err != nil || !t.isWord("not") {
		if err != nil {
			return nil, err
		}
		return p.operand()
	}
	p.ahead = false
	if err := p.enter(t.pos); err != nil {
		return nil, err
	}
	defer p.leave()
	x, err := p.not()
	if err != nil {
		return nil, err
	}
	return &rule.Not{Pos: t.pos, X: x}, nil
}

func (p *parser) enter(pos rule.Pos) *rule.Error {
	if p.nested++; p.nested > rule.MaxDepth {
		return &rule.Error{Code: rule.CodeTooLarge, Pos: pos, Err: fmt.Errorf("nested more than %d deep", rule.MaxDepth)}
	}
	return nil
}

func (p *parser) leave() { p.nested-- }

func (p *parser) operand() (rule.Expr, *rule.Error) {
	t, err := p.take()
	if err != nil {
		return nil, err
	}
	switch {
	case t.kind == tokOpen:
		return p.group(t)
	case t.kind != tokWord || t.isWord("and") || t.isWord("or"):
		return nil, &rule.Error{Code: rule.CodeBadCondition, Pos: t.pos, Err: fmt.Errorf("expected a condition, found %s", t.name())}
	case t.hasArg || strings.Contains(t.text, "."):
		return p.check(t)
	}
	after, err := p.peek()
	if err != nil {
		return nil, err
	}
	_, word := wordOps[after.text]
	switch {
	case after.kind == tokOpen && likeCall(t.text):
		return p.transformed(t)
	case after.kind == tokOp, after.kind == tokWord && (word || after.text == WordExists):
		return nil, &rule.Error{Code: rule.CodeBadCondition, Pos: t.pos, Err: fmt.Errorf("%s is not a field", t.text), Hint: "fields have a dot, as proc.name"}
	}
	return &rule.MacroRef{Pos: t.pos, Name: t.text}, nil
}

// group reads what follows an opening parenthesis.
func (p *parser) group(open token) (rule.Expr, *rule.Error) {
	if err := p.enter(open.pos); err != nil {
		return nil, err
	}
	defer p.leave()
	p.groups++
	e := p.or()
	p.groups--
	t, err := p.take()
	if err == nil && t.kind == tokEnd && !p.lost && !p.unclosed {
		err = &rule.Error{Code: rule.CodeBadCondition, Pos: open.pos, Err: errors.New("parenthesis is not closed")}
		p.unclosed = true
		p.lex.report(err)
	}
	return e, nil
}

// check reads what follows a field.
func (p *parser) check(f token) (rule.Expr, *rule.Error) {
	return p.compare(f, p.fieldRef(f))
}

// transformed reads a check whose left side begins with the name of a
// transformer.
func (p *parser) transformed(f token) (rule.Expr, *rule.Error) {
	p.ahead = false // the parenthesis
	ref, err := p.call(f)
	if err != nil {
		return nil, err
	}
	return p.compare(f, ref)
}

// compare reads what follows the left side of a check, which begins with f.
func (p *parser) compare(f token, ref rule.FieldRef) (rule.Expr, *rule.Error) {
	t, err := p.take()
	if err != nil {
		return nil, err
	}
	if t.isWord(WordExists) {
		return &rule.Exists{Pos: f.pos, Text: p.lex.text[f.start:t.end], Field: ref}, nil
	}
	op, err := operator(ref.Text, t)
	if err != nil {
		return nil, err
	}
	c := &rule.Comparison{Pos: f.pos, Field: ref, Op: op}
	if err := p.rightSide(c, t); err != nil {
		return nil, err
	}
	c.Text = p.lex.text[f.start:p.lex.off]
	return c, nil
}

// rightSide reads what stands behind an operator.
func (p *parser) rightSide(c *rule.Comparison, op token) (err *rule.Error) {
	if c.Right, err = p.right(); c.Right != nil || err != nil {
		return err
	}
	if c.Op.TakesList() {
		return p.list(c, op)
	}
	if c.Quant = p.quant(c.Op); c.Quant != rule.QuantNone {
		op.text += " " + c.Quant.String()
		return p.list(c, op)
	}
	return p.single(c, op)
}

// operator returns the operator that t is, behind a left side.
func operator(left string, t token) (rule.Op, *rule.Error) {
	if t.kind == tokOp {
		return t.op, nil
	}
	if op, ok := wordOps[t.text]; ok && t.kind == tokWord {
		return op, nil
	}
	if t.kind != tokWord || t.isWord("and") || t.isWord("or") {
		return rule.OpInvalid, &rule.Error{Code: rule.CodeBadCondition, Pos: t.pos, Err: fmt.Errorf("expected an operator after %s, found %s", left, t.name())}
	}
	known := append([]string{WordExists}, rule.OpNames[rule.OpContains:]...)
	return rule.OpInvalid, &rule.Error{
		Code: rule.CodeBadCondition, Pos: t.pos, Err: fmt.Errorf("unknown operator %q", t.text),
		Hint: suggest.DidYouMean(t.text, known, nil),
	}
}

// single reads the one value of an operator.
func (p *parser) single(c *rule.Comparison, op token) *rule.Error {
	t, err := p.lex.value()
	switch {
	case err != nil:
		return err
	case t.kind == tokOpen:
		return &rule.Error{Code: rule.CodeBadCondition, Pos: t.pos, Err: fmt.Errorf("%s takes one value", op.text), Hint: "use in for a list"}
	case t.kind != tokString:
		return &rule.Error{Code: rule.CodeBadCondition, Pos: t.pos, Err: fmt.Errorf("expected a value after %s, found %s", op.text, t.name())}
	}
	c.Values = []rule.Literal{{Pos: t.pos, Text: t.text, Bare: !t.quoted}}
	if !t.quoted {
		p.bare = t
	}
	return nil
}

// list reads the values of an operator that takes a list.
func (p *parser) list(c *rule.Comparison, op token) *rule.Error {
	t, err := p.lex.value()
	switch {
	case err != nil:
		return err
	case t.kind == tokString && !t.quoted:
		c.Values = []rule.Literal{{Pos: t.pos, Text: t.text, Bare: true, ListName: true}}
		return nil
	case t.kind != tokOpen:
		return &rule.Error{Code: rule.CodeBadCondition, Pos: t.pos, Err: fmt.Errorf("expected a list in parentheses after %s, found %s", op.text, t.name())}
	}
	p.inList = true
	err = p.values(c, t)
	p.inList = err != nil
	return err
}

// values reads the values of a list up to its end.
func (p *parser) values(c *rule.Comparison, open token) *rule.Error {
	for {
		t, err := p.lex.value()
		switch {
		case err != nil:
			return err
		case t.kind == tokClose && len(c.Values) == 0:
			return nil
		case t.kind == tokEnd:
			return &rule.Error{Code: rule.CodeBadCondition, Pos: open.pos, Err: errors.New("list is not closed")}
		case t.kind != tokString:
			return &rule.Error{Code: rule.CodeBadCondition, Pos: t.pos, Err: fmt.Errorf("expected a value, found %s", t.name())}
		}
		c.Values = append(c.Values, rule.Literal{Pos: t.pos, Text: t.text, Bare: !t.quoted})
		switch t, err = p.lex.value(); {
		case err != nil:
			return err
		case t.kind == tokClose:
			return nil
		case t.kind == tokEnd:
			return &rule.Error{Code: rule.CodeBadCondition, Pos: open.pos, Err: errors.New("list is not closed")}
		case t.kind != tokComma:
			return &rule.Error{Code: rule.CodeBadCondition, Pos: t.pos, Err: fmt.Errorf("expected a comma or ), found %s", t.name())}
		}
	}
}
