package graph

import (
	"slices"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/match/predicate"
)

// folder leaves out of conditions what the type of an event decides: comparisons
// of evt.type, and fields that events of the type do not carry, which are absent.
// What is left is made of nodes of the same graph, so that types of which the same
// is left share it.
type folder struct {
	compiler *compiler
	ev       event.Event // of the type, and nothing else
	done     map[int32]remainder
}

// remainder is what a node comes to: a result, or, if there is none yet, a node.
type remainder struct {
	result predicate.Result
	node   int32
}

func (f *folder) fold(id int32) remainder {
	if left, ok := f.done[id]; ok {
		return left
	}
	left := remainder{node: id}
	switch n := f.compiler.graph.Nodes[id]; n.Kind { // a copy: fold adds nodes
	case Comparison:
		left.result = f.decide(n.Pred)
	case And:
		left = f.foldAll(n.Kind, n.Kids, predicate.True, predicate.False)
	case Or:
		left = f.foldAll(n.Kind, n.Kids, predicate.False, predicate.True)
	case Not:
		if left = f.fold(n.Kids[0]); left.result == predicate.Unevaluated {
			left.node = f.compiler.joined(Not, []int32{left.node})
		} else {
			left.result = left.result.Not()
		}
	}
	f.done[id] = left
	return left
}

// foldAll folds the parts of and or or: parts of the result neutral go, one of
// decides is the result.
func (f *folder) foldAll(kind Kind, kids []int32, neutral, decides predicate.Result) remainder {
	var left []int32
	for _, kid := range kids {
		switch part := f.fold(kid); part.result {
		case decides:
			return remainder{result: decides}
		case predicate.Unevaluated:
			if !slices.Contains(left, part.node) {
				left = append(left, part.node)
			}
		}
	}
	if kind == Or {
		left = f.compiler.merge(left)
	}
	switch len(left) {
	case 0:
		return remainder{result: neutral}
	case 1:
		return remainder{node: left[0]}
	}
	if common := f.compiler.common(left); kind == Or && len(common) > 0 {
		return f.factored(left, common)
	}
	return remainder{node: f.compiler.joined(kind, left)}
}

// common returns the parts that all of several ands have.
func (c *compiler) common(ands []int32) []int32 {
	var common []int32
	for i, id := range ands {
		if c.graph.Nodes[id].Kind != And {
			return nil
		}
		parts := c.graph.parts(id, predicate.PerImage)
		if i == 0 {
			common = parts
		}
		common = slices.DeleteFunc(common, func(part int32) bool { return !slices.Contains(parts, part) })
	}
	return common
}

// factored writes (a and b) or (a and c) as a and (b or c): what is common can then
// decide it alone.
func (f *folder) factored(ands, common []int32) remainder {
	c := f.compiler
	var rest []int32
	for _, id := range ands {
		own := slices.DeleteFunc(c.graph.parts(id, predicate.PerImage), func(part int32) bool { return slices.Contains(common, part) })
		switch len(own) {
		case 0: // the common parts alone are enough: they are this and
			return remainder{node: id}
		case 1:
			rest = append(rest, own[0])
		default:
			rest = append(rest, c.joined(And, own))
		}
	}
	rest = c.merge(rest)
	if len(rest) > 1 {
		rest = []int32{c.joined(Or, rest)}
	}
	return remainder{node: c.joined(And, append(common, rest...))}
}

// decide evaluates a predicate that asks for nothing but the type of the event.
func (f *folder) decide(p *predicate.Predicate) predicate.Result {
	switch {
	case !p.Carried(f.ev.Type):
		return predicate.False
	case p.IsConstant():
		return p.Eval(&f.ev)
	}
	return predicate.Unevaluated
}
