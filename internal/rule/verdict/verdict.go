// Package verdict says for which types of event a condition can be true.
package verdict

import (
	"math/bits"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// Types is a set of event types.
type Types [(event.TypeCount + 63) / 64]uint64

// Add adds a type.
func (s *Types) Add(t event.Type) { s[t/64] |= 1 << (t % 64) }

// And returns the types that are in both.
func (s Types) And(o Types) Types {
	for i := range s {
		s[i] &= o[i]
	}
	return s
}

// Or returns the types that are in one.
func (s Types) Or(o Types) Types {
	for i := range s {
		s[i] |= o[i]
	}
	return s
}

// List lists the members in the order of the types.
func (s Types) List() []event.Type {
	var all []event.Type
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			all = append(all, event.Type(i*64+bits.TrailingZeros64(word)))
		}
	}
	return all
}

// Names writes the members for people, a few of many.
func (s Types) Names() string {
	var names []string
	for _, t := range s.List() {
		if len(names) == 5 {
			names = append(names, "…")
			break
		}
		names = append(names, t.String())
	}
	return strings.Join(names, ", ")
}

// Of makes a set.
func Of(types []event.Type) Types {
	var s Types
	for _, t := range types {
		s.Add(t)
	}
	return s
}

// Without returns the types that are not in o.
func (s Types) Without(o Types) Types {
	for i := range s {
		s[i] &^= o[i]
	}
	return s
}

// IsEmpty tells that there are none.
func (s Types) IsEmpty() bool { return s == Types{} }

// All returns the types that a rule can match.
func All() Types { return allTypes }

// allTypes are the types that a rule can match.
var allTypes = Of(event.Types())

// Verdict says of a condition, looking at the type of the event alone, for which
// types it may be true and for which it may be false. Both are kept because not
// swaps them: either may say too much, never too little.
type Verdict struct {
	Yes, No Types
}

// Always is the verdict of what is true for each event.
func Always() Verdict { return Verdict{Yes: allTypes} }

// Never is the verdict of what is false for each event.
func Never() Verdict { return Verdict{No: allTypes} }

// Maybe is the verdict of what nothing is known of.
func Maybe() Verdict { return Verdict{Yes: allTypes, No: allTypes} }

// And is the verdict of an and.
func (v Verdict) And(o Verdict) Verdict { return Verdict{Yes: v.Yes.And(o.Yes), No: v.No.Or(o.No)} }

// Or is the verdict of an or.
func (v Verdict) Or(o Verdict) Verdict { return Verdict{Yes: v.Yes.Or(o.Yes), No: v.No.And(o.No)} }

// Not is the verdict of a not.
func (v Verdict) Not() Verdict { return Verdict{Yes: v.No, No: v.Yes} }

// Carriers are the types of event that can have a field.
func Carriers(f *rule.FieldRef) Types {
	switch {
	case Undelivered(f.Field) != "":
		return Types{}
	case f.Field.Types == nil:
		return allTypes
	}
	return Of(f.Field.Types).And(allTypes)
}

// byType are the fields whose value depends on the type alone. False means
// that the type has none.
var byType = map[string]func(event.Type) (string, bool){
	"evt.type":     func(t event.Type) (string, bool) { return t.String(), true },
	"syscall.type": func(t event.Type) (string, bool) { return t.String(), t != event.ProcExit },
	"evt.category": func(t event.Type) (string, bool) { return t.Info().Category, true },
	"evt.dir":      func(event.Type) (string, bool) { return "<", true },
	"evt.source":   func(event.Type) (string, bool) { return rule.SourceSyscall, true },
}

// ByType tells that the type of an event alone decides the value of a field.
func ByType(f *rule.FieldRef) bool { return byType[f.Name] != nil }

// Undelivered says why a field never has a value, "" if it can have one.
func Undelivered(f *field.Field) string { return f.Undelivered }

// Exists is the Verdict of a test for a value.
func Exists(f *rule.FieldRef) Verdict {
	get := byType[f.Name]
	if get == nil {
		return Verdict{Yes: Carriers(f), No: allTypes}
	}
	return verdictOf(func(t event.Type) bool {
		_, ok := get(t)
		return ok
	})
}

func verdictOf(holds func(event.Type) bool) Verdict {
	var v Verdict
	for _, t := range event.Types() {
		if holds(t) {
			v.Yes.Add(t)
		} else {
			v.No.Add(t)
		}
	}
	return v
}

// Compare is the Verdict of a comparison.
func Compare(e *rule.Comparison) Verdict {
	get := byType[e.Field.Name]
	switch {
	case e.Right != nil:
		return Verdict{Yes: Carriers(&e.Field).And(Carriers(e.Right)), No: allTypes}
	case get == nil || !isPlain(e):
		return Verdict{Yes: Carriers(&e.Field), No: allTypes}
	}
	return verdictOf(func(t event.Type) bool {
		s, ok := get(t)
		return ok && Holds(e, s)
	})
}

// isPlain tells a comparison that Holds decides. The rest is the matcher's.
func isPlain(e *rule.Comparison) bool {
	switch e.Op {
	case rule.OpEq, rule.OpIn, rule.OpIntersects, rule.OpNe, rule.OpContains, rule.OpIContains, rule.OpStartsWith, rule.OpEndsWith:
		return true
	}
	return false
}

// Holds compares a text with the values of a comparison.
func Holds(e *rule.Comparison, s string) bool {
	n := 0
	for i := range e.Values {
		if holds(e.Op, s, e.Values[i].Text) {
			n++
		}
	}
	switch e.Quant {
	case rule.QuantOneOf:
		return n == 1
	case rule.QuantAllOf:
		return n > 0 && n == len(e.Values)
	}
	return n > 0
}

func holds(op rule.Op, s, text string) bool {
	switch op {
	case rule.OpEq, rule.OpIn, rule.OpIntersects:
		return s == text
	case rule.OpNe:
		return s != text
	case rule.OpContains:
		return strings.Contains(s, text)
	case rule.OpIContains:
		return strings.Contains(strings.ToLower(s), strings.ToLower(text))
	case rule.OpStartsWith:
		return strings.HasPrefix(s, text)
	case rule.OpEndsWith:
		return strings.HasSuffix(s, text)
	}
	return false
}
