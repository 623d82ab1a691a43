package match

import (
	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// explain lists the comparisons that decided a rule, in the order of its text:
// all parts of an and, those parts of an or that are true, and so on through
// macros. Of a not it lists why its operand is false.
func (m *Matcher) explain(ev *event.Event, c *compiled) []alert.Condition {
	x := &m.explainer
	clear(x.seen)
	clear(x.results)
	x.ev, x.list = ev, nil
	x.walk(c.rule.Condition, isTrue)
	return x.list
}

// explainer walks the tree of a condition. A matcher keeps one for its tables.
type explainer struct {
	set  *Set
	ev   *event.Event
	list []alert.Condition
	seen map[seenKey]bool // a macro that is named twice is walked once

	results map[int32]result // of the nodes that were asked for
}

func newExplainer(s *Set) explainer {
	return explainer{set: s, seen: map[seenKey]bool{}, results: map[int32]result{}}
}

type seenKey struct {
	node int32
	want result
}

// walk goes through the parts that have the result that is wanted.
func (x *explainer) walk(e rule.Expr, want result) {
	key := seenKey{x.set.exprs[e], want}
	if x.known(key.node) != want || x.seen[key] {
		return
	}
	x.seen[key] = true
	switch e := e.(type) {
	case *rule.And:
		x.walkAll(e.Parts, want)
	case *rule.Or:
		x.walkAll(e.Parts, want)
	case *rule.Not:
		x.walk(e.X, negated(want))
	case *rule.MacroRef:
		delete(x.seen, key) // the reference and its tree are one node
		x.walk(e.Macro.Expr, want)
	case *rule.Comparison:
		x.add(&e.Field, key, e.String())
	case *rule.Exists:
		x.add(&e.Field, key, e.String())
	}
}

func (x *explainer) walkAll(parts []rule.Expr, want result) {
	for _, p := range parts {
		x.walk(p, want)
	}
}

// known works out a node of the whole condition anew: what was evaluated is what
// compilation left of it.
func (x *explainer) known(id int32) result {
	if r, ok := x.results[id]; ok {
		return r
	}
	var r result
	switch n := &x.set.nodes[id]; n.kind {
	case kindPred:
		r = n.pred.eval(x.ev)
	case kindAnd:
		r = isTrue
		for _, kid := range n.kids {
			r = min(r, x.known(kid))
		}
	case kindOr:
		r = isFalse
		for _, kid := range n.kids {
			r = max(r, x.known(kid))
		}
	case kindNot:
		r = negated(x.known(n.kids[0]))
	}
	x.results[id] = r
	return r
}

// add lists one comparison with the value that decided it.
func (x *explainer) add(ref *rule.FieldRef, key seenKey, text string) {
	n := &x.set.nodes[key.node]
	if key.want == isFalse {
		text = "not " + text
	}
	_, v := n.pred.find(x.ev)
	if n.pred.each && !v.IsPresent() {
		v = ref.Get(x.ev) // none of them: show all
	}
	c := alert.Condition{Text: text, Field: ref.Text, Value: v.Any()}
	if name := x.ev.Name(); n.scope == perName && name.Provenance != event.NoName {
		c.Name = field.FormText(name.Form)
	}
	x.list = append(x.list, c)
}
