package check

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/lint"
	"github.com/goshawk-security/goshawk/internal/rule/literal"
	"github.com/goshawk-security/goshawk/internal/rule/suggest"
	"github.com/goshawk-security/goshawk/internal/rule/verdict"
)

// resolveArg checks a field's argument against what its row takes.
func resolveArg(f *rule.FieldRef, row *field.Field) (hint string, err error) {
	switch row.Arg {
	case field.NoArg:
		if f.Arg.Given {
			return "write " + row.Name, fmt.Errorf("field %s takes no argument", row.Name)
		}
	case field.RequiredKey:
		if !f.Arg.Given {
			return fmt.Sprintf("write %s[name]", row.Name), fmt.Errorf("field %s needs an argument", row.Name)
		}
	case field.RequiredIndex:
		if !f.Arg.Given {
			return fmt.Sprintf("write %s[%d]", row.Name, row.First), fmt.Errorf("field %s needs an argument", row.Name)
		}
	}
	if !f.Arg.Given {
		return "", nil
	}
	if strings.TrimSpace(f.Arg.Name) == "" {
		return "", fmt.Errorf("the argument of %s is empty", row.Name)
	}
	if row.Arg == field.OptionalIndex || row.Arg == field.RequiredIndex {
		n, err := strconv.ParseUint(f.Arg.Name, 10, 31)
		if err != nil {
			return "", fmt.Errorf("the argument of %s must be a number, not %q", row.Name, f.Arg.Name)
		}
		f.Arg.Index = int(n)
	}
	return "", nil
}

// comparison checks a comparison.
func (c *checker) comparison(e *rule.Comparison) verdict.Verdict {
	known := c.field(&e.Field)
	if known && !literal.Allows(e.Op, e.Field.Field.Type) {
		c.wrong(e.Pos, rule.CodeBadOperator, "use one of "+literal.Allowed(e.Field.Field.Type),
			fmt.Errorf("%s cannot be used with %s, which is %s", e.Op, e.Field.Text, rule.TypeName(e.Field.Field.Type)))
		return verdict.Maybe()
	}
	if e.Right != nil {
		if !known {
			c.field(e.Right)
			return verdict.Maybe()
		}
		if !c.right(e) {
			return verdict.Maybe()
		}
		return verdict.Compare(e)
	}
	c.empty(e)
	if !c.values(e, known) {
		return verdict.Maybe()
	}
	c.lint.Comparison(e, c.warn)
	c.direction(e)
	return verdict.Compare(e)
}

// takesList tells that a list stands on the right of a comparison.
func takesList(e *rule.Comparison) bool { return e.Op.TakesList() || e.Quant != rule.QuantNone }

// values expands the lists among a comparison's values and converts them to the
// field's type. Without a field only names are checked.
func (c *checker) values(e *rule.Comparison, known bool) bool {
	if !takesList(e) {
		listed := c.listAsValue(e)
		return known && c.convert(e, e.Values, listed)
	}
	if len(e.Values) == 1 && e.Values[0].Bare {
		list := c.Lists[e.Values[0].Text]
		switch {
		case list != nil && known:
			c.usedList[list] = true
			return c.share(e, list)
		case list == nil && e.Values[0].ListName:
			c.unknownList(e.Values[0])
			return false
		}
	}
	if !known {
		return false
	}
	lint.Twice(e.Values, func(pos rule.Pos, err error) { c.warn(pos, rule.CodeDuplicateValue, "take one out", "%w", err) })
	var own, inner []rule.Literal
	for _, v := range e.Values {
		if list := c.space.listOf(v, nil); list != nil {
			if c.space.left -= len(list.Items); c.space.left >= 0 {
				inner = append(inner, list.Items...)
			}
		} else {
			own = append(own, v)
			c.likeList(v)
		}
		if c.space.left < 0 {
			c.space.tooMuch(c.at(v.Pos, rule.CodeTooLarge, nil))
			return false
		}
	}
	ok := c.convert(e, own, false)
	ok = c.convert(e, inner, true) && ok
	if e.Values = append(own, inner...); e.Quant != rule.QuantOneOf { // there twice is true twice
		e.Values = unique(e.Values)
	}
	return ok
}

