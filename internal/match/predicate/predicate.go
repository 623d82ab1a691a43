package predicate

import (
	"fmt"
	"slices"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/match/text"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// test holds a present value against the literals of a comparison.
type test func(event.Value) bool

// Predicate is a comparison of a field, or the question whether it exists. It
// never changes.
type Predicate struct {
	Reader
	Key    string           // equal for predicates that are always equal
	Source *rule.Comparison // nil for exists
	Scope  Scope
	// Text is the test of a field that is a text, compared with literals; that of =
	// if Invert is set.
	Text   text.Test
	Invert bool

	test test
	// right is what the field is compared with by pair instead of literals.
	right *Reader
	pair  pairTest
	// all is set for != of a field with two sides: it must be true for all that are
	// there. Any other comparison is true if it is for one.
	all bool
}

// Exists returns the predicate that a field has a value.
func Exists(ref *rule.FieldRef) (*Predicate, error) {
	r, err := newReader(ref)
	if err != nil {
		return nil, err
	}
	return &Predicate{Reader: r, Key: ExistsKey(ref), Scope: scopeOf(r.Field.Scope)}, nil
}

// Compare returns the predicate of a comparison. != of a field with two sides asks
// that both differ, as in Falco.
func Compare(c *rule.Comparison) (*Predicate, error) {
	r, err := newReader(&c.Field)
	if err != nil {
		return nil, err
	}
	p := &Predicate{Reader: r, Key: Key(c), Source: c, Scope: scopeOf(r.Field.Scope), all: r.sides != nil && c.Op == rule.OpNe}
	if c.Right == nil {
		return p, p.compileTest(c)
	}
	right, err := newReader(c.Right)
	if err != nil {
		return nil, err
	}
	p.right = &right
	p.Scope = max(p.Scope, scopeOf(right.Field.Scope))
	p.pair, err = compilePair(c)
	return p, err
}

// Needs returns what the fields of the predicate need.
func (p *Predicate) Needs() field.Needs {
	if p.right != nil {
		return p.Field.Needs | p.right.Field.Needs
	}
	return p.Field.Needs
}

// Reader reads a field, which may have several values.
type Reader struct {
	Field  *field.Field
	Each   bool // one value for each index
	get    field.Getter
	arg    field.Arg
	single bool // one value
	// sides are the getters that get stands for.
	sides []field.Getter
}

// newReader makes what reads a field.
func newReader(ref *rule.FieldRef) (Reader, error) {
	f := ref.Field
	if f == nil {
		return Reader{}, fmt.Errorf("field %s is not known", ref.Text)
	}
	r := Reader{Field: f, get: f.Get, arg: ref.Arg, Each: f.Arg == field.OptionalIndex && !ref.Arg.Given}
	for _, side := range f.Sides() {
		r.sides = append(r.sides, side.Get)
	}
	if len(r.sides) != len(f.Either) {
		return r, fmt.Errorf("field %s: its sides are not in the catalogue", f.Name)
	}
	r.single = !r.Each && r.sides == nil
	return r, nil
}

// Get reads a field of one value.
func (r *Reader) Get(ev *event.Event) event.Value { return r.get(ev, r.arg) }

// IsText tells that the predicate holds a text, or each of several, against
// literals.
func (p *Predicate) IsText() bool { return p.Text.Holds != nil && p.sides == nil }

// Value returns the i-th value, and whether there is one. The bound holds for
// getters that never say absent.
func (r *Reader) Value(ev *event.Event, i int) (event.Value, bool) {
	switch {
	case r.Each:
		if i == event.MaxLineage {
			return event.Value{}, false
		}
		v := r.get(ev, field.Arg{Given: true, Index: r.Field.First + i})
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

// Carries tells that events of a type can have the field.
func (r *Reader) Carries(t event.Type) bool {
	return r.Field.Types == nil || slices.Contains(r.Field.Types, t)
}

// IsList tells that the field is a list, of which in asks something else than =.
func (r *Reader) IsList() bool { return r.Field.Type == event.TypeList }

// Eval evaluates the predicate for the event and the name that is selected.
func (p *Predicate) Eval(ev *event.Event) Result {
	if p.single {
		return p.judge(ev, p.get(ev, p.arg))
	}
	res, _ := p.Find(ev)
	return res
}

// Find evaluates the predicate and returns the value that decided it.
func (p *Predicate) Find(ev *event.Event) (Result, event.Value) {
	if p.all {
		return p.findAll(ev)
	}
	res, found := False, event.Value{}
	for i := 0; ; i++ {
		v, more := p.Value(ev, i)
		if !more {
			return res, found
		}
		switch r := p.judge(ev, v); {
		case r == True:
			return True, v
		case r == Pending:
			res = Pending
		}
		if !p.Each {
			found = v
		}
	}
}

// findAll is Find for a comparison that must be true for every value that is there,
// and for one at least.
func (p *Predicate) findAll(ev *event.Event) (Result, event.Value) {
	res, last := Unevaluated, event.Value{}
	for i := 0; ; i++ {
		v, more := p.Value(ev, i)
		switch {
		case !more && res == Unevaluated:
			return False, last
		case !more:
			return res, last
		case v.Presence() == event.Absent || v.Presence() == event.Unreadable:
			continue
		}
		r := p.judge(ev, v)
		if r == False {
			return False, v
		}
		if res == Unevaluated || r < res {
			res = r
		}
		last = v
	}
}

// judge evaluates the predicate for one value.
func (p *Predicate) judge(ev *event.Event, v event.Value) Result {
	switch {
	case p.right != nil:
		return p.judgePair(ev, v)
	case v.IsPresent():
		return Truth(p.test == nil || p.test(v))
	}
	return p.judgeMissing(v.Presence())
}

// JudgeText evaluates the predicate for a text that was read already.
func (p *Predicate) JudgeText(presence event.Presence, s string) Result {
	if presence == event.Present {
		return Truth(p.Text.Holds(s) != p.Invert)
	}
	return p.judgeMissing(presence)
}

// judgeMissing evaluates the predicate for a value that is not there.
func (p *Predicate) judgeMissing(presence event.Presence) Result {
	switch presence {
	case event.Pending:
		return Pending
	case event.Unreadable:
		return Truth(p.test == nil && p.right == nil)
	}
	return False
}

// judgePair compares a value with those of the field on the right.
func (p *Predicate) judgePair(ev *event.Event, left event.Value) Result {
	if left.Presence() == event.Absent || left.Presence() == event.Unreadable {
		return False
	}
	all := p.Source.Op == rule.OpNe && p.right.sides != nil
	res := Unevaluated
	for i := 0; ; i++ {
		right, more := p.right.Value(ev, i)
		if !more {
			return max(res, False)
		}
		if right.Presence() == event.Absent || right.Presence() == event.Unreadable {
			continue
		}
		r := Pending
		if left.IsPresent() && right.IsPresent() {
			r = Truth(p.pair(left, right))
		}
		if all && res != Unevaluated {
			res = min(res, r)
		} else {
			res = max(res, r)
		}
	}
}

// Carried tells that events of a type can have what the predicate compares.
func (p *Predicate) Carried(t event.Type) bool {
	return p.Field.Undelivered == "" && p.Carries(t) && (p.right == nil || p.right.Carries(t))
}

// IsConstant tells that the type of an event decides the predicate.
func (p *Predicate) IsConstant() bool {
	return p.Field.OfType && (p.right == nil || p.right.Field.OfType)
}

// Kernel says by what the kernel could decide the predicate.
func (p *Predicate) Kernel() field.KernelTest {
	if p.right != nil && !p.IsConstant() {
		if p.Scope == PerImage {
			return field.KernelProcess
		}
		return field.NotInKernel
	}
	return p.Field.InKernel()
}

// Aliases lists the other names that the literals of a path stand for.
func (p *Predicate) Aliases() []string {
	if p.Source == nil || p.right != nil || !p.Field.Path {
		return nil
	}
	var list []string
	for _, l := range p.Source.Values {
		for _, s := range spellings(p.Source.Op, l.Text) {
			if s != l.Text && !slices.Contains(list, s) {
				list = append(list, s)
			}
		}
	}
	return list
}
