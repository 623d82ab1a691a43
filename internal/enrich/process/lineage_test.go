package process

import (
	"testing"

	"github.com/goshawk-security/goshawk/internal/event"
)

// TestPrivateChains has four hundred processes live, each of which is the end of a
// row of ended ones that it shares with nobody.
func TestPrivateChains(t *testing.T) {
	const ends, row = 400, 120
	m := newMachine(t, func(c *Config) { c.MaxProcesses = 512 })
	m.apply(m.exec(1, 0, "init"))
	before := heap()
	pid, living := uint32(1), []uint32{}
	for range ends {
		parent := uint32(1)
		for n := range row {
			pid++
			m.tab.Advance(m.now)
			m.tab.Fork(m.fork(parent, pid))
			if n > 0 {
				m.tab.Exit(m.event(event.ProcExit, parent))
				delete(m.ids, parent)
			}
			parent = pid
		}
		living = append(living, pid)
	}
	limit := m.tab.images.Limit()
	if grown := heap() - before; grown > limit*3/2*1024+4<<20 {
		t.Errorf("the heap grew by %d KiB", grown>>10)
	}
	if alive := m.tab.images.Alive(); alive > limit*3/2+4*int64(m.tab.cfg.MaxProcesses) {
		t.Errorf("%d images are alive, limit %d", alive, limit)
	}
	if m.tab.Stats().Shortened == 0 {
		t.Errorf("stats %+v", m.tab.Stats())
	}
	for _, pid := range living {
		e := m.tab.find(pid, start(pid))
		if e == nil {
			continue // shed
		}
		if a := e.Image.Parent; a == nil || a.PID != pid-1 || length(e.Image) > 2*event.MaxLineage {
			t.Fatalf("process %d: parent %+v, %d images", pid, a, length(e.Image))
		}
	}
	if first := m.tab.find(living[0], 0); first == nil || length(first.Image) < event.MaxLineage {
		t.Error("the lineage that came first was cut")
	}
}