// share gives a comparison the values of a list, converted once for each type.
func (c *checker) share(e *rule.Comparison, list *rule.List) bool {
	key := sharedKey{list, e.Field.Field.Type, literal.FormOf(e.Op)}
	values, done := c.shared[key]
	if !done || c.Outer != nil { // what is compiled of it is as large each time
		if c.space.left -= len(list.Items); c.space.left < 0 {
			c.space.tooMuch(c.at(e.Pos, rule.CodeTooLarge, nil))
			return false
		}
	}
	if !done {
		values = append(values, list.Items...)
		if !c.convert(e, values, true) {
			values = nil
		}
		c.shared[key] = values
	}
	e.Values = values
	return values != nil || len(list.Items) == 0
}

// convert converts values in place. listed says that they stand in a list.
func (c *checker) convert(e *rule.Comparison, values []rule.Literal, listed bool) bool {
	ok := true
	t := e.Field.Field.Type
	var missing []*rule.Literal // events that are not delivered
	for i := range values {
		v := &values[i]
		code, hint := rule.CodeBadValue, ""
		err := c.lits.Read(v, t, e.Op)
		switch {
		case err == nil:
			if !c.eventName(e, v) {
				missing = append(missing, v)
			}
			continue
		case errors.Is(err, literal.ErrType):
			err = fmt.Errorf("%q is not %s, as %s needs", v.Text, literal.Name(t), e.Field.Text)
		case e.Op == rule.OpRegex:
			code = rule.CodeBadRegex
		}
		ok = false
		switch {
		case listed:
			hint = fmt.Sprintf("it is used at %s", e.Pos)
		case t == event.TypeBool && strings.EqualFold(v.Text, "true") || strings.EqualFold(v.Text, "false"):
			hint = "write " + strings.ToLower(v.Text)
		}
		c.wrong(v.Pos, code, hint, err)
	}
	c.notDelivered(missing)
	return ok
}

func (c *checker) unknownList(v rule.Literal) {
	hint := suggest.DidYouMean(v.Text, c.listNames, c.Work)
	if hint == "" {
		hint = fmt.Sprintf("write (%s) for a single value", v.Text)
	}
	c.wrong(v.Pos, rule.CodeUnknownList, hint, fmt.Errorf("%w %s", rule.ErrUnknownList, v.Text))
}

// listAsValue looks for a list where only a value can stand. One of a single item
// stands for that, as in Falco, which puts the items in the place of the name;
// then it is true.
func (c *checker) listAsValue(e *rule.Comparison) bool {
	v := e.Values[0]
	list := c.Lists[v.Text]
	switch {
	case !v.Bare || list == nil:
	case len(list.Items) == 1:
		c.usedList[list] = true
		e.Values = []rule.Literal{list.Items[0]}
		return true
	case strings.ContainsAny(v.Text, "_-"):
		c.usedList[list] = true // is what was meant
		c.warn(v.Pos, rule.CodeListAsValue, fmt.Sprintf("write %s in (%s)", e.Field.Text, v.Text),
			"%s is the name of a list, and is taken as a text here", v.Text)
	}
	return false
}

// likeList warns of a value that looks like the misspelt name of a list.
func (c *checker) likeList(v rule.Literal) {
	if !v.Bare || len(v.Text) < 8 || !strings.Contains(v.Text, "_") || strings.Contains(v.Text, "/") {
		return
	}
	name := suggest.Closest(v.Text, c.listNames, c.Work)
	if name == "" || suggest.Distance(v.Text, name, 3) > 2 {
		return
	}
	c.usedList[c.Lists[name]] = true
	c.warn(v.Pos, rule.CodeListAsValue, fmt.Sprintf("did you mean %s?", name), "%s is no list, and is taken as a text", v.Text)
}
