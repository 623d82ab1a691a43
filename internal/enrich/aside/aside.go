package aside

import (
	"sync/atomic"
	"time"
)

// Runner bounds what runs aside. It is safe for use by any number of
// goroutines; Wait and Limit must not be changed while it is used.
type Runner struct {
	Wait  time.Duration // how long Do waits for a function
	Limit int32         // how many late functions may exist

	late atomic.Int32
	gone atomic.Uint64
}

// Late returns how many functions are late now.
func (r *Runner) Late() int { return int(r.late.Load()) }

// Full tells that Do would start nothing now.
func (r *Runner) Full() bool { return r.late.Load() >= r.Limit }

// Abandoned returns how often Do did not wait to the end.
func (r *Runner) Abandoned() uint64 { return r.gone.Load() }

// Do runs f and returns what it returned. It is false when f took longer than
// r.Wait, or was not started because too many earlier ones are still late; f then
// goes on by itself, and its result is dropped.
func Do[T any](r *Runner, f func() T) (T, bool) {
	var none T
	if r.Full() {
		r.gone.Add(1)
		return none, false
	}
	done := make(chan T, 1)
	var state atomic.Int32 // 0 runs, 1 whoever came first was here
	go func() {
		done <- f()
		if !state.CompareAndSwap(0, 1) {
			r.late.Add(-1)
		}
	}()
	timer := time.NewTimer(r.Wait)
	defer timer.Stop()
	select {
	case v := <-done:
		return v, true
	case <-timer.C:
	}
	r.late.Add(1)
	if !state.CompareAndSwap(0, 1) { // it came in this moment
		r.late.Add(-1)
		return <-done, true
	}
	r.gone.Add(1)
	return none, false
}
