package splunk

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/ship/outcome"
	"github.com/goshawk-security/goshawk/internal/ship/secret"
)

// Pauses that the sink makes by itself.
const (
	tokenPoll = time.Second      // between looks at the file of a refused token
	probeWait = 5 * time.Minute  // between tries of a refused token: somebody may have enabled it
	minPause  = time.Second      // after the first answer that asks for less
	maxPause  = 10 * time.Second // after many of them
)

// Sink sends to one collector. Its methods are for one goroutine.
type Sink struct {
	cfg    Config
	url    string
	log    *zap.Logger
	token  *secret.Source
	client *http.Client

	body   bytes.Buffer
	zipped bytes.Buffer
	zip    *gzip.Writer

	refused error     // why nothing but probes is sent until the token changes
	probe   time.Time // when the next one is due
	unread  string    // why the token cannot be read again, as logged last
	now     func() time.Time
	pause   time.Duration // asked for by the last answer; 0 if none was
	closed  bool
}

// New makes a sink. It reads the token and the certificates and does not
// connect: a collector that is away is no reason not to start.
func New(c Config, log *zap.Logger) (*Sink, error) {
	if log == nil {
		log = zap.NewNop()
	}
	s := &Sink{cfg: c.withDefaults(), log: log, zip: gzip.NewWriter(nil), now: time.Now}
	var errURL, errToken, errClient error
	s.url, errURL = s.cfg.endpoint()
	s.token, errToken = s.cfg.token()
	s.client, errClient = s.cfg.client()
	if err := errors.Join(errURL, errToken, errClient); err != nil {
		return nil, err
	}
	if c.InsecureSkipVerify {
		log.Warn("the collector's certificate is not verified: whoever is on the way can read the alerts and the token; use caFile")
	}
	return s, nil
}

// Send delivers the batch in as many requests as its size asks for.
func (s *Sink) Send(ctx context.Context, batch []*alert.Alert) error {
	if s.closed {
		return fmt.Errorf("send to %s: %w", s.url, fs.ErrClosed)
	}
	if len(batch) == 0 {
		return nil
	}
	s.refreshToken()
	if s.refused != nil && s.now().Before(s.probe) {
		return s.blocked(indexes(len(batch)), nil)
	}
	defer s.release()
	d := s.encodeAll(batch)
	return s.deliver(ctx, d)
}

// release gives back what a rare giant took.
func (s *Sink) release() {
	for _, b := range []*bytes.Buffer{&s.body, &s.zipped} {
		if b.Cap() > 2*s.cfg.MaxBatchBytes {
			*b = bytes.Buffer{}
		}
	}
}

// Reopen reads the token and the certificates again, and forgets that the
// token was refused.
func (s *Sink) Reopen() error {
	if s.closed {
		return fmt.Errorf("reopen %s: %w", s.url, fs.ErrClosed)
	}
	s.refused = nil
	_, errToken := s.token.Refresh()
	client, errClient := s.cfg.client()
	if errClient == nil {
		s.client.CloseIdleConnections()
		s.client = client
	}
	return errors.Join(errToken, errClient)
}

// Close closes the connections.
func (s *Sink) Close() error {
	s.closed = true
	s.client.CloseIdleConnections()
	return nil
}

// refreshToken reads the token again when its file has changed.
func (s *Sink) refreshToken() {
	changed, err := s.token.Refresh()
	if err != nil {
		// The old one goes on; if it is refused, this is why it stays so.
		if err.Error() != s.unread {
			s.log.Warn("token cannot be read again; the last one stays in use", zap.Error(err))
		}
		s.unread = err.Error()
		return
	}
	if s.unread != "" {
		s.log.Info("token can be read again")
	}
	s.unread = ""
	if changed && s.refused != nil {
		s.log.Info("token file has changed; sending again")
		s.refused = nil
	}
}

// delivery is a batch on its way: its events, encoded, and what became of them.
type delivery struct {
	events   []span // of all alerts that could be encoded
	later    []int  // alerts that this delivery does not try
	rejected []outcome.Rejection
}

// rest returns what is left to be sent when groups are, in order.
func (d *delivery) rest(groups [][]span) []int { return append(left(groups), d.later...) }

// span is where an alert's event lies in Sink.body.
type span struct{ index, start, end int }

func (s *Sink) encodeAll(batch []*alert.Alert) *delivery {
	d := &delivery{}
	s.body.Reset()
	for i, a := range batch {
		start := s.body.Len()
		if s.pause > 0 && start >= s.cfg.MaxBatchBytes {
			// The next answer will ask for a pause too: encode no more than is sent.
			d.later = indexes(len(batch))[i:]
			break
		}
		if err := s.appendEvent(&s.body, a); err != nil {
			d.rejected = append(d.rejected, outcome.Rejection{Index: i, Reason: err.Error()})
			continue
		}
		d.events = append(d.events, span{i, start, s.body.Len()})
	}
	return d
}

// groups splits the events into requests of the size allowed. An event that is
// larger than that goes alone.
func (s *Sink) groups(events []span) [][]span {
	var groups [][]span
	size, first := 0, 0
	for i, e := range events {
		n := e.end - e.start
		if i > first && size+n > s.cfg.MaxBatchBytes {
			groups = append(groups, events[first:i])
			first, size = i, 0
		}
		size += n
	}
	if first < len(events) {
		groups = append(groups, events[first:])
	}
	return groups
}

