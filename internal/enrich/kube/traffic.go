package kube

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Stats counts what a Client did.
type Stats struct {
	Pods     int // of the node, known now
	Up       bool
	Synced   time.Time // when something was heard of pods last
	Bytes    uint64    // of answers, after decompression
	Requests map[Request]uint64
}

// Request names a kind of request and its result, for Stats.
type Request struct {
	Verb     string // get, list or watch
	Resource string // pods, nodes …
	Code     int    // HTTP status, 0 if there was no answer
}

// traffic counts requests where they go out.
type traffic struct {
	bytes    atomic.Uint64
	mu       sync.Mutex
	requests map[Request]uint64
}

func (t *traffic) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(r)
		code := 0
		if resp != nil {
			code = resp.StatusCode
			resp.Body = &counted{resp.Body, &t.bytes}
		}
		t.count(requestOf(r, code))
		return resp, err
	})
}

func (t *traffic) count(r Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.requests == nil {
		t.requests = map[Request]uint64{}
	}
	t.requests[r]++
}

// requestOf reads verb and resource off the path: …/namespaces/NS/RESOURCE/NAME.
func requestOf(r *http.Request, code int) Request {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) > 0 && parts[0] == "api" {
		parts = parts[min(2, len(parts)):]
	} else {
		parts = parts[min(3, len(parts)):]
	}
	if len(parts) > 2 && parts[0] == "namespaces" {
		parts = parts[2:]
	}
	q := Request{Verb: "get", Code: code}
	if len(parts) > 0 {
		q.Resource = parts[0]
	}
	if len(parts) < 2 {
		q.Verb = "list"
		if r.URL.Query().Get("watch") == "true" {
			q.Verb = "watch"
		}
	}
	return q
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type counted struct {
	io.ReadCloser
	n *atomic.Uint64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(uint64(n))
	return n, err
}

// Stats returns the counters.
func (c *Client) Stats() Stats {
	s := Stats{Bytes: c.bytes.Load(), Requests: map[Request]uint64{}}
	c.traffic.mu.Lock()
	for r, n := range c.traffic.requests {
		s.Requests[r] = n
	}
	c.traffic.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Pods, s.Up, s.Synced = len(c.pods), c.up && c.err == nil, c.synced
	return s
}
