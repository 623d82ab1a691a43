package budget

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// settles waits until so much is alive: cleanups run a moment after a collection.
func settles(t *testing.T, b *Budget, want int64) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); b.Alive() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d alive, want %d", b.Alive(), want)
		}
		runtime.GC()
	}
}

func TestText(t *testing.T) {
	b := New(1000)
	b.Text(strings.Repeat("s", least-1))
	if b.Alive() != 0 || b.Limit() != 1000 {
		t.Errorf("a short string: %d alive", b.Alive())
	}
	var held struct{ whole, part string }
	held.whole = strings.Repeat("x", 500)
	b.Text(held.whole)
	held.part = held.whole[490:]
	if b.Alive() != 500 {
		t.Errorf("%d alive", b.Alive())
	}
	held.whole = ""
	runtime.GC()
	runtime.GC()
	time.Sleep(10 * time.Millisecond)
	if b.Alive() != 500 {
		t.Errorf("%d alive while a part is held", b.Alive())
	}
	if held.part != strings.Repeat("x", 10) {
		t.Errorf("the part is %q", held.part)
	}
	held.part = ""
	settles(t, b, 0)
}

func TestCharge(t *testing.T) {
	b := New(1)
	p := &struct{ a [100]byte }{}
	Charge(b, p, 7)
	if b.Alive() != 7 {
		t.Errorf("%d alive", b.Alive())
	}
	runtime.KeepAlive(p)
	settles(t, b, 0)
}

func BenchmarkText(b *testing.B) {
	budget := New(1)
	b.ReportAllocs()
	for b.Loop() {
		budget.Text(strings.Repeat("x", 100))
	}
}
