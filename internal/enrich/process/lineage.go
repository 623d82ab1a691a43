package process

import (
	"github.com/goshawk-security/goshawk/internal/enrich/budget"
	"github.com/goshawk-security/goshawk/internal/event"
)

// lineage returns how many images of a chain are kept when it is cut. Chains that
// share nothing, made by many processes each of which is the end of a long row of
// ended ones, would otherwise take a hundred times the memory of the table.
func (t *Table) lineage() int {
	alive, limit := t.images.Alive(), t.images.Limit()
	switch {
	case alive < limit:
		return event.MaxLineage
	case alive < limit/4*5:
		return event.MaxLineage / 4
	case alive < limit/2*3:
		return event.MaxLineage / 16
	}
	return 1
}

// bound returns the image that gets a child, with a chain behind it that is not
// too long. It belongs to e.
func (t *Table) bound(e *Entry, h held) held {
	if h.depth == 0 {
		return h
	}
	keep := t.lineage()
	if h.depth < 2*keep-1 {
		return h
	}
	if keep < event.MaxLineage {
		t.stats.Shortened++
	}
	return t.cut(e, h, keep)
}

// cut copies the newest images of a chain that became too long, so that the
// rest can go. If it is the process's current one, the copy takes its place:
// further children share it.
func (t *Table) cut(e *Entry, h held, keep int) held {
	head := *h.img
	budget.Charge(t.images, &head, 1)
	last := &head
	for n := 1; n < keep && last.Parent != nil; n++ {
		img := *last.Parent
		budget.Charge(t.images, &img, 1)
		last.Parent = &img
		last = &img
	}
	last.Parent = nil
	short := held{&head, keep - 1}
	if e.Image == h.img {
		t.copied(h.img, short.img)
		e.Image, e.depth = short.img, short.depth
	}
	return short
}
