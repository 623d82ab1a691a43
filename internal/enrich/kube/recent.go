package kube

import (
	"context"
	"slices"
	"sync"
	"time"
)

// recent keeps what was read for a while. Those that ask for the same at once ask once.
type recent[K comparable, V any] struct {
	max int                   // values that are kept
	age func(V) time.Duration // for which one is true
	mu  sync.Mutex
	// have is dropped to a half when it is full: what was asked for last stays.
	have map[K]*slot[V]
}

type slot[V any] struct {
	busy chan struct{} // holds one while somebody reads; guards v and read
	v    V
	read time.Time // zero: never
	used time.Time // guarded by recent.mu
}

func newRecent[K comparable, V any](size int, age func(V) time.Duration) *recent[K, V] {
	return &recent[K, V]{max: size, age: age, have: map[K]*slot[V]{}}
}

// get returns what is known of key, or reads it. What is old is better than nothing: it
// is returned if reading fails.
func (r *recent[K, V]) get(ctx context.Context, key K, read func(context.Context) (V, error)) (V, error) {
	s := r.slot(key)
	select {
	case s.busy <- struct{}{}:
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
	defer func() { <-s.busy }()
	if !s.read.IsZero() && time.Since(s.read) < r.age(s.v) {
		return s.v, nil
	}
	v, err := read(ctx)
	switch {
	case err == nil:
		s.v, s.read = v, time.Now()
	case s.read.IsZero():
		return v, err
	}
	return s.v, nil
}

func (r *recent[K, V]) slot(key K) *slot[V] {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.have[key]
	if s == nil {
		if len(r.have) >= r.max {
			r.forget()
		}
		s = &slot[V]{busy: make(chan struct{}, 1)}
		r.have[key] = s
	}
	s.used = time.Now()
	return s
}

// forget drops the half that was not asked for the longest.
func (r *recent[K, V]) forget() {
	times := make([]time.Time, 0, len(r.have))
	for _, s := range r.have {
		times = append(times, s.used)
	}
	slices.SortFunc(times, time.Time.Compare)
	middle := times[len(times)/2]
	for key, s := range r.have {
		if !s.used.After(middle) {
			delete(r.have, key)
		}
	}
}
