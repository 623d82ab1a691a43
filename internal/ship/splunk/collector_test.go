package splunk_test

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/ship/splunk"
)

// event is what arrived.
type event struct {
	Time       json.Number    `json:"time"`
	Host       string         `json:"host"`
	Source     string         `json:"source"`
	Sourcetype string         `json:"sourcetype"`
	Index      string         `json:"index"`
	Event      alert.Alert    `json:"event"`
	Fields     map[string]any `json:"fields"`
}

// request is one that arrived.
type request struct {
	header http.Header
	path   string
	size   int // before gzip
	events []event
}

func (r request) ids() []string {
	var ids []string
	for _, e := range r.events {
		ids = append(ids, e.Event.ID)
	}
	return ids
}

// say is an answer.
type say struct {
	status int
	body   string
	header map[string]string
}

var success = say{status: 200, body: `{"text":"Success","code":0}`}

func code(status, code int) say {
	return say{status: status, body: fmt.Sprintf(`{"text":"text of code %d","code":%d}`, code, code)}
}

func codeEvent(code, event int) say {
	return say{status: 400, body: fmt.Sprintf(`{"text":"text of code %d","code":%d,"invalid-event-number":%d}`, code, code, event)}
}

// collector answers as answer says and keeps what it was sent.
type collector struct {
	mu       sync.Mutex
	answer   func(request) say
	requests []request
	taken    []string
}

func (c *collector) set(answer func(request) say) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = answer
}

// script answers with one after the other, and success when they are used up.
func (c *collector) script(answers ...say) {
	c.set(func(request) say {
		if len(answers) == 0 {
			return success
		}
		a := answers[0]
		answers = answers[1:]
		return a
	})
}

func (c *collector) received() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.taken)
}

func (c *collector) seen() []request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.requests)
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	req, err := read(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusTeapot)
		return
	}
	c.requests = append(c.requests, req)
	a := success
	if c.answer != nil {
		a = c.answer(req)
	}
	if a.status == 200 && a.header == nil {
		c.taken = append(c.taken, req.ids()...)
	}
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// read takes a request apart: concatenated objects, gzipped or not.
func read(r *http.Request) (request, error) {
	req := request{header: r.Header, path: r.URL.Path}
	if r.Method != http.MethodPost {
		return req, errors.New("not a POST")
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return req, err
		}
		body = z
	}
	count := &counter{r: body}
	dec := json.NewDecoder(count)
	for {
		var e event
		if err := dec.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return req, err
		}
		req.events = append(req.events, e)
	}
	req.size = count.n
	return req, nil
}

type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += n
	return n, err
}

const token = "11111111-2222-3333-4444-555555555555"

// tokenFile writes a token file and returns its path.
func tokenFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	writeToken(t, path, text)
	return path
}

// writeToken replaces the file as Kubernetes does: the path leads to a new one.
func writeToken(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path+".new", []byte(text+"\n"), 0o600), os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
}

// start runs a collector and makes a sink for it.
func start(t *testing.T, change func(*splunk.Config)) (*collector, *splunk.Sink) {
	t.Helper()
	c := &collector{}
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	cfg := splunk.Config{URL: srv.URL, TokenFile: tokenFile(t, token), Timeout: 5 * time.Second}
	if change != nil {
		change(&cfg)
	}
	return c, newSink(t, cfg)
}

func newSink(t *testing.T, cfg splunk.Config) *splunk.Sink {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	s, err := splunk.New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}
