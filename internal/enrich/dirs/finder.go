package dirs

import (
	"strings"
	"time"

	"github.com/goshawk-security/goshawk/internal/enrich/aside"
	"github.com/goshawk-security/goshawk/internal/event"
)

const (
	// keepFor is how long an answer is used again. Long enough that a loop over one
	// directory asks 50 times a second; short, because a directory may give way to a link.
	keepFor = uint64(20 * time.Millisecond)
	// patience is how long an event waits for an answer.
	patience = 20 * time.Millisecond
	// perSecond bounds the questions, in event time. One takes some forty
	// microseconds.
	perSecond = 2000
	// maxAnswers is how many answers are kept.
	maxAnswers = 1024
	// lateAll and latePerUser bound the questions without an answer.
	lateAll     = 64
	latePerUser = 2
	// maxPath is what openat2 takes.
	maxPath = 4096
)

// Config says where proc is mounted, and which mount namespaces can be looked at
// without the process.
type Config struct {
	ProcRoot string
	HostMnt  uint32 // of process 1; 0 if it is not known
	OwnMnt   uint32 // of the agent; 0 if it is not known
}

// Stats counts what a Finder did.
type Stats struct {
	Asked     uint64 // paths that were followed
	Changed   uint64 // that led elsewhere than their text says
	Failed    uint64 // that could not be followed: gone, or nobody left to ask
	Throttled uint64 // that were not followed: too many in this second, or too many hang
	Late      uint64 // file systems that did not answer in time
}

// Finder answers where paths lead. Used by one goroutine.
type Finder struct {
	cfg     Config
	runner  aside.Runner
	hung    map[user]*hung
	answers map[string]answer
	key     []byte
	stats   Stats

	second uint64 // of event time
	asked  int    // in it
}

// answer is where a path leads, "" if its text says so already.
type answer struct {
	until uint64
	path  string
}

// user is who can hang a file system.
type user struct{ mnt, uid uint32 }

// New returns a Finder that has found nothing yet.
func New(cfg Config) *Finder {
	f := &Finder{cfg: cfg, hung: map[user]*hung{}, answers: map[string]answer{}}
	f.runner = aside.Runner{Wait: patience, Limit: lateAll}
	return f
}

// Stats returns the counters.
func (f *Finder) Stats() Stats {
	f.stats.Late = f.runner.Abandoned()
	return f.stats
}

// Resolve sets the Late parts of an event's paths where they lead elsewhere than
// their text says. The event's Process and Image must be set.
func (f *Finder) Resolve(ev *event.Event) {
	if int(ev.Type) >= len(calls) || ev.Failed() {
		return
	}
	c := calls[ev.Type]
	if c.first {
		whole := c.whole(ev)
		ev.Path.Late, ev.Path.LateWhole = f.find(ev, &ev.Path, whole), whole
	}
	if ev.Type == event.Symlink || ev.Type == event.Symlinkat {
		clear(f.answers)
	}
	if c.second {
		ev.Path2.Late = f.find(ev, &ev.Path2, false)
	}
}

// find returns where a path, or its directory, leads, "" if nothing is to be added.
func (f *Finder) find(ev *event.Event, p *event.Path, whole bool) string {
	if !p.HasGiven || p.GivenUnread || p.GivenCut || len(p.Given) == 0 || p.Dir.Truncated || p.Dir.Detached {
		return ""
	}
	given := p.Given
	if !whole {
		given = directory(given)
	}
	if p.Given[0] != '/' && !p.Dir.Valid {
		return ""
	}
	if len(given) == 0 || string(given) == "/" {
		return "" // the directory is the kernel's own
	}
	f.writeKey(ev, p, given)
	if a, ok := f.answers[string(f.key)]; ok && ev.Time < a.until {
		return a.path
	}
	q := question{ev: ev, dir: "", given: string(given)}
	if p.Dir.Valid {
		q.dir = string(p.Dir.AppendTo(nil))
	}
	path, ok := f.ask(&q)
	if !ok {
		return ""
	}
	lexical := ev.Lexical(p)
	if !whole {
		lexical = lexical[:strings.LastIndexByte(lexical, '/')]
	}
	if path == lexical || path == "/" && lexical == "" {
		path = ""
	} else {
		f.stats.Changed++
	}
	f.keep(answer{until: ev.Time + keepFor, path: path})
	return path
}

// keep stores the answer to what key asks.
func (f *Finder) keep(a answer) {
	if len(f.answers) >= maxAnswers {
		clear(f.answers)
	}
	f.answers[string(f.key)] = a
}

// writeKey makes the key of a question: two processes may have different roots.
func (f *Finder) writeKey(ev *event.Event, p *event.Path, given []byte) {
	k := append(f.key[:0], byte(ev.PID), byte(ev.PID>>8), byte(ev.PID>>16), byte(ev.PID>>24))
	for i := range 8 {
		k = append(k, byte(ev.Start>>(8*i)))
	}
	k = append(k, p.Dir.Bytes...)
	f.key = append(append(k, 0), given...)
}

// directory returns a path up to its last component.
func directory(given []byte) []byte {
	end := len(given)
	for end > 0 && given[end-1] == '/' {
		end--
	}
	for end > 0 && given[end-1] != '/' {
		end--
	}
	return given[:end]
}

// call says what of a call's paths is followed.
type call struct {
	first, second bool
	// follows: the call follows a link that the first path itself is, unless
	// a flag says otherwise.
	follows bool
	always  bool // there is no such flag
}

// symlinkFollow is linkat's AT_SYMLINK_FOLLOW, symlinkNoFollow the AT_SYMLINK_NOFOLLOW
// of others.
const (
	symlinkNoFollow = 0x100
	symlinkFollow   = 0x400
)

// whole tells that a link at the end of the first path was followed, too.
func (c call) whole(ev *event.Event) bool {
	if !c.follows || c.always {
		return c.follows
	}
	flags, _ := ev.Arg(event.ArgFlags)
	if ev.Type == event.Linkat {
		return flags&symlinkFollow != 0
	}
	return flags&symlinkNoFollow == 0
}

var calls = [event.TypeCount]call{
	event.Unlink:    {first: true},
	event.Unlinkat:  {first: true},
	event.Rmdir:     {first: true},
	event.Rename:    {first: true, second: true},
	event.Renameat:  {first: true, second: true},
	event.Renameat2: {first: true, second: true},
	event.Link:      {first: true, second: true},
	event.Linkat:    {first: true, second: true, follows: true},
	event.Symlink:   {second: true},
	event.Symlinkat: {second: true},
	event.Chmod:     {first: true, follows: true, always: true},
	event.Fchmodat:  {first: true, follows: true, always: true},
	event.Fchmodat2: {first: true, follows: true},
	event.Mkdir:     {first: true},
	event.Mkdirat:   {first: true},
}
