package format

import (
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// line writes a condition on one line, with one form for each thing that can be
// written in several.
func line(e rule.Expr) string {
	switch e := e.(type) {
	case *rule.And:
		return lineOf(e.Parts, " and ", true)
	case *rule.Or:
		return lineOf(e.Parts, " or ", false)
	case *rule.Not:
		switch e.X.(type) {
		case *rule.And, *rule.Or:
			return "not (" + line(e.X) + ")"
		}
		return "not " + line(e.X)
	case *rule.Exists:
		return compact(e.Field.Text) + " exists"
	case *rule.Comparison:
		return comparison(e)
	}
	return e.String()
}

// lineOf joins parts, those in parentheses that bind no tighter than the word.
func lineOf(parts []rule.Expr, word string, and bool) string {
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteString(word)
		}
		_, isOr := p.(*rule.Or)
		_, isAnd := p.(*rule.And)
		if isOr || isAnd && and {
			b.WriteString("(" + line(p) + ")")
		} else {
			b.WriteString(line(p))
		}
	}
	return b.String()
}

// comparison writes a comparison: blanks around the operator, = for ==, lists in
// parentheses with a comma and a blank, quotes where they were, " for '.
func comparison(e *rule.Comparison) string {
	left := compact(e.Field.Text) + " " + e.Op.String()
	switch {
	case e.Right != nil && e.Right.Call == nil:
		return left + " val(" + compact(e.Right.Text) + ")"
	case e.Right != nil:
		return left + " " + compact(e.Right.Text)
	}
	var values []string
	for _, v := range e.Values {
		values = append(values, rule.Quote(v.Text, v.Bare))
	}
	if e.Quant != rule.QuantNone {
		left += " " + e.Quant.String()
	}
	if list := e.Op.TakesList() || e.Quant != rule.QuantNone; list && !(len(e.Values) == 1 && e.Values[0].ListName) {
		return left + " (" + strings.Join(values, ", ") + ")"
	}
	return left + " " + strings.Join(values, "")
}

// compact leaves blanks out of a field or transformer, but for one behind a comma.
func compact(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\'':
			_, n, _ := rule.Unquote(s[i:])
			b.WriteString(s[i : i+n])
			i += n - 1
		case c == ',':
			b.WriteString(", ")
		case !rule.IsSpace(c):
			b.WriteByte(c)
		}
	}
	return b.String()
}
