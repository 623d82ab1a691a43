package process

import (
	"github.com/goshawk-security/goshawk/internal/enrich/aside"
	"github.com/goshawk-security/goshawk/internal/event"
)

// learn adds the process of an event that nobody announced.
func (t *Table) learn(ev *event.Event) *Entry {
	if s := t.readLate(ev.PID); s != nil && (ev.Start == 0 || near(s.start, ev.Start)) {
		e := t.adopt(s, 0)
		if ev.Start != 0 {
			e.Start, e.approx = ev.Start, false
		}
		t.stats.Late++
		return e
	}
	e := &Entry{
		Process: event.Process{PID: ev.PID, Start: ev.Start, Image: bareImage(ev)},
		bare:    true,
		retry:   ev.Time + retryAfter,
	}
	t.stats.Bare++
	t.insert(e)
	t.bares.push(e)
	if t.bares.len() > t.maxBare() {
		t.shedBare()
	}
	return e
}

// retry looks again for a process that is known by name only.
func (t *Table) retry(e *Entry, ev *event.Event) {
	e.retry = ev.Time + retryAfter
	s := t.readLate(e.PID)
	if s == nil || e.Start != 0 && !near(s.start, e.Start) {
		return
	}
	t.stats.Late++
	t.upgrade(e, s)
}

// upgrade gives a bare process what /proc says of it.
func (t *Table) upgrade(e *Entry, s *snapshot) {
	h := held{img: &s.img, depth: e.depth}
	if h.img.Parent = e.Image.Parent; h.img.Parent == nil {
		t.giveLateParent(&h, s.ppid, 0)
	}
	if e.Start != 0 {
		h.img.Start = e.Start
	}
	e.Image, e.depth = h.img, h.depth
	t.added(e, h.img, nil)
	t.setParent(e, s.ppid, 0)
	e.bare, e.unpinned, e.seen = false, true, s.seen
}

// lostExec answers for an image that nobody announced: an event came with an
// exec id that is newer than the current one's.
func (t *Table) lostExec(e *Entry, ev *event.Event) held {
	h := held{depth: e.depth}
	if s := t.readLive(e); s != nil && near(s.start, e.Start) {
		h.img = &s.img
		h.img.Start, h.img.ExecID = e.Start, ev.ExecID
		h.img.Parent = e.Image.Parent
		t.stats.Late++
		t.added(e, h.img, nil)
		e.push(h)
		return h
	}
	h.img = bareImage(ev)
	h.img.Parent = e.Image.Parent
	t.stats.Bare++
	e.push(h)
	e.bare, e.retry = true, ev.Time+retryAfter
	return h
}

// adopt adds a process that was read from /proc, and those of its parents that
// are not known.
func (t *Table) adopt(s *snapshot, level int) *Entry {
	h := held{img: &s.img}
	t.giveLateParent(&h, s.ppid, level)
	if e := t.match(s); e != nil {
		return e // the parents led back here: numbers were used again meanwhile
	}
	e := &Entry{
		Process:  event.Process{PID: s.pid, Start: s.start, Image: h.img},
		depth:    h.depth,
		approx:   true,
		unpinned: true,
		seen:     s.seen,
	}
	t.setParent(e, s.ppid, 0)
	t.insert(e)
	t.added(e, e.Image, nil)
	if level > 0 {
		t.settle() // somebody's parent: the event is not its own
	}
	return e
}

// match finds the process that a snapshot is of.
func (t *Table) match(s *snapshot) *Entry {
	for e := t.pids[s.pid]; e != nil; e = e.older {
		if e.Start == s.start || near(s.start, e.Start) {
			return e
		}
	}
	return nil
}

// giveParent sets the parent of an image whose birth was not seen: what the
// parent runs now. A start time of zero means the youngest with the PID.
func (t *Table) giveParent(h *held, pid uint32, start uint64) {
	t.giveCreator(h, t.parent(pid, start, 0))
}

// giveLateParent is giveParent for what was read from /proc, level steps up.
func (t *Table) giveLateParent(h *held, pid uint32, level int) {
	t.giveCreator(h, t.parent(pid, 0, level))
}

func (t *Table) giveCreator(h *held, p *Entry) {
	if p == nil {
		return
	}
	creator := t.bound(p, held{p.Image, p.depth})
	h.img.Parent, h.depth = creator.img, creator.depth+1
}

// parent returns a process's parent, read from /proc if it is not known.
func (t *Table) parent(pid uint32, start uint64, level int) *Entry {
	if pid == 0 || level >= event.MaxLineage {
		return nil
	}
	if e := t.find(pid, start); e != nil {
		return e
	}
	s := t.readLate(pid)
	if s == nil || start != 0 && !near(s.start, start) {
		return nil
	}
	e := t.adopt(s, level+1)
	if start != 0 && e.approx {
		e.Start, e.approx = start, false
	}
	return e
}

// reparent asks /proc who took over an orphan. The end of its parent is known a
// moment before the kernel hands its children on, so one may have to ask again.
func (t *Table) reparent(e *Entry, now uint64) {
	e.recheck = now + reparentAfter
	if !t.mayRead() {
		return
	}
	dir, err := openProcess(t.cfg.ProcRoot, e.PID)
	if err != nil {
		e.parent = nil // it ends itself
		return
	}
	defer dir.close()
	t.reads++
	var s snapshot
	// Unlike the files that show memory, stat cannot hang.
	data, _, err := dir.file("stat", maxStatus)
	if err != nil || s.parseStat(data) != nil || !near(s.start, e.Start) {
		e.parent = nil
		return
	}
	if s.ppid != e.parent.PID {
		t.setParent(e, s.ppid, 0)
	}
}

// readLive reads a process from /proc unless it ended.
func (t *Table) readLive(e *Entry) *snapshot {
	if e.Ended != 0 {
		return nil
	}
	return t.readLate(e.PID)
}

// readLate reads a process from /proc, but not too often.
func (t *Table) readLate(pid uint32) *snapshot {
	if t.scanning {
		return t.read(pid)
	}
	if !t.mayRead() {
		t.stats.Throttled++
		return nil
	}
	s := t.read(pid)
	if s != nil {
		t.reads++
	}
	return s
}

// mayRead tells that the readings of this second are not used up.
func (t *Table) mayRead() bool {
	if second := t.now / uint64(1e9); second != t.second {
		t.second, t.reads = second, 0
	}
	return t.reads < readsPerSecond
}

// read reads a process from /proc, nil if it is not there or does not answer.
func (t *Table) read(pid uint32) *snapshot {
	dir, err := openProcess(t.cfg.ProcRoot, pid)
	if err != nil {
		return nil
	}
	cfg := t.cfg // a copy: the reading may go on when the table has gone on
	if t.runner.Full() {
		dir.close()
		t.stats.Throttled++
		return nil
	}
	s, ok := aside.Do(&t.runner, func() *snapshot {
		defer dir.close()
		s, err := readProcess(dir, &cfg)
		if err != nil {
			return nil
		}
		return s
	})
	if !ok || s == nil {
		return nil
	}
	s.pid, s.img.PID = pid, pid
	s.seen = t.cfg.Now()
	return s
}
