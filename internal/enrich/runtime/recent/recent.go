// Package recent keeps what was learned last, a bounded number of it.
package recent

import "sync"

// Cache keeps the Max values that were put last. It is safe for use by any number of
// goroutines.
type Cache[V any] struct {
	Max int // not to be changed once it is used

	mu     sync.Mutex
	values map[string]V
	order  []string // of the keys, the oldest at next
	next   int
}

// Get returns the value of a key.
func (r *Cache[V]) Get(key string) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.values[key]
	return v, ok
}

// Put sets the value of a key.
func (r *Cache[V]) Put(key string, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.values == nil {
		r.values = map[string]V{}
	}
	if _, ok := r.values[key]; !ok {
		if len(r.order) < r.Max {
			r.order = append(r.order, key)
		} else {
			delete(r.values, r.order[r.next])
			r.order[r.next] = key
			r.next = (r.next + 1) % r.Max
		}
	}
	r.values[key] = v
}
