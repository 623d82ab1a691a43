package match

import (
	"fmt"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// result is what is known of a node for one event, in two bits.
type result uint64

const (
	unevaluated result = iota
	isFalse
	isPending // Kleene's unknown: a value is on its way
	isTrue
)

// negated is Kleene's not: pending lies in the middle.
func negated(r result) result { return isTrue + isFalse - r }

func truth(b bool) result {
	if b {
		return isTrue
	}
	return isFalse
}

// nodeKind says how a node is evaluated.
type nodeKind uint8

const (
	kindPred nodeKind = iota
	kindAnd
	kindOr
	kindNot
)

func (k nodeKind) String() string { return [...]string{"pred", "and", "or", "not"}[k] }

// node is a part of one or more conditions.
type node struct {
	kind  nodeKind
	scope scope
	kids  []int32 // of and, or and not
	pred  *pred   // of a predicate
}

// scope says for how long the result of a node stays the same.
type scope uint8

const (
	perImage scope = iota // for all events of a process image
	perEvent              // for all names of an event
	perName
	scopes
)

// scopeOf returns the scope of a predicate on a field.
func scopeOf(s field.Scope) scope {
	switch s {
	case field.PerImage, field.PerProcess, field.PerNode:
		return perImage
	case field.PerName:
		return perName
	}
	return perEvent
}

// test holds a present value against the literals of a comparison.
type test func(event.Value) bool

// pred is a comparison, or exists if test is nil.
type pred struct {
	key    string
	source *rule.Comparison // nil for exists
	field  *field.Field
	get    field.Getter
	arg    field.Arg
	test   test
	text   func(string) bool // the same test for a field that is a text

	// slotted is set for a text that is read by way of a slot of texts.
	slotted bool
	slot    int32
	scope   scope

	// each is set for a field with one value for each index: true for any.
	each  bool
	first int
	// sides are the getters that get stands for: true for any, and for != the
	// negation of equal for any.
	sides  []field.Getter
	negate bool
}

// readField makes the part of a predicate that reads the field.
func readField(ref *rule.FieldRef) (*pred, error) {
	f := ref.Field
	p := &pred{field: f, get: f.Get, arg: ref.Arg}
	if f.Arg == field.OptionalIndex && !ref.Arg.Given {
		p.each, p.first = true, f.First
	}
	for _, side := range f.Sides() {
		p.sides = append(p.sides, side.Get)
	}
	if len(p.sides) != len(f.Either) {
		return nil, fmt.Errorf("field %s: its sides are not in the catalogue", f.Name)
	}
	return p, nil
}

// isList tells that the field is a list, of which in asks something else than =.
func (p *pred) isList() bool { return p.field.Type == event.TypeList }

// eval evaluates the predicate for the event and the name that is selected.
func (p *pred) eval(ev *event.Event) result {
	res, _ := p.find(ev)
	return res
}

// find evaluates the predicate and returns the value that decided it.
func (p *pred) find(ev *event.Event) (result, event.Value) {
	switch {
	case p.each:
		return p.findIndex(ev)
	case p.sides != nil:
		return p.findSide(ev)
	}
	v := p.get(ev, p.arg)
	return p.judge(v), v
}

// judge evaluates the predicate for one value.
func (p *pred) judge(v event.Value) result {
	if v.IsPresent() {
		return truth(p.test == nil || p.test(v))
	}
	return p.judgeMissing(v.Presence())
}

// judgeMissing evaluates the predicate for a value that is not there.
func (p *pred) judgeMissing(presence event.Presence) result {
	switch presence {
	case event.Pending:
		return isPending
	case event.Unreadable:
		return truth(p.test == nil)
	}
	return isFalse
}

// findIndex tries every index until there is none. The bound holds for getters
// that never say absent.
func (p *pred) findIndex(ev *event.Event) (result, event.Value) {
	res, arg := isFalse, field.Arg{Given: true}
	for arg.Index = p.first; arg.Index < p.first+event.MaxLineage; arg.Index++ {
		v := p.get(ev, arg)
		if v.Presence() == event.Absent {
			break
		}
		switch p.judge(v) {
		case isTrue:
			return isTrue, v
		case isPending:
			res = isPending
		}
	}
	return res, event.Value{}
}

// findSide tries every side. For != the test is that of equality and the
// result is turned round, unless no side is there.
func (p *pred) findSide(ev *event.Event) (result, event.Value) {
	res, there, last := isFalse, false, event.Value{}
	for _, get := range p.sides {
		v := get(ev, p.arg)
		if v.IsPresent() {
			there, last = true, v
		}
		switch p.judge(v) {
		case isTrue:
			return truth(!p.negate), v
		case isPending:
			res = isPending
		}
	}
	if p.negate && res == isFalse && there {
		return isTrue, last
	}
	return res, last
}
