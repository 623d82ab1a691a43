package match

import (
	"slices"

	"github.com/goshawk-security/goshawk/internal/event"
)

// decide works out what the type of an event alone says of each node: comparisons
// of evt.type, and fields that events of the type do not carry, which are absent.
// A matcher begins each event with these results, so that the parts of a condition
// that are about other types cost nothing.
func (s *Set) decide(t event.Type) memo {
	m := make(memo, memoWords(len(s.nodes)))
	ev := &event.Event{Type: t}
	for id := range s.nodes { // a node stands behind its parts
		n := &s.nodes[id]
		switch n.kind {
		case kindPred:
			m.set(int32(id), n.pred.decide(ev))
		case kindAnd:
			m.set(int32(id), decideAll(m, n.kids, isTrue, isFalse))
		case kindOr:
			m.set(int32(id), decideAll(m, n.kids, isFalse, isTrue))
		case kindNot:
			if r := m.get(n.kids[0]); r != unevaluated {
				m.set(int32(id), isTrue+isFalse-r)
			}
		}
	}
	return m
}

// decide evaluates a predicate that asks for nothing but the type of ev.
func (p *pred) decide(ev *event.Event) result {
	switch {
	case p.field.Name == "evt.type":
		return p.eval(ev)
	case p.field.Types != nil && !slices.Contains(p.field.Types, ev.Type):
		return isFalse
	}
	return unevaluated
}

// decideAll joins the parts of and or or: r if all have it, decides if one has
// that.
func decideAll(m memo, kids []int32, r, decides result) result {
	for _, kid := range kids {
		switch m.get(kid) {
		case decides:
			return decides
		case unevaluated:
			r = unevaluated
		}
	}
	return r
}
