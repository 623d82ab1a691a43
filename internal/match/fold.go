package match

import (
	"slices"

	"github.com/goshawk-security/goshawk/internal/event"
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
	result result
	node   int32
}

func (f *folder) fold(id int32) remainder {
	if left, ok := f.done[id]; ok {
		return left
	}
	left := remainder{node: id}
	switch n := f.compiler.set.nodes[id]; n.kind { // a copy: fold adds nodes
	case kindPred:
		left.result = n.pred.decide(&f.ev)
	case kindAnd:
		left = f.foldAll(n.kind, n.kids, isTrue, isFalse)
	case kindOr:
		left = f.foldAll(n.kind, n.kids, isFalse, isTrue)
	case kindNot:
		if left = f.fold(n.kids[0]); left.result == unevaluated {
			left.node = f.compiler.joined(kindNot, []int32{left.node})
		} else {
			left.result = negated(left.result)
		}
	}
	f.done[id] = left
	return left
}

// foldAll folds the parts of and or or: parts of the result neutral go, one of
// decides is the result.
func (f *folder) foldAll(kind nodeKind, kids []int32, neutral, decides result) remainder {
	var left []int32
	for _, kid := range kids {
		switch part := f.fold(kid); part.result {
		case decides:
			return remainder{result: decides}
		case unevaluated:
			if !slices.Contains(left, part.node) {
				left = append(left, part.node)
			}
		}
	}
	if kind == kindOr {
		left = f.compiler.merge(left)
	}
	switch len(left) {
	case 0:
		return remainder{result: neutral}
	case 1:
		return remainder{node: left[0]}
	}
	if common := f.compiler.common(left); kind == kindOr && len(common) > 0 {
		return f.factored(left, common)
	}
	return remainder{node: f.compiler.joined(kind, left)}
}

// common returns the parts that all of several ands have.
func (c *compiler) common(ands []int32) []int32 {
	var common []int32
	for i, id := range ands {
		if c.set.nodes[id].kind != kindAnd {
			return nil
		}
		parts := c.set.parts(id, perImage)
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
		own := slices.DeleteFunc(c.set.parts(id, perImage), func(part int32) bool { return slices.Contains(common, part) })
		switch len(own) {
		case 0: // the common parts alone are enough: they are this and
			return remainder{node: id}
		case 1:
			rest = append(rest, own[0])
		default:
			rest = append(rest, c.joined(kindAnd, own))
		}
	}
	rest = c.merge(rest)
	if len(rest) > 1 {
		rest = []int32{c.joined(kindOr, rest)}
	}
	return remainder{node: c.joined(kindAnd, append(common, rest...))}
}

// decide evaluates a predicate that asks for nothing but the type of ev.
func (p *pred) decide(ev *event.Event) result {
	switch {
	case p.field.OfType && (p.right == nil || p.right.field.OfType):
		return p.eval(ev)
	case p.field.Undelivered != "", !p.reader.carries(ev.Type), p.right != nil && !p.right.carries(ev.Type):
		return isFalse
	}
	return unevaluated
}
