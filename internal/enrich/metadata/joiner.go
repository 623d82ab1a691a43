package metadata

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/goshawk-security/goshawk/internal/event"
)

// Runtime says what containers are: it is asked once for each, and answers with
// Joiner.Answer. Neither call blocks.
type Runtime interface {
	Ask(event.Container)
	Forget(fullID string)
}

// Config says which sources there are.
type Config struct {
	Runtime Runtime       // nil: no runtime is asked
	Pods    bool          // pods are reported
	Wait    time.Duration // for how long a container waits for its metadata
	// Now is CLOCK_BOOTTIME in ns. It is not the time of an event: an agent that is
	// behind would give up before it asked.
	Now func() uint64
}

// Answer is what a runtime says of a container.
type Answer struct {
	ID       string               // the full one
	Info     *event.ContainerInfo // all that is known so far; nil: nothing new
	Answered event.Sources        // that will say no more
	Missed   event.Sources        // of these, those that gave up
}

// PodReport is what the API server says of a pod.
type PodReport struct {
	UIDs     []string   // by which cgroups name the pod: its own, and the hash of a static pod
	Pod      *event.Pod // nil if the pod is gone
	Answered event.Sources
	Missed   event.Sources
	Gone     bool // no event of the pod can come any more
}

// Stats counts what a Joiner did.
type Stats struct {
	Containers int    // known now
	Waiting    int    // of them, those whose metadata is on its way
	Pods       int    // known now
	Settled    uint64 // containers that all sources answered for
	Partial    uint64 // containers that a source did not answer for in time
}

// Joiner keeps the containers of the node and their metadata. All methods but Answer,
// Report and Stats are for the goroutine that handles events.
type Joiner struct {
	cfg        Config
	wait       uint64
	containers map[string]*entry
	waiting    []*entry // in the order of their deadlines
	pods       map[string]*pod
	stats      Stats

	news  atomic.Bool // something is in the inbox
	mu    sync.Mutex  // of what follows
	inbox []any       // Answer or PodReport
}

// entry is one container.
type entry struct {
	c        *event.Container
	deadline uint64
	ended    bool
	counted  bool // in Stats.Settled or Partial
}

// pod is one pod as it was reported last, with the containers that are here.
type pod struct {
	uid        string
	report     PodReport
	reported   bool
	containers []*entry
}

// New returns a Joiner that knows nothing.
func New(cfg Config) *Joiner {
	return &Joiner{cfg: cfg, wait: uint64(cfg.Wait), containers: map[string]*entry{}, pods: map[string]*pod{}}
}

// Began is called when a container is found, once as long as it does not end.
func (j *Joiner) Began(c *event.Container) {
	if old := j.containers[c.FullID]; old != nil {
		// The same container by another path, or one whose cgroup was made again.
		c.Info, c.Pod, c.Waiting, c.Missed = old.c.Info, old.c.Pod, old.c.Waiting, old.c.Missed
		j.drop(old)
	}
	e := &entry{c: c, deadline: j.cfg.Now() + j.wait}
	j.containers[c.FullID] = e
	if j.cfg.Runtime != nil && c.Info == nil {
		c.Waiting |= event.SourceBundle | event.SourceRuntime
		j.cfg.Runtime.Ask(*c)
	}
	if j.cfg.Pods && c.PodUID != "" {
		c.Waiting |= event.SourcePod | event.SourceOwners
		p := j.pod(c.PodUID)
		p.containers = append(p.containers, e)
		if p.reported {
			e.hear(p.report)
		}
	}
	if c.Waiting != 0 {
		j.waiting = append(j.waiting, e)
	}
}

// Ended is called when the last cgroup of a container was removed.
func (j *Joiner) Ended(c *event.Container) {
	e := j.containers[c.FullID]
	if e == nil || e.c != c {
		return
	}
	e.ended = true
	j.dropIfOver(e)
}

// Answer takes what a runtime says. Any goroutine may call it.
func (j *Joiner) Answer(a Answer) { j.post(a) }

// Report takes what is said of a pod. Any goroutine may call it.
func (j *Joiner) Report(r PodReport) { j.post(r) }

func (j *Joiner) post(news any) {
	j.mu.Lock()
	j.inbox = append(j.inbox, news)
	j.mu.Unlock()
	j.news.Store(true)
}

