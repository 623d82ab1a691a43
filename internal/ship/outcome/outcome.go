// Package outcome says what became of a batch of alerts that a destination did
// not take whole.
//
// It is the vocabulary between ship, which owns the policy (queues, back-off,
// counting), and the packages of the destinations, which own the protocol. It
// stands below both so that neither has to import the other.
package outcome

import (
	"errors"
	"fmt"
	"time"
)

// Error is what Send returns when not every alert of a batch was taken, or when
// the destination asks for a pause. Each alert of the batch is in one of three states:
//
//   - named in Rejected: the destination will never take it;
//   - named in Retry: not taken so far, worth sending again;
//   - in neither: taken.
type Error struct {
	Err      error       // the cause, never nil
	Retry    []int       // positions in the batch, ascending
	Rejected []Rejection // in any order
	// After, if set, is how long to wait before the next try, because the
	// destination asked for it. Zero leaves it to the back-off.
	After time.Duration
	// Slow says that the destination works and asks for a pause of After before
	// the next request: that is no failure. What is in Retry was not tried yet.
	Slow bool
	// Blocked says that trying again is useless until a person has changed
	// something (a token, say). The sink notices the change by itself at the
	// next Send and does not trouble the destination before.
	Blocked bool
	// Gone says, with Blocked, that it is unlikely that anybody can change it
	// while the program runs: the reader of standard output has left.
	Gone bool
}

// Rejection is an alert that a destination refused for good.
type Rejection struct {
	Index  int    // position in the batch
	Reason string // what the destination said
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// RetryAll is the error of a batch of n alerts of which none was taken.
func RetryAll(n int, err error) *Error {
	e := &Error{Err: err, Retry: make([]int, n)}
	for i := range e.Retry {
		e.Retry[i] = i
	}
	return e
}

// Of returns what err says of a batch of n alerts: nil for nil, and for an
// error that says nothing about single alerts that all are to be sent again. An
// error that names a position outside the batch, or one twice, is not to be
// trusted: all are sent again.
func Of(err error, n int) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		return RetryAll(n, err)
	}
	named := make([]uint64, (n+63)/64)
	take := func(i int) bool {
		if i < 0 || i >= n || named[i/64]&(1<<(i%64)) != 0 {
			return false
		}
		named[i/64] |= 1 << (i % 64)
		return true
	}
	last := -1
	for _, i := range e.Retry {
		if i <= last || !take(i) {
			return RetryAll(n, fmt.Errorf("position %d of a batch of %d is outside of it, named twice or out of order: %w", i, n, e.Err))
		}
		last = i
	}
	for _, r := range e.Rejected {
		if !take(r.Index) {
			return RetryAll(n, fmt.Errorf("position %d of a batch of %d is outside of it or named twice: %w", r.Index, n, e.Err))
		}
	}
	return e
}
