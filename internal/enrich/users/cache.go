package users

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/goshawk-security/goshawk/internal/enrich/aside"
	"github.com/goshawk-security/goshawk/internal/event"
)

const (
	// recheck is how long names are used without a look at the files, and how
	// long one waits after a root that could not be read, in event time.
	recheck = uint64(time.Second)
	// again is how long one waits after a root that could not be read as long as no
	// names are known, in event time.
	again = uint64(50 * time.Millisecond)
	// patience is how long an event waits for a file to be read.
	patience = 20 * time.Millisecond
	// allPatience is how long events wait in vain in a second of event time, and haste
	// is how long each waits then: whoever makes ever new mount namespaces whose files
	// hang does not hold up the agent.
	allPatience = 100 * time.Millisecond
	haste       = time.Millisecond

	// lateContainers is how many containers may have a load under way that did not
	// answer in time. Each has one at most, and the host's do not count: whoever
	// hangs his own files takes names from himself, not from others.
	lateContainers = 64

	hostLimit      = 8 << 20  // bytes of one of the host's files
	containerLimit = 64 << 10 // bytes of one of a container's
	// spacesLimit bounds the memory of all containers' names. A file of 64 KiB can
	// take 2 MiB as a table.
	spacesLimit = 16 << 20
)

// Config says where names are read.
type Config struct {
	// ProcRoot is where proc is mounted. The host is the root of its process 1 or,
	// where that may not be looked at (it takes CAP_SYS_PTRACE), the agent's own.
	ProcRoot      string
	MaxNamespaces int // how many containers' names are kept
}

// Stats counts what a Cache did.
type Stats struct {
	Namespaces int    // kept now
	Evicted    uint64 // forgotten because there were too many
	Loads      uint64 // times that files were looked at
	Failed     uint64 // roots that could not be read: their process had ended, mostly
	Late       uint64 // file systems that did not answer in time
}

// Cache keeps the names of the host and of the mount namespaces seen last. Used
// by one goroutine.
type Cache struct {
	cfg    Config
	host   Accounts
	spaces map[uint32]*Accounts
	size   int          // of all in spaces, estimated
	alone  aside.Runner // reads the host's files
	runner aside.Runner // reads the containers'
	hasty  aside.Runner // does so when the patience with them is spent
	began  uint64       // the second of event time that wasted is of
	wasted time.Duration
	stats  Stats
}

// New returns a Cache that has read nothing yet.
func New(cfg Config) *Cache {
	c := &Cache{cfg: cfg, spaces: map[uint32]*Accounts{}}
	c.alone = aside.Runner{Wait: patience, Limit: 1}
	c.runner = aside.Runner{Wait: patience, Limit: lateContainers}
	c.hasty = aside.Runner{Wait: haste, Limit: lateContainers}
	c.host = Accounts{cache: c, pid: 1, limit: hostLimit}
	return c
}

// Stats returns the counters.
func (c *Cache) Stats() Stats {
	c.stats.Namespaces = len(c.spaces)
	c.stats.Late = c.alone.Abandoned() + c.runner.Abandoned() + c.hasty.Abandoned()
	return c.stats
}

// Host returns the names of the host, as of the event time now.
func (c *Cache) Host(now uint64) *Accounts {
	c.host.now = max(c.host.now, now)
	return &c.host
}

// Namespace returns the names in a mount namespace, which the process pid is in.
// Nothing is read before somebody asks for a name.
func (c *Cache) Namespace(ns, pid uint32, now uint64) *Accounts {
	a := c.spaces[ns]
	if a == nil {
		if len(c.spaces) >= c.cfg.MaxNamespaces {
			c.evict(nil)
		}
		a = &Accounts{cache: c, limit: containerLimit, space: fmt.Sprintf("mnt:[%d]", ns)}
		c.spaces[ns] = a
	}
	if pid != a.pid {
		a.pid, a.earlier = pid, a.pid
	}
	a.now = max(a.now, now)
	return a
}

