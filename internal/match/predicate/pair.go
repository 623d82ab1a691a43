package predicate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/match/text"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// pairTest compares two present values of an event.
type pairTest func(a, b event.Value) bool

// compilePair chooses the test of a field against a field by their types.
func compilePair(c *rule.Comparison) (pairTest, error) {
	left, right := c.Field.Field.Type, c.Right.Field.Type
	var t pairTest
	switch {
	case left == event.TypeList || right == event.TypeList:
		t = listPair(c.Op, left, right)
	case left == event.TypeString && right == event.TypeString:
		if two := textPair(c.Op); two != nil {
			t = func(a, b event.Value) bool { return two(a.Str(), b.Str()) }
		}
	case left == event.TypeIP && right == event.TypeIP:
		t = equalPair(c.Op, func(a, b event.Value) bool { return a.Addr() == b.Addr() })
	case left == event.TypeBool && right == event.TypeBool:
		t = equalPair(c.Op, func(a, b event.Value) bool { return a.Bool() == b.Bool() })
	case isNumber(left) && isNumber(right):
		t = numberPair(c.Op)
	}
	if t == nil {
		return nil, fmt.Errorf("%s: operator %s cannot compare %s with %s", c.Pos, c.Op, c.Field.Text, c.Right.Text)
	}
	return t, nil
}

func isNumber(t event.ValueType) bool {
	switch t {
	case event.TypeInt, event.TypeUint, event.TypePort, event.TypeDuration, event.TypeTime:
		return true
	}
	return false
}

// equalPair is for types that know no other comparison than that for equality.
func equalPair(op rule.Op, equal pairTest) pairTest {
	switch op {
	case rule.OpEq, rule.OpIn, rule.OpIntersects:
		return equal
	case rule.OpNe:
		return func(a, b event.Value) bool { return !equal(a, b) }
	}
	return nil
}

// numberPair compares numbers by their value, signed or not.
func numberPair(op rule.Op) pairTest {
	switch op {
	case rule.OpEq, rule.OpNe, rule.OpLt, rule.OpLe, rule.OpGt, rule.OpGe, rule.OpIn, rule.OpIntersects:
		return func(a, b event.Value) bool { return ordered(op, compareNumbers(a, b)) }
	}
	return nil
}

func compareNumbers(a, b event.Value) int {
	negativeA, negativeB := a.Type() == event.TypeInt && a.Int() < 0, b.Type() == event.TypeInt && b.Int() < 0
	switch {
	case negativeA && negativeB:
		return cmp.Compare(a.Int(), b.Int())
	case negativeA:
		return -1
	case negativeB:
		return 1
	}
	return cmp.Compare(a.Uint(), b.Uint())
}

// textPair is the operator with a text on both sides. There is none for pmatch
// and regex, as in Falco: their right side must be known when rules are compiled.
func textPair(op rule.Op) func(s, w string) bool {
	switch op {
	case rule.OpEq, rule.OpNe, rule.OpLt, rule.OpLe, rule.OpGt, rule.OpGe, rule.OpIn, rule.OpIntersects:
		return func(s, w string) bool { return ordered(op, strings.Compare(s, w)) }
	case rule.OpContains, rule.OpBContains:
		return strings.Contains
	case rule.OpStartsWith, rule.OpBStartsWith:
		return strings.HasPrefix
	case rule.OpEndsWith:
		return strings.HasSuffix
	case rule.OpIContains:
		return text.HasFold
	case rule.OpGlob:
		return func(s, w string) bool { return text.MatchGlob(w, s, false) }
	case rule.OpIGlob:
		return func(s, w string) bool { return text.MatchGlob(w, s, true) }
	}
	return nil
}

// listPair compares with a list on one side or both: in asks for all elements of
// the left one, intersects for one.
func listPair(op rule.Op, left, right event.ValueType) pairTest {
	if left != event.TypeList && left != event.TypeString || right != event.TypeList && right != event.TypeString {
		return nil
	}
	switch op {
	case rule.OpIn:
		return func(a, b event.Value) bool { return overlap(a, b, true) }
	case rule.OpIntersects:
		return func(a, b event.Value) bool { return overlap(a, b, false) }
	}
	return nil
}

func overlap(a, b event.Value, all bool) bool {
	has := func(s string) bool {
		if b.Type() == event.TypeList {
			return slices.Contains(b.List(), s)
		}
		return b.Str() == s
	}
	switch {
	case a.Type() != event.TypeList:
		return has(a.Str())
	case all:
		return len(a.List()) > 0 && allOf(a.List(), has)
	}
	return anyOf(a.List(), has)
}
