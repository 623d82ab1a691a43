package text

import (
	"slices"
	"strings"
)

// trie finds which of its patterns a text begins with, or, built backward, ends
// with. Equal beginnings are stored once; nodes of one child are joined with it.
type trie struct{ nodes []trieNode }

type trieNode struct {
	label string // what leads here from the parent
	first string // the byte with which each child's label begins
	child int32  // the first child; they lie one after the other
	ends  []end
}

// end is a pattern that ends at a node.
type end struct {
	kind Kind
	id   int32
}

// newTrie makes a trie of patterns, nil if there are none.
func newTrie(patterns []Pattern, backward bool) *trie {
	if len(patterns) == 0 {
		return nil
	}
	sorted := slices.Clone(patterns)
	if backward {
		for i := range sorted {
			sorted[i].Text = reverse(sorted[i].Text)
		}
	}
	slices.SortStableFunc(sorted, func(a, b Pattern) int { return strings.Compare(a.Text, b.Text) })
	t := &trie{nodes: make([]trieNode, 1)}
	t.grow(0, sorted, 0)
	if backward {
		for i := range t.nodes {
			t.nodes[i].label = reverse(t.nodes[i].label)
		}
	}
	return t
}

// grow makes what is below a node of patterns that are equal up to depth.
func (t *trie) grow(at int32, sorted []Pattern, depth int) {
	n := 0
	for n < len(sorted) && len(sorted[n].Text) == depth {
		t.nodes[at].ends = append(t.nodes[at].ends, end{sorted[n].Kind, sorted[n].ID})
		n++
	}
	sorted = sorted[n:]
	var groups [][]Pattern
	var first strings.Builder
	for len(sorted) > 0 {
		c := sorted[0].Text[depth]
		n := 1
		for n < len(sorted) && sorted[n].Text[depth] == c {
			n++
		}
		groups = append(groups, sorted[:n])
		first.WriteByte(c)
		sorted = sorted[n:]
	}
	child := int32(len(t.nodes))
	t.nodes[at].first, t.nodes[at].child = first.String(), child
	t.nodes = append(t.nodes, make([]trieNode, len(groups))...)
	for i, g := range groups {
		length := common(g[0].Text[depth:], g[len(g)-1].Text[depth:]) // sorted: the others lie between
		t.nodes[int(child)+i].label = g[0].Text[depth : depth+length]
		t.grow(child+int32(i), g, depth+length)
	}
}

// common is the length of the beginning that two texts share.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func reverse(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// find adds the patterns of some kinds, given as bits, that s begins with.
func (t *trie) find(s string, hits *Hits, kinds uint) {
	n, i := &t.nodes[0], 0
	for {
		for _, e := range n.ends {
			if kinds>>e.kind&1 != 0 && (e.kind == Prefix || i == len(s) || e.kind == Under && s[i] == '/') {
				hits.add(e.id)
			}
		}
		if i == len(s) {
			return
		}
		k := indexByte(n.first, s[i])
		if k < 0 {
			return
		}
		n = &t.nodes[int(n.child)+k]
		if len(n.label) > 1 && !strings.HasPrefix(s[i:], n.label) {
			return
		}
		i += len(n.label)
	}
}

// findEnd adds the patterns that s ends with, to a trie that was built backward.
func (t *trie) findEnd(s string, hits *Hits) {
	n := &t.nodes[0]
	for {
		for _, e := range n.ends {
			hits.add(e.id)
		}
		if s == "" {
			return
		}
		k := indexByte(n.first, s[len(s)-1])
		if k < 0 {
			return
		}
		n = &t.nodes[int(n.child)+k]
		if len(n.label) > 1 && !strings.HasSuffix(s, n.label) {
			return
		}
		s = s[:len(s)-len(n.label)]
	}
}

// indexByte is strings.IndexByte, which a call makes slow for short texts.
func indexByte(s string, c byte) int {
	if len(s) > 8 {
		return strings.IndexByte(s, c)
	}
	for i := range len(s) {
		if s[i] == c {
			return i
		}
	}
	return -1
}
