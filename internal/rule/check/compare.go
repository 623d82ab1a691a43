package check

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/suggest"
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
func (c *checker) comparison(e *rule.Comparison) verdict {
	known := c.field(&e.Field)
	if known && !allows(e.Op, e.Field.Field.Type) {
		c.wrong(e.Pos, "use one of "+allowed(e.Field.Field.Type),
			fmt.Errorf("%s cannot be used with %s, which is %s", e.Op, e.Field.Text, kindOf(e.Field.Field.Type)))
		return maybe
	}
	c.empty(e)
	if !c.values(e, known) {
		return maybe
	}
	c.lint(e)
	return c.compareVerdict(e)
}

func kindOf(t event.ValueType) string {
	switch t {
	case event.TypeInt, event.TypeUint:
		return "a number"
	case event.TypeList:
		return "a list"
	case event.TypePort:
		return "a port"
	case event.TypeDuration:
		return "a duration"
	case event.TypeTime:
		return "a time"
	}
	return typeNames[t]
}

// values expands the lists among a comparison's values and converts them to the
// field's type. Without a field only names are checked.
func (c *checker) values(e *rule.Comparison, known bool) bool {
	if !e.Op.TakesList() {
		c.listAsValue(e)
		return known && c.convert(e, e.Values, false)
	}
	if len(e.Values) == 1 && e.Values[0].Bare {
		list := c.Lists[e.Values[0].Text]
		switch {
		case list != nil && known:
			return c.share(e, list)
		case list == nil && e.Values[0].ListName:
			c.unknownList(e.Values[0])
			return false
		}
	}
	if !known {
		return false
	}
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
			c.space.tooMuch(c.at(v.Pos, nil))
			return false
		}
	}
	ok := c.convert(e, own, false)
	ok = c.convert(e, inner, true) && ok
	e.Values = unique(append(own, inner...))
	return ok
}

// share gives a comparison the values of a list, converted once for each type.
func (c *checker) share(e *rule.Comparison, list *rule.List) bool {
	key := sharedKey{list, e.Field.Field.Type}
	values, done := c.lits[key]
	if !done {
		if c.space.left -= len(list.Items); c.space.left < 0 {
			c.space.tooMuch(c.at(e.Pos, nil))
			return false
		}
		values = append(values, list.Items...)
		if !c.convert(e, values, true) {
			values = nil
		}
		c.lits[key] = values
	}
	e.Values = values
	return values != nil || len(list.Items) == 0
}

// convert converts values in place. listed says that they stand in a list.
func (c *checker) convert(e *rule.Comparison, values []rule.Literal, listed bool) bool {
	ok := true
	t := e.Field.Field.Type
	for i := range values {
		v := &values[i]
		err := convert(v, t)
		if err == nil {
			c.eventName(e, v)
			continue
		}
		ok = false
		if errors.Is(err, errNotOfType) {
			err = fmt.Errorf("%q is not %s, as %s needs", v.Text, typeNames[t], e.Field.Text)
		}
		hint := ""
		switch {
		case listed:
			hint = fmt.Sprintf("it is used at %s", e.Pos)
		case t == event.TypeBool && strings.EqualFold(v.Text, "true") || strings.EqualFold(v.Text, "false"):
			hint = "write " + strings.ToLower(v.Text)
		}
		c.wrong(v.Pos, hint, err)
	}
	return ok
}

func (c *checker) unknownList(v rule.Literal) {
	hint := suggest.DidYouMean(v.Text, c.listNames, c.Work)
	if hint == "" {
		hint = fmt.Sprintf("write (%s) for a single value", v.Text)
	}
	c.wrong(v.Pos, hint, fmt.Errorf("%w %s", rule.ErrUnknownList, v.Text))
}

// listAsValue warns of a list where only a value can stand.
func (c *checker) listAsValue(e *rule.Comparison) {
	if v := e.Values[0]; v.Bare && c.Lists[v.Text] != nil && strings.ContainsAny(v.Text, "_-") {
		w := c.at(v.Pos, fmt.Errorf("%s is the name of a list, and is taken as a text here", v.Text))
		w.Hint = fmt.Sprintf("write %s in (%s)", e.Field.Text, v.Text)
		c.caution(w)
	}
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
	w := c.at(v.Pos, fmt.Errorf("%s is no list, and is taken as a text", v.Text))
	w.Hint = fmt.Sprintf("did you mean %s?", name)
	c.caution(w)
}

// eventName checks a value that evt.type is compared with.
func (c *checker) eventName(e *rule.Comparison, v *rule.Literal) {
	if n := e.Field.Name; n != "evt.type" && n != "syscall.type" || e.Op != rule.OpEq && e.Op != rule.OpNe && e.Op != rule.OpIn && e.Op != rule.OpIntersects {
		return
	}
	if _, ok := event.TypeByName(v.Text); ok {
		return
	}
	if isEventName(v.Text) {
		c.caution(c.at(v.Pos, fmt.Errorf("event type %s is %w: it never matches", v.Text, rule.ErrNotYet)))
		return
	}
	hint := suggest.DidYouMean(v.Text, knownEvents, c.Work)
	if hint != "" {
		c.wrong(v.Pos, hint, fmt.Errorf("unknown event type %s", v.Text))
		return
	}
	c.caution(c.at(v.Pos, fmt.Errorf("unknown event type %s: it never matches", v.Text)))
}
