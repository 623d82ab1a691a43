package runtime

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net"
	"path"
	"time"

	"go.uber.org/zap"

	"github.com/goshawk-security/goshawk/internal/enrich/runtime/peer"
	"github.com/goshawk-security/goshawk/internal/event"
)

// readBundle tries to read a bundle. After the first attempt the runtime is asked,
// whatever came of it: what is in the bundle makes the question shorter.
func (c *Client) readBundle(ctx context.Context, t *task) {
	spec, err := c.bundles.Read(t.read())
	switch {
	case err == nil:
		c.denied.Store(failure{})
	case errors.Is(err, fs.ErrPermission):
		c.denied.Store(failure{err})
	}
	t.mu.Lock()
	first := t.tries[fromBundle] == 0
	t.tries[fromBundle]++
	missing := t.left&event.SourceBundle != 0
	switch {
	case t.over:
	case err == nil:
		t.bundle = spec
		t.runtime = cmp.Or(t.runtime, spec.Runtime)
		c.counts.bundles.Add(1)
		c.cfg.Report(t.answer(event.SourceBundle, 0))
	case missing && t.tries[fromBundle] < bundleTries:
		c.counts.retries.Add(1)
		t.timers[fromBundle] = time.AfterFunc(pause(bundlePause, t.tries[fromBundle]-1), func() { c.enqueue(c.reads, t) })
	case missing:
		c.log.Debug("no bundle", zap.String("container", t.id), zap.Error(err))
		c.counts.missedBundle.Add(1)
		c.cfg.Report(t.answer(event.SourceBundle, event.SourceBundle))
	}
	t.mu.Unlock()
	if first {
		c.enqueue(c.asks, t)
	}
	c.settle(t)
}

// askRuntime asks the runtimes that may know a container.
func (c *Client) askRuntime(ctx context.Context, t *task) {
	t.mu.Lock()
	over := t.over
	t.mu.Unlock()
	if over {
		return
	}
	q := t.question()
	var (
		asked   *endpoint
		failure error
	)
	for _, e := range c.eligible(q) {
		if _, _, down := e.state(); down {
			continue
		}
		s, err := e.ask(ctx, q.Question)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			c.take(t, s)
			return
		case errors.Is(err, peer.ErrGone):
			c.look()
		}
		// That one does not know it says less than that another could not answer.
		if failure == nil || errors.Is(failure, peer.ErrUnknown) {
			asked, failure = e, err
		}
	}
	if asked == nil {
		c.giveUp(t)
		return
	}
	c.retry(t, asked, failure)
}

// take publishes what a runtime said.
func (c *Client) take(t *task, s *peer.Said) {
	t.mu.Lock()
	if !t.over {
		if t.said == nil {
			c.counts.runtimes.Add(1)
		}
		if t.said == nil || !s.Pending {
			t.said = s
			t.runtime = cmp.Or(t.runtime, s.Runtime)
			c.cfg.Report(t.answer(event.SourceRuntime, 0))
		}
		t.asking, t.owed, t.cause = false, false, nil
		if s.Pending {
			c.askWhenStarted(t)
		}
	}
	t.mu.Unlock()
	c.settle(t)
}

// askWhenStarted asks again for a container that was only being made. The caller
// holds mu.
func (c *Client) askWhenStarted(t *task) {
	if t.started == startedTries {
		return
	}
	t.started++
	t.asking = true
	t.timers[fromRuntime] = time.AfterFunc(startedPause<<(t.started-1), func() { c.enqueue(c.asks, t) })
}

// retry asks again after a while, as long as there is time.
func (c *Client) retry(t *task, from *endpoint, err error) {
	t.mu.Lock()
	t.tries[fromRuntime]++
	t.cause, t.from = err, from
	switch {
	case t.over:
	case t.said != nil:
		t.asking = false
		c.askWhenStarted(t)
	case t.left&event.SourceRuntime != 0:
		c.counts.retries.Add(1)
		t.timers[fromRuntime] = time.AfterFunc(pause(runtimePause, t.tries[fromRuntime]-1), func() { c.enqueue(c.asks, t) })
	default:
		// A runtime may hang over this container alone.
		t.owe(!errors.Is(err, peer.ErrUnknown), c.pace.owed<<min(t.late, 6))
		t.late++
	}
	t.mu.Unlock()
	c.settle(t)
}

// giveUp answers for a runtime that cannot be asked.
func (c *Client) giveUp(t *task) {
	t.mu.Lock()
	if !t.over {
		t.owe(t.runtime != "podman", 0)
		if t.left&event.SourceRuntime != 0 {
			c.counts.missedRuntime.Add(1)
			c.cfg.Report(t.answer(event.SourceRuntime, event.SourceRuntime))
		}
	}
	t.mu.Unlock()
	c.settle(t)
}

