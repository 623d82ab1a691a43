package predicate

import (
	"fmt"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// maxValues bounds the literals of a comparison that are written out.
const maxValues = 8

// Write writes a predicate as a rule file would have it.
func (p *Predicate) Write(b *strings.Builder) {
	c := p.Source
	if c == nil {
		b.WriteString(p.Key)
		return
	}
	b.WriteString(c.Field.Text + " " + c.Op.String() + " ")
	switch {
	case c.Right != nil && c.Right.Call != nil:
		b.WriteString(c.Right.Text)
	case c.Right != nil:
		b.WriteString("val(" + c.Right.Text + ")")
	case c.Op.TakesList() || c.Quant != rule.QuantNone || len(c.Values) != 1:
		if c.Quant != rule.QuantNone {
			b.WriteString(c.Quant.String() + " ")
		}
		var list []string
		for _, l := range c.Values[:min(len(c.Values), maxValues)] {
			list = append(list, rule.Quote(l.Text, true))
		}
		if n := len(c.Values) - maxValues; n > 0 {
			list = append(list, fmt.Sprintf("… %d more", n))
		}
		b.WriteString("(" + strings.Join(list, ", ") + ")")
	default:
		b.WriteString(rule.Quote(c.Values[0].Text, true))
	}
}
