package literal

import (
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/syntax"
)

// Allows tells whether an operator can be used with a type of field. Texts have
// all operators: those on bytes too, which Falco gives to its one field of bytes.
func Allows(o rule.Op, t event.ValueType) bool {
	switch o {
	case rule.OpEq, rule.OpNe:
		return t != event.TypeList
	case rule.OpIn, rule.OpIntersects:
		return true
	case rule.OpLt, rule.OpLe, rule.OpGt, rule.OpGe:
		return t != event.TypeList && t != event.TypeBool && t != event.TypeIP
	}
	return t == event.TypeString
}

// Allowed lists the operators of a type, for a hint.
func Allowed(t event.ValueType) string {
	var names []string
	for _, o := range rule.Ops() {
		if Allows(o, t) {
			names = append(names, o.String())
		}
	}
	return strings.Join(append(names, syntax.WordExists), " ")
}
