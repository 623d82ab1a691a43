package predicate

import "github.com/goshawk-security/goshawk/internal/field"

// Result is what is known of a condition for one event, in two bits. And is the
// least of its parts, or the greatest.
type Result uint64

// The results.
const (
	Unevaluated Result = iota
	False
	Pending // Kleene's unknown: a value is on its way
	True
)

// Not is Kleene's: pending lies in the middle.
func (r Result) Not() Result { return True + False - r }

// Truth is True or False.
func Truth(b bool) Result {
	if b {
		return True
	}
	return False
}

// Scope says for how long a result stays the same.
type Scope uint8

// The scopes.
const (
	PerImage Scope = iota // for all events of a process image
	PerEvent              // for all names of an event
	PerName
	Scopes
)

// String names a scope by what has to change for a result to.
func (s Scope) String() string { return [...]string{"image", "event", "name"}[s] }

// scopeOf returns the scope of a predicate on a field.
func scopeOf(s field.Scope) Scope {
	switch s {
	case field.PerImage, field.PerProcess, field.PerNode:
		return PerImage
	case field.PerName:
		return PerName
	}
	return PerEvent
}
