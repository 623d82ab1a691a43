package ship

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/alert"
)

func numbered(id int) *alert.Alert { return &alert.Alert{ID: fmt.Sprint(id)} }

func queueIDs(q *queue) []string {
	var ids []string
	for _, it := range slices.Concat(q.head, q.items) {
		ids = append(ids, it.alert.ID)
	}
	return ids
}

// sheds is the sum over all causes.
func sheds(c counts) (sum uint64) {
	for _, n := range c.shed {
		sum += n
	}
	return sum
}

func TestQueueShedsTheOldest(t *testing.T) {
	for _, tt := range []struct {
		name     string
		limits   Queue
		sizes    []int // pushed in order, ids 0, 1, …
		taken    int   // on their way after the first taken pushes
		want     []string
		wantShed uint64
	}{
		{"fits", Queue{Alerts: 3, Bytes: 100}, []int{10, 10, 10}, 0, []string{"0", "1", "2"}, 0},
		{"alerts", Queue{Alerts: 3, Bytes: 100}, []int{10, 10, 10, 10, 10}, 0, []string{"2", "3", "4"}, 2},
		{"bytes", Queue{Alerts: 9, Bytes: 100}, []int{40, 40, 40}, 0, []string{"1", "2"}, 1},
		{"a large one for many", Queue{Alerts: 9, Bytes: 100}, []int{30, 30, 30, 95}, 0, []string{"3"}, 3},
		{"larger than the queue", Queue{Alerts: 9, Bytes: 100}, []int{30, 101, 30}, 0, []string{"0", "2"}, 1},
		{"some on their way", Queue{Alerts: 3, Bytes: 100}, []int{10, 10, 10, 10, 10}, 2, []string{"0", "1", "4"}, 2},
		{"all on their way", Queue{Alerts: 2, Bytes: 100}, []int{10, 10, 10}, 2, []string{"0", "1"}, 1},
		{"bytes on their way", Queue{Alerts: 9, Bytes: 100}, []int{60, 30, 50}, 1, []string{"0"}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := newQueue(tt.limits)
			sum := 0
			for i, size := range tt.sizes {
				q.push(numbered(i), size)
				if tt.taken > 0 && i == tt.taken-1 {
					q.take(nil, tt.taken, 1<<20)
				}
			}
			for _, it := range slices.Concat(q.head, q.items) {
				sum += it.size
			}
			if diff := cmp.Diff(tt.want, queueIDs(q)); diff != "" {
				t.Errorf("queue (-want +got):\n%s", diff)
			}
			if n := sheds(q.counts); n != tt.wantShed || q.bytes != sum {
				t.Errorf("shed %d and %d bytes, want %d and %d", n, q.bytes, tt.wantShed, sum)
			}
		})
	}
}

func TestQueueSettle(t *testing.T) {
	q := newQueue(Queue{})
	for i := range 6 {
		q.push(numbered(i), 10)
	}
	batch := q.take(nil, 4, 1<<20)
	if len(batch) != 4 {
		t.Fatalf("took %d, want 4", len(batch))
	}
	q.settle([]int{1, 3}, 1, true) // 0 was sent, 2 refused or the other way round
	if diff := cmp.Diff([]string{"1", "3", "4", "5"}, queueIDs(q)); diff != "" {
		t.Errorf("queue (-want +got):\n%s", diff)
	}
	q.take(nil, 3, 1<<20)
	q.settle(nil, 0, false)
	want := counts{accepted: 6, sent: 4, rejected: 1, retried: 2}
	if n, bytes, got := q.snapshot(); n != 1 || bytes != 10 || got != want {
		t.Errorf("%d alerts, %d bytes, %+v; want 1, 10, %+v", n, bytes, got, want)
	}
	q.take(nil, 9, 1<<20)
	if n := q.abandon(); n != 1 {
		t.Errorf("abandoned %d, want 1", n)
	}
	q.settle([]int{0}, 0, true) // a send that ends late
	if n, why := q.push(numbered(9), 1); n != 1 || why != causeEnd {
		t.Error("a closed queue took an alert")
	}
}

func TestQueueTakeBytes(t *testing.T) {
	q := newQueue(Queue{})
	for i, size := range []int{500, 10, 90, 1} {
		q.push(numbered(i), size)
	}
	for _, want := range []int{1, 2, 1, 0} {
		if got := q.take(nil, 10, 100); len(got) != want {
			t.Fatalf("took %d, want %d", len(got), want)
		}
		q.settle(nil, 0, false)
	}
}

// Any order of pushes, takes and settles keeps the order of the alerts, the
// limits and the sum: accepted = sent + shed + rejected + waiting.
func TestQueueProperty(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		q := newQueue(Queue{Alerts: 1 + rnd.IntN(20), Bytes: 50 + rnd.IntN(500)})
		out := 0
		for i := range 400 {
			switch {
			case rnd.IntN(3) > 0:
				q.push(&alert.Alert{ID: fmt.Sprintf("%04d", i)}, 1+rnd.IntN(60))
			case q.sending == 0:
				out = len(q.take(nil, 1+rnd.IntN(8), 1+rnd.IntN(200)))
			default:
				var retry []int
				for j := range out {
					if rnd.IntN(2) == 0 {
						retry = append(retry, j)
					}
				}
				q.settle(retry, rnd.IntN(out-len(retry)+1), rnd.IntN(2) == 0)
			}
			n, bytes, c := q.snapshot()
			if c.accepted != c.sent+sheds(c)+c.rejected+uint64(n) || n > q.maxAlerts || bytes > q.maxBytes {
				t.Fatalf("seed %d: %d alerts, %d bytes, %+v", seed, n, bytes, c)
			}
			if !slices.IsSorted(queueIDs(q)) {
				t.Fatalf("seed %d: order is %v", seed, queueIDs(q))
			}
		}
	}
}

func BenchmarkPushFull(b *testing.B) {
	for _, sending := range []int{0, 100} {
		for _, limit := range []int{DefaultQueueAlerts, maxQueueAlerts} {
			b.Run(fmt.Sprintf("sending=%d/limit=%d", sending, limit), func(b *testing.B) { benchmarkPush(b, sending, limit) })
		}
	}
}

func benchmarkPush(b *testing.B, sending, limit int) {
	q := newQueue(Queue{Alerts: limit})
	a := numbered(1)
	for range limit {
		q.push(a, 1)
	}
	q.take(nil, sending, 1<<20)
	b.ReportAllocs()
	for b.Loop() {
		q.push(a, 1)
	}
	if sheds(q.counts) == 0 {
		b.Fatal("nothing was shed: this measures the wrong thing")
	}
}

// Pushing into a full queue while a batch is on its way costs the same whatever
// the length of the queue: it does not move what waits.
func TestPushFullMovesNothing(t *testing.T) {
	const limit = 200_000
	q := newQueue(Queue{Alerts: limit})
	a := numbered(1)
	for range limit {
		q.push(a, 1)
	}
	q.take(nil, maxBatch, 1<<20)
	begin := time.Now()
	for range 20_000 {
		q.push(a, 1)
	}
	// Moving 200,000 alerts 20,000 times is more than a minute.
	if d := time.Since(begin); d > 3*time.Second {
		t.Errorf("20,000 pushes took %v", d)
	}
}
