package aside

import (
	"testing"
	"time"
)

func TestDo(t *testing.T) {
	r := &Runner{Wait: time.Minute, Limit: 1}
	if v, ok := Do(r, func() int { return 7 }); !ok || v != 7 {
		t.Errorf("Do = %d, %v", v, ok)
	}
}

func TestDoLate(t *testing.T) {
	r := &Runner{Wait: time.Millisecond, Limit: 2}
	release := make(chan struct{})
	for range 2 {
		if _, ok := Do(r, func() int { <-release; return 1 }); ok {
			t.Fatal("a function that hangs was waited for")
		}
	}
	if r.Late() != 2 {
		t.Fatalf("Late = %d, want 2", r.Late())
	}
	ran := false
	if _, ok := Do(r, func() int { ran = true; return 1 }); ok || ran {
		t.Error("a third function ran")
	}
	close(release)
	for deadline := time.Now().Add(10 * time.Second); r.Late() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("late functions came back and still count as late")
		}
	}
	r.Wait = time.Minute
	if _, ok := Do(r, func() int { return 1 }); !ok {
		t.Error("refused after the late ones came back")
	}
	if r.Abandoned() != 3 {
		t.Errorf("Abandoned = %d, want 3", r.Abandoned())
	}
}
