package rule

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// The causes that callers tell apart with errors.Is.
var (
	ErrUnknownField = errors.New("unknown field")
	ErrUnknownMacro = errors.New("unknown macro")
	ErrUnknownList  = errors.New("unknown list")
	// ErrNotYet marks what Falco's language has and this version does not know.
	ErrNotYet = errors.New("not known to this version of goshawk yet")
)

// Error is a mistake in a rule file, at the place a person has to edit. Load
// joins all it finds, so that one run of check shows them all.
type Error struct {
	Code Code
	Pos  Pos
	Kind string // "macro" or "list" if that is what Rule names; empty for a rule
	Rule string // name of the rule, macro or list; empty before it was read
	Err  error  // the cause: errors.Is(err, ErrUnknownField) works
	Hint string // what to do; may be empty
}

func (e *Error) Error() string {
	s := e.Pos.String() + ": "
	if e.Rule != "" {
		kind := e.Kind
		if kind == "" {
			kind = KindRule
		}
		s += fmt.Sprintf("%s %q: ", kind, e.Rule)
	}
	s += e.Err.Error()
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// String writes file:line:col, or the file alone if there is no line.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Compare orders places by file, line and column.
func (p Pos) Compare(q Pos) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Col, q.Col))
}

// Errors unpacks what Load or Parse returned: every mistake, in the order of
// files and lines. An error that is none of ours is left out.
func Errors(err error) []*Error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*Error
		for _, e := range joined.Unwrap() {
			all = append(all, Errors(e)...)
		}
		return all
	}
	var e *Error
	if errors.As(err, &e) {
		return []*Error{e}
	}
	return nil
}

// Tidy sorts mistakes by place and drops what was said twice: a list that many
// conditions use, a file that was named twice.
func Tidy(all []*Error) []*Error {
	slices.SortStableFunc(all, func(a, b *Error) int { return a.Pos.Compare(b.Pos) })
	return slices.CompactFunc(all, func(a, b *Error) bool {
		return a.Pos == b.Pos && a.Rule == b.Rule && a.Hint == b.Hint && a.Err.Error() == b.Err.Error()
	})
}
