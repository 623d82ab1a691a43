package splunk

import "time"

// SetClock makes s ask now for the time, except for what the network does.
func (s *Sink) SetClock(now func() time.Time) { s.now = now }

// Kept is how much s holds between batches.
func (s *Sink) Kept() int { return s.body.Cap() + s.zipped.Cap() }
