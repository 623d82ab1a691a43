//go:build cluster

package cluster

import (
	"compress/gzip"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goshawk-security/goshawk/internal/alert"
)

// envelope is an alert with what Splunk is told of it.
type envelope struct {
	Time       json.Number    `json:"time"`
	Host       string         `json:"host"`
	Index      string         `json:"index"`
	Source     string         `json:"source"`
	Sourcetype string         `json:"sourcetype"`
	Fields     map[string]any `json:"fields"`
	Event      alert.Alert    `json:"event"`
	Arrived    time.Time      `json:"-"`
}

// receiver is a Splunk HTTP Event Collector as far as the agent can tell.
type receiver struct {
	server *httptest.Server
	mu     sync.Mutex
	got    []envelope
	wrong  []string // requests that were refused, and why
}

// token is what the collector asks for.
const token = "8d6f7e0a-0000-4000-8000-000000000000"

// listen starts a collector with TLS.
func listen(address string) (*receiver, error) {
	r := &receiver{}
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return nil, fmt.Errorf("start the collector: %w", err)
	}
	r.server = httptest.NewUnstartedServer(r)
	r.server.Listener.Close()
	r.server.Listener = l
	r.server.StartTLS()
	return r, nil
}

// authority is who vouches for the server, which calls itself example.com.
func (r *receiver) authority() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.server.Certificate().Raw}))
}

func (r *receiver) url() string { return "https://" + r.server.Listener.Addr().String() }

// ServeHTTP takes what is sent to it.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	events, err := read(req)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.wrong = append(r.wrong, err.Error())
		http.Error(w, `{"text":"Invalid data format","code":6}`, http.StatusBadRequest)
		return
	}
	r.got = append(r.got, events...)
	_, _ = io.WriteString(w, `{"text":"Success","code":0}`)
}

func read(req *http.Request) ([]envelope, error) {
	if got := req.Header.Get("Authorization"); got != "Splunk "+token {
		return nil, fmt.Errorf("%s %s: Authorization is %q", req.Method, req.URL, got)
	}
	body := io.Reader(req.Body)
	if req.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		body = unzipped
	}
	var events []envelope
	for dec := json.NewDecoder(body); ; {
		var e envelope
		if err := dec.Decode(&e); errors.Is(err, io.EOF) {
			return events, nil
		} else if err != nil {
			return nil, err
		}
		e.Arrived = time.Now()
		events = append(events, e)
	}
}

// all returns the alerts that arrived and are wanted.
func (r *receiver) all(wanted func(*envelope) bool) []envelope {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []envelope
	for i := range r.got {
		if wanted(&r.got[i]) {
			list = append(list, r.got[i])
		}
	}
	return list
}

// mistakes are what was refused.
func (r *receiver) mistakes() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.wrong)
}

// of wants the alerts of a rule whose program was started with a word.
func of(rule, word string) func(*envelope) bool {
	return func(e *envelope) bool {
		if e.Event.Rule != rule {
			return false
		}
		return len(e.Event.Lineage) > 0 && slices.Contains(strings.Fields(e.Event.Lineage[0].CmdLine), word)
	}
}
