package check

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/transform"
)

// maxCalls bounds the transformers within each other.
const maxCalls = 32

// call makes the row of a transformer, once for each text.
func (c *checker) call(f *rule.FieldRef) bool {
	if f.Field != nil {
		return true // checked
	}
	if c.calls++; c.calls > maxCalls {
		c.calls--
		c.wrong(f.Pos, rule.CodeTooLarge, "", fmt.Errorf("transformers are nested more than %d deep", maxCalls))
		return false
	}
	args, ok := c.operands(f, f.Call.Args)
	c.calls--
	if !ok {
		return false
	}
	name := transform.Name(f.Call.Func, f.Arg, args)
	row := c.rows[name]
	if row == nil {
		var err error
		if row, err = transform.Row(name, f.Call.Func, f.Arg, args); err != nil {
			c.wrong(f.Pos, rule.CodeBadTransformer, "", err)
			return false
		}
		c.rows[name] = row
	}
	f.Name, f.Field, f.Arg = name, row, field.Arg{}
	return true
}

// operands checks the arguments of the transformer f.
func (c *checker) operands(f *rule.FieldRef, list []rule.Operand) ([]transform.Operand, bool) {
	all, ok := make([]transform.Operand, len(list)), true
	for i := range list {
		op, to := &list[i], &all[i]
		switch {
		case op.Ref != nil:
			to.Ref = op.Ref
			ok = c.field(op.Ref) && c.oneValue(f.Call.Func, op.Ref) && ok
		case op.Lit != nil:
			to.Text = op.Lit.Text
		default:
			var fine bool
			to.IsList = true
			to.List, fine = c.operands(f, op.List)
			ok = ok && fine
		}
	}
	return all, ok
}

// oneValue refuses a field that stands for two.
func (c *checker) oneValue(what string, f *rule.FieldRef) bool {
	if len(f.Field.Either) == 0 {
		return true
	}
	c.wrong(f.Pos, rule.CodeBadTransformer, "use "+strings.Join(f.Field.Either, " or "),
		fmt.Errorf("%s cannot be used with %s, which stands for two fields", what, f.Text))
	return false
}

// right checks the field that a comparison has on the right. Falco takes one
// value of the same type there.
func (c *checker) right(e *rule.Comparison) bool {
	if !c.field(e.Right) {
		return false
	}
	l, r := e.Field.Field, e.Right.Field
	for _, f := range []*rule.FieldRef{&e.Field, e.Right} {
		switch row := f.Field; {
		case len(row.Either) > 0:
			c.wrong(f.Pos, rule.CodeBadValue, "use "+strings.Join(row.Either, " or "),
				fmt.Errorf("%s stands for two fields and cannot be compared with a field", f.Text))
			return false
		case row.Arg == field.OptionalIndex && !f.Arg.Given:
			hint := fmt.Sprintf("write a number in brackets, as %s[%d]", f.Text, row.First)
			if f.Call != nil {
				hint = "write a number in brackets behind the field in it"
			}
			c.wrong(f.Pos, rule.CodeBadValue, hint,
				fmt.Errorf("%s has a value for each ancestor and cannot be compared with a field", f.Text))
			return false
		}
	}
	switch {
	case e.Op == rule.OpPMatch || e.Op == rule.OpRegex:
		c.wrong(e.Right.Pos, rule.CodeBadOperator, "write the values themselves", fmt.Errorf("%s takes no field on its right", e.Op))
	case !sameKind(l.Type, r.Type):
		c.wrong(e.Right.Pos, rule.CodeBadValue, "", fmt.Errorf("%s is %s and cannot be compared with %s, which is %s",
			e.Right.Text, rule.TypeName(r.Type), e.Field.Text, rule.TypeName(l.Type)))
	case e.Quant != rule.QuantNone:
		c.wrong(e.Right.Pos, rule.CodeBadOperator, "", errors.New(e.Quant.String()+" takes a list"))
	default:
		return true
	}
	return false
}

// sameKind tells that values of two fields can be held against each other:
// those of one type, and numbers with and without a sign.
func sameKind(a, b event.ValueType) bool {
	number := func(t event.ValueType) bool { return t == event.TypeInt || t == event.TypeUint }
	return a == b || number(a) && number(b)
}
