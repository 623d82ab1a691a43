package format

import (
	"fmt"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// shape writes all that a tree means, and nothing of how it was written: not by what
// writes conditions, so that a mistake of that is found.
func shape(e rule.Expr) string {
	parts := func(list ...rule.Expr) string {
		var all []string
		for _, p := range list {
			all = append(all, shape(p))
		}
		return "(" + strings.Join(all, "; ") + ")"
	}
	switch e := e.(type) {
	case *rule.And:
		return "and" + parts(e.Parts...)
	case *rule.Or:
		return "or" + parts(e.Parts...)
	case *rule.Not:
		return "not" + parts(e.X)
	case *rule.MacroRef:
		return "macro " + e.Name
	case *rule.Exists:
		return "exists " + refShape(&e.Field)
	case *rule.Comparison:
		text := fmt.Sprint(refShape(&e.Field), e.Op, e.Quant)
		if e.Right != nil {
			text += refShape(e.Right)
		}
		for _, v := range e.Values {
			text += fmt.Sprintf(" %q:%v:%v", v.Text, v.Bare, v.ListName)
		}
		return text
	}
	return fmt.Sprintf("%T", e)
}

func refShape(f *rule.FieldRef) string {
	if f.Call == nil {
		return fmt.Sprintf("%s %+v", f.Name, f.Arg)
	}
	return fmt.Sprintf("%s%s %+v", f.Call.Func, operandShapes(f.Call.Args), f.Arg)
}

func operandShapes(args []rule.Operand) string {
	var all []string
	for _, a := range args {
		switch {
		case a.Ref != nil:
			all = append(all, refShape(a.Ref))
		case a.Lit != nil:
			all = append(all, fmt.Sprintf("%q:%v", a.Lit.Text, a.Lit.Bare))
		default:
			all = append(all, operandShapes(a.List))
		}
	}
	return "[" + strings.Join(all, " ") + "]"
}
