package match

import (
	"strconv"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// refKey is the same for references to the same value.
func refKey(f *rule.FieldRef) string {
	if !f.Arg.Given {
		return f.Name
	}
	return f.Name + "[" + strconv.Quote(f.Arg.Name) + "," + strconv.Itoa(f.Arg.Index) + "]"
}

// comparisonKey is the same for comparisons that are always equal.
func comparisonKey(c *rule.Comparison) string {
	var b strings.Builder
	b.WriteString(refKey(&c.Field))
	b.WriteByte(' ')
	b.WriteString(c.Op.String())
	if c.Quant != rule.QuantNone {
		b.WriteString(" " + c.Quant.String())
	}
	if c.Right != nil {
		b.WriteString(" val(" + refKey(c.Right) + ")")
	}
	for _, l := range c.Values {
		b.WriteByte(' ')
		b.WriteString(strconv.Quote(l.Text))
	}
	return b.String()
}
