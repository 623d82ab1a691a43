package splunk

import "time"

// SetClock makes s ask now for the time, except for what the network does.
func (s *Sink) SetClock(now func() time.Time) { s.now = now }