// evict forgets the namespace that was quiet for longest, except one.
func (c *Cache) evict(except *Accounts) {
	var (
		oldest uint32
		at     = ^uint64(0)
	)
	for ns, a := range c.spaces {
		if a == except {
			continue
		}
		if a.now < at || a.now == at && ns < oldest {
			oldest, at = ns, a.now
		}
	}
	if a := c.spaces[oldest]; a != nil {
		c.size -= a.have.size()
		a.gone = true
	}
	delete(c.spaces, oldest)
	c.stats.Evicted++
}

// Accounts names the users and groups of one root. It implements
// event.Accounts.
type Accounts struct {
	cache *Cache
	pid   uint32 // whose root is read
	// earlier is another process there: short ones have ended before they are asked.
	earlier uint32
	space   string // the mount namespace as /proc names it
	limit   int64
	now     uint64
	next    uint64 // when to look again
	have    *tables
	gone    bool        // not in the cache any more
	slow    chan result // of a load that did not answer in time; nil if none is under way
}

type result struct {
	tables *tables
	err    error
}

// superuser is who uid 0 is where no file could be read: to the kernel he is the same
// everywhere, and nearly everywhere he has this name.
var superuser = event.Account{Name: "root"}

// User implements event.Accounts.
func (a *Accounts) User(uid uint32) (event.Account, bool) {
	a.refresh()
	if a.have == nil {
		return superuser, uid == 0
	}
	account, ok := a.have.users[uid]
	return account, ok
}

// Group implements event.Accounts.
func (a *Accounts) Group(gid uint32) (string, bool) {
	a.refresh()
	if a.have == nil {
		return "", false
	}
	name, ok := a.have.groups[gid]
	return name, ok
}

// refresh looks at the files again when it is time to.
func (a *Accounts) refresh() {
	if a.slow != nil {
		select {
		case r := <-a.slow:
			a.slow = nil
			a.take(r)
		default:
		}
		return
	}
	if a.now < a.next {
		return
	}
	a.next = a.now + recheck
	own, runner := a == &a.cache.host, a.cache.reader(a.now)
	if own {
		runner = &a.cache.alone
	}
	if runner.Full() {
		return
	}
	a.cache.stats.Loads++

	root, other := a.root(a.pid), a.root(a.earlier)
	have, limit, late := a.have, a.limit, make(chan result, 1)
	r, ok := a.cache.do(runner, func() result {
		t, err := load(root, limit, have)
		if err != nil && a.isIn(other) {
			t, err = load(other, limit, have)
		}
		if own && errors.Is(err, fs.ErrPermission) {
			t, err = load("/", limit, have)
		}
		late <- result{t, err}
		return result{t, err}
	})
	if !ok {
		a.slow = late
		return
	}
	a.take(r)
}

// reader returns who reads containers' files at an event time.
func (c *Cache) reader(now uint64) *aside.Runner {
	if now >= c.began+recheck {
		c.began, c.wasted = now, 0
	}
	if c.wasted >= allPatience {
		return &c.hasty
	}
	return &c.runner
}

// do runs f aside, and counts the time that was waited in vain.
func (c *Cache) do(runner *aside.Runner, f func() result) (result, bool) {
	began := time.Now()
	r, ok := aside.Do(runner, f)
	if !ok {
		c.wasted += time.Since(began)
	}
	return r, ok
}

// root is where a process's root directory is seen, "" for none.
func (a *Accounts) root(pid uint32) string {
	if pid == 0 {
		return ""
	}
	return filepath.Join(a.cache.cfg.ProcRoot, strconv.FormatUint(uint64(pid), 10), "root")
}

// isIn tells that the process of a root is in the namespace: its number may be another
// process's by now.
func (a *Accounts) isIn(root string) bool {
	if root == "" {
		return false
	}
	space, err := os.Readlink(filepath.Join(filepath.Dir(root), "ns/mnt"))
	return err == nil && space == a.space
}

// take keeps what was read. After a failure the older names stay: the process
// that was asked ended, its namespace lives on.
func (a *Accounts) take(r result) {
	if r.err != nil {
		a.cache.stats.Failed++
		if a.have == nil { // soon again: the next process there may live longer
			a.next = a.now + again
		}
		return
	}
	if c := a.cache; a != &c.host && !a.gone {
		c.size += r.tables.size() - a.have.size()
		for c.size > spacesLimit && len(c.spaces) > 1 {
			c.evict(a)
		}
	}
	a.have = r.tables
}
