package match

import (
	"fmt"
	"strings"
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
