package rule

import "fmt"

// Problems collects what is wrong with rule files: errors keep a set from being
// loaded, warnings do not. A file can have a mistake in every few bytes, and nobody
// reads millions: of each kind those behind the first ten thousand are left out,
// and one more says so.
type Problems struct {
	Errors   []*Error
	Warnings []*Error
}

const maxProblems = 10_000

// Fail adds an error.
func (p *Problems) Fail(e *Error) { p.Errors = bounded(p.Errors, e, "mistakes") }

// Warn adds a warning.
func (p *Problems) Warn(e *Error) { p.Warnings = bounded(p.Warnings, e, "warnings") }

func bounded(all []*Error, e *Error, what string) []*Error {
	switch {
	case len(all) < maxProblems:
		return append(all, e)
	case len(all) == maxProblems:
		return append(all, &Error{Code: e.Code, Pos: e.Pos, Err: fmt.Errorf("there are more than %d %s: the others are not shown", maxProblems, what)})
	}
	return all
}
