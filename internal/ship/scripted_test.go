package ship

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/ship/outcome"
)

// scripted is a destination that does what send says; nil takes everything.
type scripted struct {
	mu       sync.Mutex
	send     func(ctx context.Context, batch []*alert.Alert) error
	sends    []time.Time
	sizes    []int
	taken    []string
	reopened int
	closed   int
}

func (s *scripted) Send(ctx context.Context, batch []*alert.Alert) error {
	s.mu.Lock()
	s.sends = append(s.sends, time.Now())
	s.sizes = append(s.sizes, len(batch))
	send := s.send
	s.mu.Unlock()
	var err error
	if send != nil {
		err = send(ctx, batch)
	}
	res := outcome.Of(err, len(batch))
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, a := range batch {
		if res == nil || !slices.Contains(res.Retry, i) && !slices.ContainsFunc(res.Rejected, func(r outcome.Rejection) bool { return r.Index == i }) {
			s.taken = append(s.taken, a.ID)
		}
	}
	return err
}

func (s *scripted) Reopen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reopened++
	return nil
}

func (s *scripted) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed++
	return nil
}

func (s *scripted) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

// tries returns when the sends were.
func (s *scripted) tries() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sends)
}

func (s *scripted) then(send func(context.Context, []*alert.Alert) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.send = send
}

var errDown = errors.New("collector is down")

func down(context.Context, []*alert.Alert) error { return errDown }

// hang is a destination that answers only when ctx ends.
func hang(ctx context.Context, _ []*alert.Alert) error {
	<-ctx.Done()
	return ctx.Err()
}
