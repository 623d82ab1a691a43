package kube

import (
	"sync"
	"time"
)

// recent keeps what was read for a while. Two that ask for the same at once ask once.
// The zero value is ready for use.
type recent[K comparable, V any] struct {
	mu   sync.Mutex
	have map[K]*slot[V]
}

type slot[V any] struct {
	mu   sync.Mutex
	v    V
	read time.Time // zero: never
}

// maxSlots bounds the keys; what is over is read anew.
const maxSlots = 1024

// get returns what is not older than namespaceAge, or reads it.
func (r *recent[K, V]) get(key K, read func() (V, error)) (V, error) {
	return r.younger(key, namespaceAge, read)
}

// younger returns what is not older than age, or reads it.
func (r *recent[K, V]) younger(key K, age time.Duration, read func() (V, error)) (V, error) {
	r.mu.Lock()
	s := r.have[key]
	if s == nil {
		if r.have == nil || len(r.have) >= maxSlots {
			r.have = map[K]*slot[V]{}
		}
		s = &slot[V]{}
		r.have[key] = s
	}
	r.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.read.IsZero() && time.Since(s.read) < age {
		return s.v, nil
	}
	v, err := read()
	if err == nil {
		s.v, s.read = v, time.Now()
	}
	return v, err
}