// Advance applies what came in and lets those containers wait no longer whose time is
// over. It tells whether anything changed, and costs next to nothing if nothing can.
func (j *Joiner) Advance() bool {
	news := j.news.Load()
	if !news && len(j.waiting) == 0 {
		return false
	}
	changed, now := news && j.take(), j.cfg.Now()
	for len(j.waiting) > 0 {
		e := j.waiting[0]
		if e.c.Waiting != 0 && now < e.deadline {
			break
		}
		j.waiting[0], j.waiting = nil, j.waiting[1:]
		changed = true
		j.settle(e)
	}
	return changed
}

// settle ends the waiting of a container.
func (j *Joiner) settle(e *entry) {
	e.c.Missed |= e.c.Waiting
	e.c.Waiting = 0
	if !e.counted {
		e.counted = true
		if e.c.Missed == 0 {
			j.stats.Settled++
		} else {
			j.stats.Partial++
		}
	}
	j.dropIfOver(e)
}

// take empties the inbox.
func (j *Joiner) take() bool {
	j.mu.Lock()
	news := j.inbox
	j.inbox = nil
	j.news.Store(false)
	j.mu.Unlock()
	for _, n := range news {
		switch n := n.(type) {
		case Answer:
			if e := j.containers[n.ID]; e != nil {
				if n.Info != nil {
					e.c.Info = believed(e.c, n.Info)
				}
				e.answered(n.Answered, n.Missed)
				j.dropIfOver(e)
			}
		case PodReport:
			for _, uid := range n.UIDs {
				j.reported(uid, n)
			}
		}
	}
	return len(news) > 0
}

// believed leaves a pod out of what a runtime says that is not the one of the cgroup's
// path. Docker's containers have their image's labels among their own, and whoever made
// the image can name any pod in them; in a pod's path the kubelet put them.
func believed(c *event.Container, info *event.ContainerInfo) *event.ContainerInfo {
	switch docker := c.RuntimeName() == "docker" || info.Runtime == "docker"; {
	case c.PodUID == "" && docker, c.PodUID != "" && info.PodUID != "" && info.PodUID != c.PodUID:
	default: // older runtimes write no UID, and the upper end of a path may be missing
		return info
	}
	less := *info
	less.PodName, less.PodNamespace, less.PodUID, less.PodLabels, less.SandboxID = "", "", "", nil, ""
	return &less
}

// reported hands news of a pod to its containers.
func (j *Joiner) reported(uid string, r PodReport) {
	p := j.pod(uid)
	if r.Gone {
		p.reported = false
		j.forgetPod(p)
		return
	}
	p.report, p.reported = r, true
	for _, e := range p.containers {
		e.hear(r)
	}
	for i := len(p.containers) - 1; i >= 0 && i < len(p.containers); i-- {
		j.dropIfOver(p.containers[i])
	}
}

// pod returns the entry of a pod.
func (j *Joiner) pod(uid string) *pod {
	p := j.pods[uid]
	if p == nil {
		p = &pod{uid: uid}
		j.pods[uid] = p
	}
	return p
}

// hear takes over what is known of the container's pod.
func (e *entry) hear(r PodReport) {
	if r.Pod != nil {
		e.c.Pod = r.Pod
	}
	e.answered(r.Answered, r.Missed)
}

// answered notes that sources say no more.
func (e *entry) answered(sources, missed event.Sources) {
	e.c.Waiting &^= sources
	e.c.Missed = e.c.Missed&^sources | missed&sources
}

// dropIfOver forgets a container that ended and waits for nothing.
func (j *Joiner) dropIfOver(e *entry) {
	if e.ended && e.c.Waiting == 0 {
		j.drop(e)
	}
}

// drop forgets a container. Whoever still has a pointer to it keeps what is known.
func (j *Joiner) drop(e *entry) {
	if j.containers[e.c.FullID] != e {
		return
	}
	delete(j.containers, e.c.FullID)
	if j.cfg.Runtime != nil {
		j.cfg.Runtime.Forget(e.c.FullID)
	}
	p := j.pods[e.c.PodUID]
	if p == nil {
		return
	}
	for i, have := range p.containers {
		if have == e {
			p.containers = append(p.containers[:i], p.containers[i+1:]...)
			break
		}
	}
	j.forgetPod(p)
}

// forgetPod forgets a pod that nobody reports and that has no container here.
func (j *Joiner) forgetPod(p *pod) {
	if !p.reported && len(p.containers) == 0 {
		delete(j.pods, p.uid)
	}
}

// Stats returns the counters.
func (j *Joiner) Stats() Stats {
	j.stats.Containers, j.stats.Pods = len(j.containers), len(j.pods)
	j.stats.Waiting = 0
	for _, e := range j.waiting {
		if e.c.Waiting != 0 {
			j.stats.Waiting++
		}
	}
	return j.stats
}
