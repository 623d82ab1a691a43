package held

import (
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/goshawk-security/goshawk/internal/decode"
	"github.com/goshawk-security/goshawk/internal/event"
)

// Config bounds a Queue.
type Config struct {
	Events int           // how many are kept at most
	Bytes  int           // what they may take, the events themselves included
	Wait   time.Duration // how long each is kept at most
	Now    func() uint64 // CLOCK_BOOTTIME in ns
}

// Stats counts what a Queue did.
type Stats struct {
	Events, Bytes int64  // kept now
	Held          uint64 // kept ever
	Settled       uint64 // of them, those whose metadata came
	Late          uint64 // of them, those whose metadata did not come in time
	Full          uint64 // that found no room, or their container has too many here
}

// Queue keeps events.
type Queue struct {
	cfg   Config
	list  []entry
	bytes int
	// of counts what each container has in here; nil is the host. One may have a quarter:
	// who fills it would have all others judged by what is known at once.
	of map[*event.Container]share

	events, size                atomic.Int64
	held, settled, late, noRoom atomic.Uint64
}

type entry struct {
	ev    *event.Event
	until uint64
	bytes int
}

type share struct{ events, bytes int }

// shares is how many containers it takes to fill a Queue.
const shares = 4

// New returns an empty Queue.
func New(cfg Config) *Queue { return &Queue{cfg: cfg, of: map[*event.Container]share{}} }

// Stats returns the counters. Any goroutine may call it.
func (q *Queue) Stats() Stats {
	return Stats{Events: q.events.Load(), Bytes: q.size.Load(), Held: q.held.Load(), Settled: q.settled.Load(),
		Late: q.late.Load(), Full: q.noRoom.Load()}
}

// Keep takes an event that Waits, and the record that it was decoded from. It is false
// if there is no room: the caller judges the event now.
func (q *Queue) Keep(record []byte, ev *event.Event) bool {
	size := len(record) + int(unsafe.Sizeof(*ev)) + int(unsafe.Sizeof(entry{}))
	of := q.of[ev.Container]
	if len(q.list) >= q.cfg.Events || q.bytes+size > q.cfg.Bytes ||
		of.events >= max(1, q.cfg.Events/shares) || of.bytes+size > q.cfg.Bytes/shares {
		q.noRoom.Add(1)
		return false
	}
	kept := new(event.Event)
	if err := decode.Record(append([]byte(nil), record...), kept); err != nil {
		return false // it was decoded before: cannot be
	}
	kept.CopyContext(ev)
	// The names of users are read below the process's root: it may be gone later.
	if kept.Accounts != nil {
		kept.Accounts.User(kept.UID)
	}
	q.list = append(q.list, entry{ev: kept, until: q.cfg.Now() + uint64(q.cfg.Wait), bytes: size})
	q.bytes += size
	q.of[ev.Container] = share{of.events + 1, of.bytes + size}
	q.held.Add(1)
	q.note()
	return true
}

// Release hands out those events that wait no longer; those whose time is over are
// marked partial first. changed tells that metadata came since the last call: without
// it only the time can release any, and the call costs next to nothing before.
func (q *Queue) Release(changed bool, do func(*event.Event)) {
	if len(q.list) == 0 {
		return
	}
	now := q.cfg.Now()
	if changed || now >= q.list[0].until {
		q.release(now, do)
	}
}

// Flush hands out all events; those that wait are marked partial.
func (q *Queue) Flush(do func(*event.Event)) { q.release(^uint64(0), do) }

func (q *Queue) release(now uint64, do func(*event.Event)) {
	kept := q.list[:0]
	for _, e := range q.list {
		waits := e.ev.Waits()
		switch {
		case waits && now < e.until:
			kept = append(kept, e)
			continue
		case waits:
			e.ev.Partial = true
			q.late.Add(1)
		default:
			q.settled.Add(1)
		}
		q.bytes -= e.bytes
		of := q.of[e.ev.Container]
		if of = (share{of.events - 1, of.bytes - e.bytes}); of.events > 0 {
			q.of[e.ev.Container] = of
		} else {
			delete(q.of, e.ev.Container)
		}
		do(e.ev)
	}
	clear(q.list[len(kept):])
	q.list = kept
	q.note()
}

func (q *Queue) note() {
	q.events.Store(int64(len(q.list)))
	q.size.Store(int64(q.bytes))
}
