package process

import (
	"github.com/goshawk-security/goshawk/internal/enrich/budget"
	"github.com/goshawk-security/goshawk/internal/event"
)

// Lookup returns the process that an event belongs to and the image it ran
// then; neither is nil. A process that is not known is looked for in /proc, and
// so is an image whose exec was lost.
func (t *Table) Lookup(ev *event.Event) (*Entry, *event.Image) {
	e, h := t.lookup(ev)
	return e, h.img
}

func (t *Table) lookup(ev *event.Event) (*Entry, held) {
	e := t.find(ev.PID, ev.Start)
	if e == nil {
		e = t.learn(ev)
	}
	e.used = true
	if e.parent != nil && e.parent.Ended != 0 && e.Ended == 0 && ev.Time >= e.recheck {
		t.reparent(e, ev.Time)
	}
	if e.bare && ev.Time >= e.retry && e.Ended == 0 {
		t.retry(e, ev)
	}
	if e.Image.ExecID == ev.ExecID && !e.unpinned {
		return e, held{e.Image, e.depth}
	}
	return e, t.otherImage(e, ev)
}

// otherImage answers for an event whose exec id is not the current image's.
func (t *Table) otherImage(e *Entry, ev *event.Event) held {
	if e.unpinned {
		// An exec between the event and the reading of /proc has a record of its
		// own, still to come; only an event after the reading tells the image's id.
		if ev.Time >= e.seen {
			img := *e.Image
			img.ExecID, img.Start = ev.ExecID, e.Start
			t.copied(e.Image, &img)
			e.Image, e.unpinned = &img, false
		}
		return held{e.Image, e.depth}
	}
	for _, h := range e.old {
		if h.img != nil && h.img.ExecID == ev.ExecID {
			return h
		}
	}
	if newer(ev.ExecID, e.Image.ExecID) {
		return t.lostExec(e, ev)
	}
	img := bareImage(ev) // older than all that are kept
	img.Parent = e.Image.Parent
	return held{img, e.depth}
}

// newer compares exec ids, which may wrap.
func newer(a, b uint32) bool { return int32(a-b) > 0 }

// push makes h the current image and keeps the one before it.
func (e *Entry) push(h held) {
	if e.Image != nil && !e.unpinned {
		copy(e.old[1:], e.old[:keptImages-1])
		e.old[0] = held{e.Image, e.depth}
	}
	e.Image, e.depth, e.unpinned, e.bare = h.img, h.depth, false, false
}

// keep puts an image that came late among the older ones.
func (e *Entry) keep(h held) {
	for i := range e.old {
		have := e.old[i].img
		if have == nil || newer(h.img.ExecID, have.ExecID) {
			copy(e.old[i+1:], e.old[i:keptImages-1])
			e.old[i] = h
			return
		}
		if have.ExecID == h.img.ExecID {
			return
		}
	}
}

// Fork adds the process that ev.Task describes, a child of the event's process,
// and returns the parent.
func (t *Table) Fork(ev *event.Event) (*Entry, *event.Image) {
	parent, creator := t.lookup(ev)
	task := &ev.Task
	if task.PID == ev.PID && task.Start == ev.Start {
		return parent, creator.img // a thread
	}
	creator = t.bound(parent, creator)
	child := held{forkedImage(creator.img, ev), creator.depth + 1}
	budget.Charge(t.images, child.img, 1)
	e := t.find(task.PID, task.Start)
	if e == nil {
		e = &Entry{Process: event.Process{PID: task.PID, Start: task.Start}}
		t.born(e, child, task)
		e.Container, e.Resolved = parent.Container, parent.Resolved && parent.Cgroup == task.Cgroup
		t.insert(e)
		return parent, creator.img
	}
	switch {
	case e.unpinned || e.bare || e.Image.ExecID == task.ExecID:
		// It was read from /proc, or had an event, before its birth came.
		t.born(e, child, task)
	case newer(e.Image.ExecID, task.ExecID):
		e.keep(child)
		if e.Image.Parent == nil || e.Image.FromProc {
			img := *e.Image
			img.Parent = creator.img
			t.copied(e.Image, &img)
			e.Image, e.depth = &img, child.depth
		}
	}
	return parent, creator.img
}

// born makes e what its birth said.
func (t *Table) born(e *Entry, h held, task *event.Task) {
	e.Image, e.depth, e.unpinned, e.bare = h.img, h.depth, false, false
	t.setParent(e, task.ParentPID, task.ParentStart)
	if e.Cgroup != task.Cgroup {
		e.Cgroup, e.Resolved = task.Cgroup, false
	}
}

// Exec gives the event's process the image that ev.Task describes; cgroup is
// the path of its cgroup.
func (t *Table) Exec(ev *event.Event, cgroup string) (*Entry, *event.Image) {
	task := &ev.Task
	e := t.find(task.PID, task.Start)
	if e == nil {
		e = &Entry{Process: event.Process{PID: task.PID, Start: task.Start}}
		e.Image, e.bare = bareImage(ev), true
		t.insert(e)
	}
	e.used = true
	if e.bare && e.Image.Parent == nil {
		img := *e.Image
		before := held{img: &img}
		t.giveParent(&before, task.ParentPID, task.ParentStart)
		e.Image, e.depth = before.img, before.depth
	}
	cur := held{e.Image, e.depth}
	next := held{t.execedImage(ev, cur.img, cgroup), cur.depth}
	t.setParent(e, task.ParentPID, task.ParentStart)
	switch {
	case e.unpinned, e.bare, newer(task.ExecID, cur.img.ExecID):
		if e.bare {
			e.Image = nil // nothing to keep
		}
		e.push(next)
	case task.ExecID != cur.img.ExecID:
		e.keep(next)
	case cur.img.FromProc || !cur.img.Execed:
		e.Image, e.depth = next.img, next.depth
	default:
		return e, cur.img // a duplicate
	}
	if task.Cgroup != e.Cgroup {
		e.Cgroup, e.Resolved = task.Cgroup, false
	}
	t.added(e, next.img, cur.img)
	return e, next.img
}

// setParent says who the parent of e is now. Its image's lineage is another
// thing, and stays.
func (t *Table) setParent(e *Entry, pid uint32, start uint64) {
	e.ParentPID, e.parent = pid, nil
	if pid != 0 {
		e.parent = t.find(pid, start)
	}
}

// Exit marks the event's process ended. The first of several records counts.
func (t *Table) Exit(ev *event.Event) (*Entry, *event.Image) {
	e := t.find(ev.PID, ev.Start)
	if e == nil {
		// Nothing to look for: /proc has at best a zombie.
		e = &Entry{Process: event.Process{PID: ev.PID, Start: ev.Start, Image: bareImage(ev)}, bare: true}
		t.stats.Bare++
		t.insert(e)
	}
	if e.Ended == 0 {
		t.end(e, ev.Time)
	} else {
		t.stats.DuplicateEnds++
	}
	return t.Lookup(ev)
}
