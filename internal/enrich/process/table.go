package process

import (
	"time"

	"github.com/goshawk-security/goshawk/internal/enrich/aside"
	"github.com/goshawk-security/goshawk/internal/enrich/budget"
	"github.com/goshawk-security/goshawk/internal/event"
)

const (
	// tick is the unit of start times in /proc: USER_HZ is 100 everywhere.
	tick = uint64(10 * time.Millisecond)
	// retryAfter is for how long a process that /proc did not have is not asked
	// for again.
	retryAfter = uint64(time.Second)
	// reparentAfter is when to ask again who an orphan's new parent is.
	reparentAfter = uint64(50 * time.Millisecond)
	// readsPerSecond limits late readings of /proc, in event time.
	readsPerSecond = 500
	// keptImages is how many images before the current one are kept.
	keptImages = 2
	// spareImages is how many images there may be, beside two for each process,
	// before lineages are shortened: ancestors, and garbage.
	spareImages = 16384
)

// Config sets up a Table.
type Config struct {
	ProcRoot     string        // where proc is mounted
	MaxProcesses int           // at least 16
	Grace        time.Duration // how long an ended process is kept
	Environ      bool          // read the environment, too, of what was not seen
	// Text is charged with what images hold. When there is too much, the table
	// trims them.
	Text *budget.Budget
	// Now returns CLOCK_BOOTTIME in nanoseconds, to tell what happened before /proc
	// was read from what happened after.
	Now func() uint64
	// CgroupPath picks the path out of the text of a /proc/PID/cgroup.
	CgroupPath func(data []byte) (string, bool)
}

// Stats counts what a Table did.
type Stats struct {
	Processes     int    // in the table now
	Ended         int    // of these, ended
	Scanned       uint64 // taken from /proc at start
	Late          uint64 // taken from /proc because their birth or image was lost
	Bare          uint64 // left without an image, because /proc did not have them either
	Throttled     uint64 // of these, not looked for: too many readings
	Stuck         uint64 // readings of /proc that did not come back in time
	Shed          uint64 // living processes dropped because there were too many
	ShedEnded     uint64 // ended ones dropped before their time
	MissedEnds    uint64 // found ended because their PID was used again
	DuplicateEnds uint64
	Trimmed       uint64 // images whose long texts were cut, because all held too much
	Shortened     uint64 // lineages cut early, because there were too many images
	Text          int64  // bytes of text that images hold now, short ones not counted
}

// Entry is a process in the table.
type Entry struct {
	event.Process

	// Resolved says that Container is right for Cgroup. It is set by the user of
	// the table and cleared by nobody else.
	Resolved bool

	depth int // of Image
	old   [keptImages]held
	older *Entry // the process that had the PID before

	parent  *Entry // the process of ParentPID; nil if it is not known
	recheck uint64 // when to ask again who took over from an ended parent

	reap     uint64 // when to drop an ended one
	slot     int    // in Table.slots, -1 when dropped
	used     bool   // since the hand passed
	approx   bool   // Start is in ticks
	unpinned bool   // the exec id of Image is not known
	seen     uint64 // when /proc was read, for an unpinned one
	bare     bool
	retry    uint64 // when to look for a bare one again
}

// held is an image with the number of ancestors behind it.
type held struct {
	img   *event.Image
	depth int
}

// Table is the processes of the machine. Used by one goroutine.
type Table struct {
	cfg   Config
	pids  map[uint32]*Entry // the youngest process of each PID
	slots []*Entry          // all, in no order
	hand  int
	ended queue // in order of their ends
	bares queue
	fresh []fresh // of the event at hand
	// images counts what is alive, in the table or as somebody's ancestor.
	images *budget.Budget
	now    uint64 // the latest event time

	scanning bool
	runner   aside.Runner
	second   uint64 // of the count of readings
	reads    int
	scratch  []byte
	stats    Stats
}

// New returns an empty Table.
func New(cfg Config) *Table {
	if cfg.Text == nil {
		cfg.Text = budget.New(defaultMaxText)
	}
	t := &Table{cfg: cfg, pids: map[uint32]*Entry{}}
	t.images = budget.New(2*int64(cfg.MaxProcesses) + spareImages)
	t.runner = aside.Runner{Wait: 100 * time.Millisecond, Limit: 8}
	return t
}

// SetEnviron says whether environments are read from now on, too.
func (t *Table) SetEnviron(on bool) { t.cfg.Environ = on }

// Stats returns the counters.
func (t *Table) Stats() Stats {
	t.stats.Processes = len(t.slots)
	t.stats.Ended = 0
	for _, e := range t.slots {
		if e.Ended != 0 {
			t.stats.Ended++
		}
	}
	t.stats.Text = t.cfg.Text.Alive()
	t.stats.Stuck = t.runner.Abandoned()
	return t.stats
}

