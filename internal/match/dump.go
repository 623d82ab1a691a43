package match

import (
	"fmt"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// String lists the compiled set: every node once, by number, then the rules
// with the node of their condition. A star marks what is evaluated for each
// name.
func (s *Set) String() string {
	var b strings.Builder
	for i := range s.nodes {
		n := &s.nodes[i]
		star := ' '
		if n.scope == perName {
			star = '*'
		}
		if n.kind == kindPred {
			fmt.Fprintf(&b, "%4d %c %s\n", i, star, n.pred.key)
		} else {
			fmt.Fprintf(&b, "%4d %c %s %v\n", i, star, n.kind, n.kids)
		}
	}
	for _, c := range s.rules {
		fmt.Fprintf(&b, "rule %q: %d\n", c.rule.Name, c.root)
	}
	return b.String()
}

// maxText bounds a condition that is written out, since what macros share is
// written each time. maxValues bounds the literals of a comparison.
const maxText, maxValues = 4000, 8

// text writes what a node is as a condition.
func (s *Set) text(root int32) string {
	var b strings.Builder
	s.write(&b, root, kindPred)
	if b.Len() > maxText {
		b.WriteString(" …")
	}
	return b.String()
}

// write writes a node that is part of one of another kind.
func (s *Set) write(b *strings.Builder, id int32, within nodeKind) {
	n := &s.nodes[id]
	if b.Len() > maxText {
		return
	}
	switch n.kind {
	case kindPred:
		n.pred.write(b)
		return
	case kindNot:
		b.WriteString("not ")
		s.write(b, n.kids[0], kindNot)
		return
	}
	if open := within != kindPred && within != n.kind; open {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	for i, kid := range n.kids {
		if i > 0 && b.Len() <= maxText {
			b.WriteString(" " + n.kind.String() + " ")
		}
		s.write(b, kid, n.kind)
	}
}

// write writes a predicate as a rule file would have it.
func (p *pred) write(b *strings.Builder) {
	c := p.source
	if c == nil {
		b.WriteString(p.key)
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
