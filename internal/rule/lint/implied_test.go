package lint

import (
	"fmt"
	"testing"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// TestImpliedIsBounded: comparing many rules with each other, or long lists, ends:
// without bounds it would take hours.
func TestImpliedIsBounded(t *testing.T) {
	name := &field.Field{Name: "proc.name"}
	compare := func(n int, text func(int) string) *rule.Comparison {
		c := &rule.Comparison{Field: rule.FieldRef{Name: "proc.name", Field: name}, Op: rule.OpContains, Quant: rule.QuantAnyOf}
		for i := range n {
			c.Values = append(c.Values, rule.Literal{Text: text(i)})
		}
		return c
	}
	var many, long []*rule.Rule
	for i := range 20_000 {
		many = append(many, &rule.Rule{Name: fmt.Sprint(i), Types: event.Types(),
			Condition: compare(1, func(int) string { return fmt.Sprint("x", i, "x") })})
	}
	for i := range 4 {
		long = append(long, &rule.Rule{Name: fmt.Sprint(i), Types: event.Types(),
			Condition: compare(50_000, func(j int) string { return fmt.Sprint(i, "x", j, "x") })})
	}
	if found := append(Implied(many), Implied(long)...); len(found) > 0 {
		t.Errorf("found %v", found[0])
	}
}
