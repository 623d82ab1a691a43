package budget

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// least is the length from which strings are charged: shorter ones cost less
// than the charge.
const least = 64

// Budget counts what is alive against a limit that its user enforces. It is safe
// for use by any number of goroutines.
type Budget struct {
	limit int64
	alive atomic.Int64
}

// New returns a Budget of which nothing is used.
func New(limit int64) *Budget { return &Budget{limit: limit} }

// Limit returns the limit.
func (b *Budget) Limit() int64 { return b.limit }

// Alive returns what was charged and was not collected yet.
func (b *Budget) Alive() int64 { return b.alive.Load() }

// Text charges the length of a string as long as its bytes are held by anybody.
// It must be one that was allocated, whole and not charged before.
func (b *Budget) Text(s string) {
	if len(s) >= least {
		Charge(b, unsafe.StringData(s), int64(len(s)))
	}
}

// Charge charges n as long as what p points to is held by anybody.
func Charge[T any](b *Budget, p *T, n int64) {
	b.alive.Add(n)
	runtime.AddCleanup(p, release, charge{b, n})
}

type charge struct {
	budget *Budget
	n      int64
}

func release(c charge) { c.budget.alive.Add(-c.n) }
