package rule

import "fmt"

// Error is a mistake in a rule file, at the place a person has to edit. Load
// joins all it finds, so that one run of check shows them all.
type Error struct {
	Pos  Pos
	Rule string // name of the rule, macro or list; empty before it was read
	Err  error  // the cause: errors.Is(err, ErrUnknownField) works
	Hint string // what to do; may be empty
}

func (e *Error) Error() string {
	s := e.Pos.String() + ": "
	if e.Rule != "" {
		s += fmt.Sprintf("rule %q: ", e.Rule)
	}
	s += e.Err.Error()
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// String writes file:line:col.
func (p Pos) String() string {
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}
