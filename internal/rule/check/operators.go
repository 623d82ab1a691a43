package check

import (
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/syntax"
)

// allows tells whether an operator can be used with a type of field. Texts have
// all operators: those on bytes too, which Falco gives to its one field of bytes.
func allows(o rule.Op, t event.ValueType) bool {
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

// allowed lists the operators of a type, for a hint.
func allowed(t event.ValueType) string {
	var names []string
	for _, o := range rule.Ops() {
		if allows(o, t) {
			names = append(names, o.String())
		}
	}
	return strings.Join(append(names, syntax.WordExists), " ")
}
