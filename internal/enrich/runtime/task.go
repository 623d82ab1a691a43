package runtime

import (
	"cmp"
	"strings"
	"sync"
	"time"

	"github.com/goshawk-security/goshawk/internal/enrich/runtime/oci"
	"github.com/goshawk-security/goshawk/internal/enrich/runtime/peer"
	"github.com/goshawk-security/goshawk/internal/event"
)

// Pauses between two attempts: to read a bundle, which takes a quarter of a second
// in all, to ask a runtime, and for the time when a container started.
const (
	bundleTries  = 8
	bundlePause  = 2 * time.Millisecond
	runtimePause = 10 * time.Millisecond
	longestPause = 500 * time.Millisecond
	startedTries = 6
	startedPause = 100 * time.Millisecond
)

// task is a container of which something is still to be said. It ends with
// the last answer, or when it is forgotten.
type task struct {
	id, podUID string

	mu       sync.Mutex // held while it reports, so that answers stay in order
	runtime  string
	deadline *time.Timer
	timers   [2]*time.Timer // of the next attempt, by source
	over     bool           // nothing is reported any more

	left    event.Sources // that were not reported as answered
	bundle  *oci.Spec     // nil if it was not read
	said    *peer.Said    // nil if nobody said anything
	tries   [2]int
	started int       // how often it was asked whether the container started
	late    int       // attempts that failed after it was answered for
	asking  bool      // it waits for, or has, an answer of the runtime
	owed    bool      // the runtime has not answered and may do so when it works again
	next    time.Time // when to ask again, if owed
	cause   error     // why the last attempt brought nothing
	from    *endpoint // and whose
}

// source numbers what has tries and timers.
const (
	fromBundle = iota
	fromRuntime
)

func newTask(c event.Container) *task {
	return &task{
		// They may be parts of a record.
		id: strings.Clone(c.FullID), podUID: strings.Clone(c.PodUID), runtime: strings.Clone(c.Runtime),
		left: bothSources, asking: true,
	}
}

// read returns what to look for.
func (t *task) read() (id, runtime string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.id, t.runtime
}

// question is what to ask, and what tells whom.
type question struct {
	peer.Question
	runtime, podUID string
}

func (t *task) question() question {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := question{peer.Question{ID: t.id}, t.runtime, t.podUID}
	switch {
	case t.bundle == nil || t.bundle.Info.PodUID == "":
	case t.bundle.Info.Sandbox:
		q.Role = peer.Sandbox
	default:
		q.Role = peer.App
	}
	return q
}

// answer makes the next answer. The caller holds mu.
func (t *task) answer(answered, missed event.Sources) Answer {
	a := Answer{ID: t.id, Runtime: t.runtime, Answered: answered, Missed: missed}
	t.left &^= answered
	if missed != answered || answered == 0 {
		a.Info = t.info()
	}
	return a
}

// info joins what bundle and runtime say. The caller holds mu.
func (t *task) info() *event.ContainerInfo {
	if t.bundle == nil && t.said == nil {
		return nil
	}
	var i event.ContainerInfo
	switch {
	case t.said == nil:
		i = t.bundle.Info
	case t.bundle == nil:
		i = t.said.Info
	default:
		i = join(t.said, &t.bundle.Info)
	}
	i.Runtime = t.runtime
	return &i
}

// join adds what the bundle says to what the runtime says.
func join(said *peer.Said, b *event.ContainerInfo) event.ContainerInfo {
	i := said.Info
	i.Sandbox = i.Sandbox || b.Sandbox
	if !said.Privileged {
		i.Privileged = b.Privileged
	}
	if !said.Namespaces {
		i.HostPID, i.HostNetwork, i.HostIPC = b.HostPID, b.HostNetwork, b.HostIPC
	}
	// What the kernel mounts is in the bundle. Taking it again keeps an event that was
	// judged by the bundle from being judged otherwise now.
	i.Mounts = b.Mounts
	if len(i.Labels) == 0 {
		i.Labels = b.Labels
	}
	if len(i.PodLabels) == 0 {
		i.PodLabels = b.PodLabels
	}
	if len(i.PodIPs) == 0 {
		i.PodIPs = b.PodIPs
	}
	i.Created = cmp.Or(i.Created, b.Created)
	i.Name, i.User = cmp.Or(i.Name, b.Name), cmp.Or(i.User, b.User)
	i.Image, i.ImageID, i.ImageDigest = cmp.Or(i.Image, b.Image), cmp.Or(i.ImageID, b.ImageID), cmp.Or(i.ImageDigest, b.ImageDigest)
	i.PodName, i.PodNamespace, i.PodUID = cmp.Or(i.PodName, b.PodName), cmp.Or(i.PodNamespace, b.PodNamespace), cmp.Or(i.PodUID, b.PodUID)
	i.SandboxID, i.CNIResult = cmp.Or(i.SandboxID, b.SandboxID), cmp.Or(i.CNIResult, b.CNIResult)
	return i
}

// end stops the timers. The caller holds mu.
func (t *task) end() {
	t.over = true
	for _, timer := range append(t.timers[:], t.deadline) {
		if timer != nil {
			timer.Stop()
		}
	}
}

// pause returns the pause before the next attempt, which doubles.
func pause(first time.Duration, tries int) time.Duration {
	return min(first<<min(tries, 16), longestPause)
}
