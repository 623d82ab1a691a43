package match

import (
	"fmt"
	"slices"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/match/text"
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
	kind   nodeKind
	scope  scope
	kids   []int32 // of and, or and not
	pred   *pred   // of a predicate
	effort effort
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

// pred is a comparison, or exists if it has neither test nor right.
type pred struct {
	reader
	key    string
	source *rule.Comparison // nil for exists
	scope  scope
	test   test

	// right is what the field is compared with by pair instead of literals.
	right *reader
	pair  pairTest
	// all is set for != of a field with two sides: it must be true for all that are
	// there. Any other comparison is true if it is for one.
	all bool

	// text is the test of a field that is a text; that of = if invert is set.
	text   text.Test
	invert bool
	// slotted is set for a text that is read by way of a slot of texts; indexed, if
	// the slot's index finds what the test needs, under the number bit.
	slotted, indexed bool
	slot, bit        int32
}

// reader reads a field, which may have several values.
type reader struct {
	field  *field.Field
	get    field.Getter
	arg    field.Arg
	each   bool // one value for each index
	single bool // one value
	// sides are the getters that get stands for.
	sides []field.Getter
}

// newReader makes what reads a field.
func newReader(ref *rule.FieldRef) (reader, error) {
	f := ref.Field
	if f == nil {
		return reader{}, fmt.Errorf("field %s is not known", ref.Text)
	}
	r := reader{field: f, get: f.Get, arg: ref.Arg, each: f.Arg == field.OptionalIndex && !ref.Arg.Given}
	for _, side := range f.Sides() {
		r.sides = append(r.sides, side.Get)
	}
	if len(r.sides) != len(f.Either) {
		return r, fmt.Errorf("field %s: its sides are not in the catalogue", f.Name)
	}
	r.single = !r.each && r.sides == nil
	return r, nil
}

// value returns the i-th value, and whether there is one. The bound holds for
// getters that never say absent.
func (r *reader) value(ev *event.Event, i int) (event.Value, bool) {
	switch {
	case r.each:
		if i == event.MaxLineage {
			return event.Value{}, false
		}
		v := r.get(ev, field.Arg{Given: true, Index: r.field.First + i})
		return v, v.Presence() != event.Absent
	case r.sides != nil:
		if i == len(r.sides) {
			return event.Value{}, false
		}
		return r.sides[i](ev, r.arg), true
	case i == 0:
		return r.get(ev, r.arg), true
	}
	return event.Value{}, false
}

// carries tells that events of a type can have the field.
func (r *reader) carries(t event.Type) bool {
	return r.field.Types == nil || slices.Contains(r.field.Types, t)
}

// isList tells that the field is a list, of which in asks something else than =.
func (r *reader) isList() bool { return r.field.Type == event.TypeList }

// eval evaluates the predicate for the event and the name that is selected.
func (p *pred) eval(ev *event.Event) result {
	if p.single {
		return p.judge(ev, p.get(ev, p.arg))
	}
	res, _ := p.find(ev)
	return res
}

// find evaluates the predicate and returns the value that decided it.
func (p *pred) find(ev *event.Event) (result, event.Value) {
	if p.all {
		return p.findAll(ev)
	}
	res, found := isFalse, event.Value{}
	for i := 0; ; i++ {
		v, more := p.value(ev, i)
		if !more {
			return res, found
		}
		switch r := p.judge(ev, v); {
		case r == isTrue:
			return isTrue, v
		case r == isPending:
			res = isPending
		}
		if !p.each {
			found = v
		}
	}
}

// findAll is find for a comparison that must be true for every value that is there,
// and for one at least.
func (p *pred) findAll(ev *event.Event) (result, event.Value) {
	res, last := unevaluated, event.Value{}
	for i := 0; ; i++ {
		v, more := p.value(ev, i)
		switch {
		case !more && res == unevaluated:
			return isFalse, last
		case !more:
			return res, last
		case v.Presence() == event.Absent || v.Presence() == event.Unreadable:
			continue
		}
		r := p.judge(ev, v)
		if r == isFalse {
			return isFalse, v
		}
		if res == unevaluated || r < res {
			res = r
		}
		last = v
	}
}

// judge evaluates the predicate for one value.
func (p *pred) judge(ev *event.Event, v event.Value) result {
	switch {
	case p.right != nil:
		return p.judgePair(ev, v)
	case v.IsPresent():
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
		return truth(p.test == nil && p.right == nil)
	}
	return isFalse
}

// judgePair compares a value with those of the field on the right.
func (p *pred) judgePair(ev *event.Event, left event.Value) result {
	if left.Presence() == event.Absent || left.Presence() == event.Unreadable {
		return isFalse
	}
	all := p.source.Op == rule.OpNe && p.right.sides != nil
	res := unevaluated
	for i := 0; ; i++ {
		right, more := p.right.value(ev, i)
		if !more {
			return max(res, isFalse)
		}
		if right.Presence() == event.Absent || right.Presence() == event.Unreadable {
			continue
		}
		r := isPending
		if left.IsPresent() && right.IsPresent() {
			r = truth(p.pair(left, right))
		}
		if all && res != unevaluated {
			res = min(res, r)
		} else {
			res = max(res, r)
		}
	}
}