// deliver posts group after group. One that is at fault is replaced by smaller
// ones; an answer that may be another one later ends the delivery.
func (s *Sink) deliver(ctx context.Context, d *delivery) error {
	todo := s.groups(d.events)
	if s.refused != nil && len(d.events) > 1 {
		todo = slices.Concat([][]span{d.events[:1]}, s.groups(d.events[1:])) // the probe first
	}
	for len(todo) > 0 {
		group := todo[0]
		a := s.post(ctx, group)
		if s.refused != nil && a.verdict != refused && a.verdict != again {
			s.log.Info("the collector takes the token again")
			s.refused = nil
		}
		switch a.verdict {
		case accepted:
			todo = todo[1:]
		case acceptedSlow:
			return &outcome.Error{
				Err:   fmt.Errorf("send to %s: collector asks for a pause", s.url),
				Retry: d.rest(todo[1:]), Rejected: d.rejected, After: s.pause, Slow: true,
			}
		case eventFault, requestFault:
			if a.verdict == eventFault && len(group) > 1 {
				todo = slices.Concat(split(group, a.event), todo[1:])
				continue
			}
			for _, e := range group {
				d.rejected = append(d.rejected, outcome.Rejection{Index: e.index, Reason: a.err.Error()})
			}
			todo = todo[1:]
		case refused:
			s.refused = fmt.Errorf("token from %s is refused: %w", s.token, a.err)
			s.probe = s.now().Add(probeWait)
			return s.blocked(d.rest(todo), d.rejected)
		case again:
			return &outcome.Error{
				Err:   fmt.Errorf("send to %s: %w", s.url, a.err),
				Retry: d.rest(todo), Rejected: d.rejected, After: a.after,
			}
		}
	}
	if len(d.later) > 0 {
		return &outcome.Error{
			Err:   fmt.Errorf("send to %s: the rest of the batch is next", s.url),
			Retry: d.later, Rejected: d.rejected, Slow: true,
		}
	}
	if len(d.rejected) == 0 {
		return nil
	}
	return &outcome.Error{
		Err:      fmt.Errorf("send to %s: refused for good: %s", s.url, d.rejected[0].Reason),
		Rejected: d.rejected,
	}
}

// blocked is the error while the token is refused.
func (s *Sink) blocked(retry []int, rejected []outcome.Rejection) error {
	remedy := "change the file, or send SIGHUP"
	if s.cfg.TokenFile == "" {
		remedy = "restart with a new value"
	}
	return &outcome.Error{
		Err:   fmt.Errorf("send to %s: %w; %s", s.url, s.refused, remedy),
		Retry: retry, Rejected: rejected, After: tokenPoll, Blocked: true,
	}
}

// split takes a group apart, of which one event is at fault: into what is before
// the one that the collector named, this one, and what is after it, so that the
// order stays; without a name into halves.
func split(group []span, fault int) [][]span {
	if fault < 0 || fault >= len(group) {
		half := len(group) / 2
		return [][]span{group[:half], group[half:]}
	}
	var parts [][]span
	for _, part := range [][]span{group[:fault], group[fault : fault+1], group[fault+1:]} {
		if len(part) > 0 {
			parts = append(parts, part)
		}
	}
	return parts
}

// left returns the alerts of all groups, in order.
func left(groups [][]span) []int {
	var l []int
	for _, g := range groups {
		for _, e := range g {
			l = append(l, e.index)
		}
	}
	slices.Sort(l)
	return l
}

func indexes(n int) []int {
	l := make([]int, n)
	for i := range l {
		l[i] = i
	}
	return l
}

// post makes one request, and a second one if the token turns out to have
// changed while the first was refused.
func (s *Sink) post(ctx context.Context, group []span) answer {
	a := s.request(ctx, group)
	if a.verdict == refused {
		if changed, err := s.token.Refresh(); err == nil && changed {
			a = s.request(ctx, group)
		}
	}
	switch a.verdict {
	case acceptedSlow:
		s.pause = min(max(2*s.pause, minPause), maxPause)
	case accepted:
		s.pause = 0
	}
	return a
}

func (s *Sink) request(ctx context.Context, group []span) answer {
	body, err := s.payload(group)
	if err != nil {
		return answer{verdict: again, err: fmt.Errorf("compress request: %w", err)}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return answer{verdict: again, err: fmt.Errorf("make request: %w", err)}
	}
	req.Header.Set("Authorization", "Splunk "+s.token.Text().Reveal())
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "goshawk")
	if s.cfg.Compression == gzipped {
		req.Header.Set("Content-Encoding", "gzip")
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return answer{verdict: again, err: plainError(err)}
	}
	return readAnswer(resp, time.Now())
}

// payload puts the group's events together. The bytes are fresh: the transport
// may still read those of a request that has ended.
func (s *Sink) payload(group []span) ([]byte, error) {
	all := s.body.Bytes()
	if s.cfg.Compression == plain {
		var body []byte
		for _, e := range group {
			body = append(body, all[e.start:e.end]...)
		}
		return body, nil
	}
	s.zipped.Reset()
	s.zip.Reset(&s.zipped)
	for _, e := range group {
		if _, err := s.zip.Write(all[e.start:e.end]); err != nil {
			return nil, err
		}
	}
	if err := s.zip.Close(); err != nil {
		return nil, err
	}
	return bytes.Clone(s.zipped.Bytes()), nil
}
