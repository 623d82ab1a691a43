package ship

import (
	"time"

	"go.uber.org/zap"

	"github.com/goshawk-security/goshawk/internal/ship/outcome"
)

// State is how a destination does.
type State string

// The states.
const (
	StateOK       State = "ok"       // the last batch was taken, or none was sent yet
	StateRetrying State = "retrying" // the last batch was not, and is sent again
	StateBlocked  State = "blocked"  // a person has to change something first; the last error says what
)

// Status is the state of one destination, for health and doctor.
type Status struct {
	Name        string    `json:"name"`
	Kind        string    `json:"kind"`
	State       State     `json:"state"`
	Queued      int       `json:"queued"`
	QueuedBytes int       `json:"queuedBytes"`
	Rejected    uint64    `json:"rejected"` // refused for good since the start; the log has them
	LastSuccess time.Time `json:"lastSuccess,omitzero"`
	LastError   string    `json:"lastError,omitempty"` // stays after a success
	LastErrorAt time.Time `json:"lastErrorAt,omitzero"`
}

func (w *worker) snapshot() Status {
	w.mu.Lock()
	s := w.status
	w.mu.Unlock()
	alerts, bytes, c := w.queue.snapshot()
	s.Queued, s.QueuedBytes, s.Rejected = alerts, bytes, c.rejected
	return s
}

func (w *worker) blocked() bool { return w.snapshot().State == StateBlocked }

// succeeded notes that a batch was taken.
func (w *worker) succeeded(alerts int) {
	w.failures = 0
	w.mu.Lock()
	was := w.status.State
	w.status.State = StateOK
	w.status.LastSuccess = time.Now()
	w.mu.Unlock()
	if was != StateOK {
		w.log.Info("destination takes alerts again", zap.Int("alerts", alerts))
	}
}

// rejectedOnly notes that nothing is left of a batch, but some was refused. The
// destination works, so that is no failure of it.
func (w *worker) rejectedOnly(res *outcome.Error, taken int) {
	if taken > 0 {
		w.succeeded(taken)
	} else {
		w.failures = 0
	}
	w.mu.Lock()
	w.status.State = StateOK
	w.status.LastError, w.status.LastErrorAt = res.Error(), time.Now()
	w.mu.Unlock()
}

// failed notes that something is left of a batch. It is logged when it begins
// and when its reason changes.
func (w *worker) failed(res *outcome.Error, taken int) {
	state, now := StateRetrying, time.Now()
	if res.Blocked {
		state = StateBlocked
	}
	w.mu.Lock()
	news := w.status.State != state || w.status.LastError != res.Error()
	w.status.State = state
	w.status.LastError, w.status.LastErrorAt = res.Error(), now
	if taken > 0 {
		w.status.LastSuccess = now
	}
	w.mu.Unlock()
	if news {
		w.log.Warn("destination does not take alerts; they wait in memory",
			zap.String("state", string(state)), zap.Error(res.Err))
	}
}

// maxLoggedIDs bounds how many alerts a line about refused ones names.
const maxLoggedIDs = 10

// logRejected logs the alerts of w.batch that were refused: a line for each
// reason, and each alert whole, since the log is the only place that has it from
// now on.
func (w *worker) logRejected(res *outcome.Error) {
	type group struct {
		count      int
		ids, rules []string
	}
	groups := make(map[string]*group)
	var reasons []string
	for _, r := range res.Rejected {
		g := groups[r.Reason]
		if g == nil {
			g = &group{}
			groups[r.Reason] = g
			reasons = append(reasons, r.Reason)
		}
		if g.count++; g.count <= maxLoggedIDs {
			g.ids = append(g.ids, w.batch[r.Index].ID)
			g.rules = append(g.rules, w.batch[r.Index].Rule)
		}
	}
	for _, reason := range reasons {
		g := groups[reason]
		w.log.Error("destination refused alerts for good", zap.String("reason", reason),
			zap.Int("alerts", g.count), zap.Strings("ids", g.ids), zap.Strings("rules", g.rules))
	}
	for _, r := range res.Rejected {
		w.log.Error("refused alert", zap.String("reason", r.Reason), zap.Any("alert", w.batch[r.Index]))
	}
}