// owe ends the asking, until a runtime works again if one may. The caller holds mu.
func (t *task) owe(owed bool, after time.Duration) {
	t.asking, t.owed, t.next = false, owed, time.Now().Add(after)
}

// expire answers for the sources that said nothing in time. A question that is on
// its way may still be answered.
func (c *Client) expire(t *task) {
	t.mu.Lock()
	missed, gone := t.left, (*endpoint)(nil)
	if !t.over && missed != 0 {
		if missed&event.SourceBundle != 0 {
			c.counts.missedBundle.Add(1)
		}
		if missed&event.SourceRuntime != 0 {
			c.counts.missedRuntime.Add(1)
			if errors.Is(t.cause, peer.ErrGone) {
				gone = t.from
			}
		}
		c.cfg.Report(t.answer(missed, missed))
	}
	cause := t.cause
	t.mu.Unlock()
	if gone != nil {
		gone.failed(nil, cause)
	}
	c.settle(t)
}

// settle drops a task when nothing more can come.
func (c *Client) settle(t *task) {
	t.mu.Lock()
	done := t.left == 0 && !t.asking && !t.owed
	if t.left == 0 {
		t.deadline.Stop()
	}
	if done {
		t.end()
	}
	t.mu.Unlock()
	if !done {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tasks[t.id] == t {
		delete(c.tasks, t.id)
	}
}

// keep looks after the sockets until ctx ends.
func (c *Client) keep(ctx context.Context) {
	ticker := time.NewTicker(c.pace.scan)
	defer ticker.Stop()
	defer c.background.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-c.wake:
		}
		c.sockets.scan(ctx)
		now := time.Now()
		for _, e := range c.sockets.list() {
			if e.due(now) {
				c.background.Go(func() { e.try(ctx) })
			}
		}
		c.collect(now)
	}
}

// look has the sockets looked at now.
func (c *Client) look() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// collect asks for some of the containers that a runtime owes, if it works.
func (c *Client) collect(now time.Time) {
	c.mu.Lock()
	var owed []*task
	for _, t := range c.tasks {
		t.mu.Lock()
		if t.owed && !t.asking && !now.Before(t.next) {
			owed = append(owed, t)
		}
		t.mu.Unlock()
	}
	c.mu.Unlock()
	n := 0
	for _, t := range owed {
		if n == owedPerTick {
			return
		}
		if !c.anyUp(t.question()) {
			continue
		}
		t.mu.Lock()
		t.asking = true
		t.mu.Unlock()
		c.enqueue(c.asks, t)
		n++
	}
}

func (c *Client) anyUp(q question) bool {
	for _, e := range c.eligible(q) {
		if _, _, down := e.state(); !down {
			return true
		}
	}
	return false
}

// eligible lists who may know a container, the likeliest first. CRI knows the
// containers of pods alone. Docker knows its own, and those of a pod where the kubelet
// uses it.
func (c *Client) eligible(q question) []*endpoint {
	var cri, docker []*endpoint
	for _, e := range c.sockets.list() {
		name, usable, _ := e.state()
		switch {
		case !usable:
		case e.socket.docker:
			docker = append(docker, e)
		case q.runtime == "cri-o" && name != "" && name != "cri-o":
		case q.runtime == "containerd" && name == "cri-o":
		default:
			cri = append(cri, e)
		}
	}
	switch {
	case q.runtime == "podman":
		return nil
	case q.podUID != "" && len(cri) > 0 && q.runtime != "docker":
		return cri
	case q.podUID != "":
		return append(cri, docker...)
	case q.runtime == "docker":
		return docker
	case q.runtime == "":
		return append(docker, cri...)
	}
	return cri
}

// endpoint, dial and found are what sockets needs to know of runtimes.

func (c *Client) endpoint(s socket) *endpoint {
	return &endpoint{socket: s, pace: c.pace, log: c.log, counts: &c.counts}
}

func (c *Client) dial(e *endpoint) (talker, error) {
	dial := func(ctx context.Context) (net.Conn, error) { return c.sockets.fs.Dial(ctx, e.socket.path) }
	if e.socket.docker {
		return peer.NewDocker(dial), nil
	}
	return peer.NewCRI(dial)
}

func (c *Client) found(ctx context.Context, e *endpoint) {
	if !e.socket.docker {
		// Bundles are beside the socket, or below, for all that start a containerd.
		dir := path.Dir(e.socket.path)
		c.bundles.Learn(dir)
		c.bundles.Learn(path.Join(dir, "containerd"))
	}
	c.background.Go(func() {
		if hi, err := e.greet(ctx); err == nil {
			c.bundles.Learn(hi.State)
		}
	})
}
