package graph

import (
	"fmt"
	"strings"

	"github.com/goshawk-security/goshawk/internal/match/predicate"
)

// String lists the compiled rules: every node once, by number, then the rules
// with the node of their condition. A star marks what is evaluated for each
// name.
func (g *Graph) String() string {
	var b strings.Builder
	for i := range g.Nodes {
		n := &g.Nodes[i]
		star := ' '
		if n.Scope == predicate.PerName {
			star = '*'
		}
		if n.Kind == Comparison {
			fmt.Fprintf(&b, "%4d %c %s\n", i, star, n.Pred.Key)
		} else {
			fmt.Fprintf(&b, "%4d %c %s %v\n", i, star, n.Kind, n.Kids)
		}
	}
	for _, c := range g.Rules {
		fmt.Fprintf(&b, "rule %q: %d\n", c.Rule.Name, c.Root)
	}
	return b.String()
}

// maxText bounds a condition that is written out, since what macros share is
// written each time.
const maxText = 4000

// Text writes what a node is as a condition, cut where it is long.
func (g *Graph) Text(root int32) string {
	var b strings.Builder
	g.write(&b, root, Comparison)
	if b.Len() > maxText {
		b.WriteString(" …")
	}
	return b.String()
}

// write writes a node that is part of one of another kind.
func (g *Graph) write(b *strings.Builder, id int32, within Kind) {
	n := &g.Nodes[id]
	if b.Len() > maxText {
		return
	}
	switch n.Kind {
	case Comparison:
		n.Pred.Write(b)
		return
	case Not:
		b.WriteString("not ")
		g.write(b, n.Kids[0], Not)
		return
	}
	if open := within != Comparison && within != n.Kind; open {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	for i, kid := range n.Kids {
		if i > 0 && b.Len() <= maxText {
			b.WriteString(" " + n.Kind.String() + " ")
		}
		g.write(b, kid, n.Kind)
	}
}
