package process

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
)

// Scan takes over what runs already, in one pass over /proc. Capture must be
// attached before: then a process that the pass misses has its birth in a ring.
// Processes that events told of stay as they are.
func (t *Table) Scan(ctx context.Context) error {
	pids, err := list(t.cfg.ProcRoot)
	if err != nil {
		return fmt.Errorf("scan the running processes: %w", err)
	}
	t.scanning = true
	defer func() { t.scanning = false }()

	began := t.cfg.Now()
	for _, pid := range pids {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("scan the running processes: %w", err)
		}
		if e := t.pids[pid]; e != nil && e.unpinned && e.seen >= began {
			continue // read as somebody's parent
		}
		s := t.read(pid)
		if s == nil || s.zombie {
			continue
		}
		switch e := t.match(s); {
		case e == nil:
			t.adopt(s, 0)
		case e.bare && e.Ended == 0:
			t.upgrade(e, s)
		default:
			continue
		}
		t.stats.Scanned++
		t.settle() // there is no event that needs it whole
	}
	return nil
}

// list returns the numbers of the processes that run now, ascending, so that a
// parent is mostly read before its children.
func list(root string) ([]uint32, error) {
	dir, err := os.Open(root)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var pids []uint32
	for _, name := range names {
		if n, err := strconv.ParseUint(name, 10, 32); err == nil && n > 0 {
			pids = append(pids, uint32(n))
		}
	}
	slices.Sort(pids)
	return pids, nil
}
