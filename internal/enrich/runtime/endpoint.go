package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/goshawk-security/goshawk/internal/enrich/runtime/node"
	"github.com/goshawk-security/goshawk/internal/enrich/runtime/peer"
)

// tripAfter is how many containers in a row must get no answer until a runtime
// counts as down.
const tripAfter = 3

// pace is how often things are tried again, and for how long.
type pace struct {
	scan  time.Duration // for sockets, and for what is due
	call  time.Duration // how long a question may take; no pause
	probe time.Duration // the pause between two questions to a runtime that is down
	// greet is the same for a socket that speaks something else. The CRI part of
	// containerd may come later than its socket.
	greet time.Duration
	owed  time.Duration // the same for a container that a runtime owes
}

// talker is a runtime behind a socket. Its methods are used by any number of
// goroutines and end with ctx.
type talker interface {
	Hello(ctx context.Context) (peer.Greeting, error)
	Ask(ctx context.Context, q peer.Question) (*peer.Said, error)
	Close()
}

// endpoint is a socket, and what is known of who answers there. It outlives the
// runtime's restarts.
type endpoint struct {
	socket socket
	pace   pace
	log    *zap.Logger
	counts *counts

	mu      sync.Mutex
	peer    talker
	id      node.Identity // of the socket that peer connects to
	hi      peer.Greeting
	fails   int       // containers in a row without an answer
	down    time.Time // since when; zero if it is not
	cause   error     // why it is down, or of no use
	useless bool      // it speaks something else
	next    time.Time // when to try again, if down or useless
	trying  bool
	latest  peer.Question // asked when it is tried again
}

// state tells whether there is a sense in asking.
func (e *endpoint) state() (name string, usable, down bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.hi.Name, !e.useless, !e.down.IsZero()
}

// trouble says what is wrong, nil if nothing is.
func (e *endpoint) trouble(now time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down.IsZero() {
		return nil
	}
	return fmt.Errorf("%s has not answered for %v: %w", e.called(), now.Sub(e.down).Round(time.Second), e.cause)
}

// called names the runtime for people. The caller holds mu.
func (e *endpoint) called() string {
	if e.hi.Name == "" {
		return "the runtime at " + e.socket.path
	}
	return e.hi.Name + " at " + e.socket.path
}

// ask asks, and draws the conclusions.
func (e *endpoint) ask(ctx context.Context, q peer.Question) (*peer.Said, error) {
	e.mu.Lock()
	p := e.peer
	e.latest = q
	e.mu.Unlock()
	e.counts.calls.Add(1)
	call, cancel := context.WithTimeout(ctx, e.pace.call)
	defer cancel()
	s, err := p.Ask(call, q)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	switch {
	case errors.Is(err, peer.ErrSilent):
		e.counts.timeouts.Add(1)
		e.failed(p, err)
	case errors.Is(err, peer.ErrGone): // until when, the caller knows
	case errors.Is(err, peer.ErrOther):
		e.unfit(p, err)
	default:
		if errors.Is(err, peer.ErrWrong) {
			e.counts.wrong.Add(1)
		}
		e.answered(p)
	}
	if s != nil && s.Runtime == "" {
		e.mu.Lock()
		s.Runtime = e.hi.Name
		e.mu.Unlock()
	}
	return s, err
}

// failed notes that a container got no answer. An answer of a peer that was
// replaced meanwhile says nothing of its successor.
func (e *endpoint) failed(p talker, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p != nil && p != e.peer {
		return
	}
	e.fails++
	e.cause = err
	if e.fails < tripAfter || !e.down.IsZero() {
		return
	}
	e.down = time.Now()
	e.next = e.down.Add(e.pace.probe)
	e.log.Warn("the container runtime does not answer: containers are named by their bundles alone until it does",
		zap.String("runtime", e.called()), zap.Error(err))
}

// answered notes an answer.
func (e *endpoint) answered(p talker) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p != e.peer {
		return
	}
	e.fails, e.useless = 0, false
	if e.down.IsZero() {
		return
	}
	e.log.Info("the container runtime answers again",
		zap.String("runtime", e.called()), zap.Duration("after", time.Since(e.down).Round(time.Millisecond)))
	e.down = time.Time{}
}

// unfit notes that somebody else answers.
func (e *endpoint) unfit(p talker, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p != e.peer {
		return
	}
	if !e.useless {
		e.log.Info("a socket of a container runtime is of no use here", zap.String("runtime", e.called()), zap.Error(err))
	}
	e.useless, e.cause, e.fails = true, err, 0
	e.next = time.Now().Add(e.pace.greet)
}

// connect makes the endpoint talk to a socket that is new, or new again.
func (e *endpoint) connect(p talker, id node.Identity) {
	e.mu.Lock()
	old := e.peer
	e.peer, e.id, e.fails, e.next = p, id, 0, time.Time{}
	e.mu.Unlock()
	if old != nil {
		old.Close()
	}
}

// due tells that it is time to try a runtime that is down, or of which nothing, or
// nothing good, is known. Whoever is told so calls try.
func (e *endpoint) due(now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	well := e.down.IsZero() && !e.useless && e.hi != peer.Greeting{}
	if e.trying || well || now.Before(e.next) {
		return false
	}
	e.trying = true
	return true
}

// try asks a runtime that is down for the container that was asked for last: that it
// can say its version would not prove that it can answer.
func (e *endpoint) try(ctx context.Context) {
	e.mu.Lock()
	q, down, p := e.latest, !e.down.IsZero(), e.peer
	e.mu.Unlock()
	if down && q.ID != "" {
		_, _ = e.ask(ctx, q) // what it means, ask has noted
	} else if _, err := e.greet(ctx); err == nil {
		e.answered(p)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.trying = false
	e.next = time.Now().Add(e.pace.probe)
	if e.useless {
		e.next = time.Now().Add(e.pace.greet)
	}
}

// greet asks who is there.
func (e *endpoint) greet(ctx context.Context) (peer.Greeting, error) {
	e.mu.Lock()
	p := e.peer
	e.mu.Unlock()
	call, cancel := context.WithTimeout(ctx, e.pace.call)
	defer cancel()
	hi, err := p.Hello(call)
	if errors.Is(err, peer.ErrOther) {
		e.unfit(p, err)
	}
	if err != nil {
		return peer.Greeting{}, err
	}
	e.mu.Lock()
	known := e.hi == hi
	if p == e.peer {
		e.hi, e.useless = hi, false
	}
	e.mu.Unlock()
	if !known {
		e.log.Info("found a container runtime", zap.String("runtime", hi.Name),
			zap.String("version", hi.Version), zap.String("socket", e.socket.path))
	}
	return hi, nil
}
