package predicate

import (
	"strconv"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// RefKey is the same for references to the same value.
func RefKey(f *rule.FieldRef) string {
	if !f.Arg.Given {
		return f.Name
	}
	return f.Name + "[" + strconv.Quote(f.Arg.Name) + "," + strconv.Itoa(f.Arg.Index) + "]"
}

// Key is the same for comparisons that are always equal.
func Key(c *rule.Comparison) string {
	var b strings.Builder
	b.WriteString(RefKey(&c.Field))
	b.WriteByte(' ')
	b.WriteString(c.Op.String())
	if c.Quant != rule.QuantNone {
		b.WriteString(" " + c.Quant.String())
	}
	if c.Right != nil {
		b.WriteString(" val(" + RefKey(c.Right) + ")")
	}
	for _, l := range c.Values {
		b.WriteByte(' ')
		b.WriteString(strconv.Quote(l.Text))
	}
	return b.String()
}

// ExistsKey is Key for exists.
func ExistsKey(f *rule.FieldRef) string { return RefKey(f) + " exists" }