// Trimmed returns how many images were trimmed so far.
func (t *Table) Trimmed() uint64 { return t.stats.Trimmed }

// Advance comes before each event. It moves the table's clock to the event's time,
// drops what ended long enough before, and trims the image of the event before if
// images hold too much text.
func (t *Table) Advance(now uint64) {
	if len(t.fresh) > 0 {
		t.settle()
	}
	if now <= t.now {
		return
	}
	t.now = now
	for {
		e := t.ended.front()
		if e == nil || e.slot >= 0 && e.reap > now {
			return
		}
		t.ended.pop()
		t.drop(e)
	}
}

// find returns the process, nil if it is not in the table. A start time of zero
// means the youngest with the PID.
func (t *Table) find(pid uint32, start uint64) *Entry {
	for e := t.pids[pid]; e != nil; e = e.older {
		if e.Start == start || start == 0 {
			return e
		}
		if e.approx && near(e.Start, start) {
			e.Start, e.approx = start, false
			return e
		}
	}
	return nil
}

// near tells that an exact start time can be the one that /proc rounds down to
// ticks, give or take one.
func near(ticks, exact uint64) bool {
	return exact+tick >= ticks && exact < ticks+2*tick
}

// insert adds a process that is not in the table.
func (t *Table) insert(e *Entry) {
	for len(t.slots) >= t.cfg.MaxProcesses {
		t.shed()
	}
	e.slot = len(t.slots)
	t.slots = append(t.slots, e)

	at := t.pids[e.PID]
	if at == nil || at.Start <= e.Start {
		e.older = at
		t.pids[e.PID] = e
		if at != nil && at.Ended == 0 {
			t.stats.MissedEnds++
			t.end(at, e.Start)
		}
		return
	}
	for at.older != nil && at.older.Start > e.Start {
		at = at.older
	}
	e.older, at.older = at.older, e
	if e.Ended == 0 {
		t.end(e, at.Start) // somebody younger has its PID
	}
}

// end marks a process ended.
func (t *Table) end(e *Entry, when uint64) {
	if when == 0 {
		when = 1
	}
	e.Ended = when
	e.reap = max(t.now, when) + uint64(t.cfg.Grace)
	t.ended.push(e)
	if t.room(true) >= 0 {
		t.added(e, nil, nil)
	}
}

// drop takes a process out of the table. Who holds it may go on using it.
func (t *Table) drop(e *Entry) {
	if e.slot < 0 {
		return
	}
	last := len(t.slots) - 1
	t.slots[e.slot] = t.slots[last]
	t.slots[e.slot].slot = e.slot
	t.slots[last] = nil
	t.slots = t.slots[:last]
	e.slot = -1

	at := t.pids[e.PID]
	if at != e {
		for at.older != e {
			at = at.older
		}
		at.older = e.older
	} else if e.older != nil {
		t.pids[e.PID] = e.older
	} else {
		delete(t.pids, e.PID)
	}
	e.older, e.parent = nil, nil // who holds e must not hold all before it
	e.old = [keptImages]held{}
}

// shed makes room: an ended process, a bare one, or one that had no event for a
// while (the hand goes round and takes the first that was not used since).
func (t *Table) shed() {
	for e := t.ended.pop(); e != nil; e = t.ended.pop() {
		if e.slot >= 0 {
			t.stats.ShedEnded++
			t.drop(e)
			return
		}
	}
	if t.shedBare() {
		return
	}
	for {
		if t.hand >= len(t.slots) {
			t.hand = 0
		}
		e := t.slots[t.hand]
		t.hand++ // also past what drop puts in this place: the newest
		if !e.used {
			t.stats.Shed++
			t.drop(e)
			return
		}
		e.used = false
	}
}

// shedBare drops the oldest process that is known by name only.
func (t *Table) shedBare() bool {
	for e := t.bares.pop(); e != nil; e = t.bares.pop() {
		if e.slot >= 0 && e.bare {
			t.drop(e)
			return true
		}
	}
	return false
}

// maxBare bounds the processes that are known by name only: they must not
// displace the others.
func (t *Table) maxBare() int { return max(8, t.cfg.MaxProcesses/8) }

// queue is a queue of processes; it may hold dropped ones.
type queue struct {
	list []*Entry
	head int
}

func (q *queue) len() int { return len(q.list) - q.head }

func (q *queue) push(e *Entry) {
	if q.head > 64 && q.head > len(q.list)/2 {
		n := copy(q.list, q.list[q.head:])
		clear(q.list[n:])
		q.list, q.head = q.list[:n], 0
	}
	q.list = append(q.list, e)
}

func (q *queue) front() *Entry {
	if q.head == len(q.list) {
		return nil
	}
	return q.list[q.head]
}

func (q *queue) pop() *Entry {
	e := q.front()
	if e != nil {
		q.list[q.head] = nil
		q.head++
	}
	return e
}
