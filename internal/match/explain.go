package match

import (
	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/match/graph"
	"github.com/goshawk-security/goshawk/internal/match/predicate"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// explain lists the comparisons that decided a rule, in the order of its text:
// all parts of an and, those parts of an or that are true, and so on through
// macros. Of a not it lists why its operand is false.
func (m *Matcher) explain(ev *event.Event, c *graph.Rule) []alert.Condition {
	x := &m.explainer
	clear(x.seen)
	clear(x.results)
	x.ev, x.list = ev, nil
	x.walk(c.Rule.Condition, predicate.True)
	return x.list
}

// explainer walks the tree of a condition. A matcher keeps one for its tables.
type explainer struct {
	graph *graph.Graph
	ev    *event.Event
	list  []alert.Condition
	seen  map[seenKey]bool // a macro that is named twice is walked once

	results map[int32]predicate.Result // of the nodes that were asked for
}

func newExplainer(g *graph.Graph) explainer {
	return explainer{graph: g, seen: map[seenKey]bool{}, results: map[int32]predicate.Result{}}
}

type seenKey struct {
	node int32
	want predicate.Result
}

// walk goes through the parts that have the result that is wanted.
func (x *explainer) walk(e rule.Expr, want predicate.Result) {
	key := seenKey{x.graph.Exprs[e], want}
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
		if !x.elsewhere(e.X) {
			x.walk(e.X, want.Not())
		}
	case *rule.MacroRef:
		delete(x.seen, key) // the reference and its tree are one node
		x.walk(e.Macro.Expr, want)
	case *rule.Comparison:
		x.add(&e.Field, key, e.String())
	case *rule.Exists:
		x.add(&e.Field, key, e.String())
	}
}

// namespaceField is what confines a rule, or an exception, to a namespace.
const namespaceField = "k8s.ns.name"

// elsewhere tells that a part is false since it is about another namespace: the
// exceptions that teams take for themselves decided nothing, and there may be many.
func (x *explainer) elsewhere(e rule.Expr) bool {
	and, ok := e.(*rule.And)
	if !ok || len(and.Parts) == 0 {
		return false
	}
	c, ok := and.Parts[0].(*rule.Comparison)
	return ok && c.Field.Name == namespaceField && x.known(x.graph.Exprs[c]) == predicate.False
}

func (x *explainer) walkAll(parts []rule.Expr, want predicate.Result) {
	for _, p := range parts {
		x.walk(p, want)
	}
}

// known works out a node of the whole condition anew: what was evaluated is what
// compilation left of it.
func (x *explainer) known(id int32) predicate.Result {
	if r, ok := x.results[id]; ok {
		return r
	}
	var r predicate.Result
	switch n := &x.graph.Nodes[id]; n.Kind {
	case graph.Comparison:
		r = n.Pred.Eval(x.ev)
	case graph.And:
		r = predicate.True
		for _, kid := range n.Kids {
			r = min(r, x.known(kid))
		}
	case graph.Or:
		r = predicate.False
		for _, kid := range n.Kids {
			r = max(r, x.known(kid))
		}
	case graph.Not:
		r = x.known(n.Kids[0]).Not()
	}
	x.results[id] = r
	return r
}

// add lists one comparison with the value that decided it.
func (x *explainer) add(ref *rule.FieldRef, key seenKey, text string) {
	n := &x.graph.Nodes[key.node]
	if key.want == predicate.False {
		text = "not " + text
	}
	_, v := n.Pred.Find(x.ev)
	if n.Pred.Each && !v.IsPresent() {
		v = ref.Get(x.ev) // none of them: show all
	}
	c := alert.Condition{Text: text, Field: ref.Text, Value: v.Any()}
	if name := x.ev.Name(); n.Scope == predicate.PerName && name.Provenance != event.NoName {
		c.Name = field.FormText(name.Form)
	}
	x.list = append(x.list, c)
}
