package agent

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/goshawk-security/goshawk/internal/agent/config"

	"go.uber.org/zap"

	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/enrich"
	"github.com/goshawk-security/goshawk/internal/event"
)

// script is a source that plays what a test wrote: records and idle ticks, then
// the end.
type script struct {
	steps [][]byte // nil is an idle tick
	err   error    // at the end instead of os.ErrClosed
}

func (s *script) Next(rec *capture.Record) error {
	if len(s.steps) == 0 {
		if s.err != nil {
			return s.err
		}
		return os.ErrClosed
	}
	b := s.steps[0]
	s.steps = s.steps[1:]
	if b == nil {
		return os.ErrDeadlineExceeded
	}
	rec.Bytes, rec.BootOffset = b, 1e18
	return nil
}

// record writes what the kernel side would: header, call and name (bpf/event.h).
func record(t event.Type, args [6]uint64, name string) []byte {
	order := binary.NativeEndian
	const header, call, given = 64, 1, 2
	b := make([]byte, header)
	param := func(id uint16, value []byte) {
		b = order.AppendUint16(b, id)
		b = order.AppendUint16(b, 0)
		b = order.AppendUint32(b, uint32(len(value)))
		b = append(b, value...)
		b = append(b, make([]byte, (8-len(value)%8)%8)...)
	}
	info := make([]byte, 8)
	for _, a := range args {
		info = order.AppendUint64(info, a)
	}
	param(call, info)
	if name != "" {
		param(given, []byte(name))
	}
	order.PutUint32(b, uint32(len(b)))
	order.PutUint16(b[4:], uint16(t))
	order.PutUint64(b[8:], 7)
	order.PutUint32(b[24:], 1<<30) // tid and pid: nobody's
	order.PutUint32(b[28:], 1<<30)
	return b
}

// console collects what a destination writes from its own goroutine.
type console struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.Write(p)
}

const markerRule = `
- rule: Marker
  desc: Test.
  condition: evt.type = openat and fd.name = /tmp/marker
  output: opened %fd.name
  priority: Warning
  tags: [test]
`

// newTestAgent makes an agent with one rule and JSON into the returned console.
func newTestAgent(t *testing.T) (*Agent, *console) {
	t.Helper()
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(rules, []byte(markerRule), 0o644); err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Rules = []string{rules}
	if err := cfg.SetFormat("json"); err != nil {
		t.Fatal(err)
	}
	out := &console{}
	a, err := New(cfg, out, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if a.enricher, err = enrich.New(enrich.Config{}, nil); err != nil {
		t.Fatal(err)
	}
	return a, out
}

func TestLoop(t *testing.T) {
	a, out := newTestAgent(t)
	nonce := a.beat.note()
	src := &script{steps: [][]byte{
		record(event.Openat, [6]uint64{}, "/tmp/other"),
		nil,
		{1, 2, 3},
		record(event.Heartbeat, [6]uint64{^uint64(0), nonce, capture.HeartbeatLength}, ""),
		record(event.Openat, [6]uint64{}, "/tmp/marker"),
	}}
	a.health.run()
	if err := a.loop(src); err != nil {
		t.Fatal(err)
	}
	if err := a.health.ready(); err != nil {
		t.Errorf("ready: %v", err)
	}
	page := httptest.NewRecorder()
	a.handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	if err := a.flush(); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`goshawk_events_total{type="openat"} 2`, `goshawk_events_total{type="heartbeat"} 1`,
		`goshawk_records_malformed_total 1`, `goshawk_rule_matches_total{rule="Marker"} 1`, `goshawk_processes 1`,
	} {
		if !strings.Contains(page.Body.String(), line+"\n") {
			t.Errorf("metrics have no line %s", line)
		}
	}
	var got struct {
		Output, Rule string
		Time         string
	}
	if err := json.Unmarshal(out.b.Bytes(), &got); err != nil {
		t.Fatalf("not one alert: %v\n%s", err, out.b.Bytes())
	}
	if got.Output != "01:46:40.000000000: Warning opened /tmp/marker" || got.Rule != "Marker" || !strings.HasPrefix(got.Time, "2001-09-09T") {
		t.Errorf("alert = %+v", got)
	}
}

func TestLoopError(t *testing.T) {
	a, _ := newTestAgent(t)
	broken := errors.New("ring is gone")
	if err := a.loop(&script{err: broken}); !errors.Is(err, broken) {
		t.Errorf("loop = %v, want %v", err, broken)
	}
	if err := a.flush(); err != nil {
		t.Error(err)
	}
}

// counts stands for the kernel side's counters.
type counts struct {
	losses []capture.Loss
	err    error
}

func (c *counts) Losses() ([]capture.Loss, error) { return c.losses, c.err }

func (c *counts) Usage() (states, events float64) { return 0.25, 0.5 }

func TestReportLosses(t *testing.T) {
	a, out := newTestAgent(t)
	l := newLosses(a.rules.rules)
	src := &counts{losses: []capture.Loss{{Type: event.Openat, Cause: capture.CauseRingFull, Count: 3}}}
	a.reportLosses(src, l, false)
	src.err = errors.New("map is gone")
	a.reportLosses(src, l, false)
	page := httptest.NewRecorder()
	a.handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	if err := a.flush(); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`goshawk_events_lost_total{cause="ring_full",type="openat"} 3`,
		`goshawk_ring_usage_ratio{ring="events"} 0.5`, `goshawk_ring_usage_ratio{ring="states"} 0.25`,
	} {
		if !strings.Contains(page.Body.String(), line+"\n") {
			t.Errorf("metrics have no line %s", line)
		}
	}
	if n := strings.Count(out.b.String(), LostRule); n != 1 || !strings.Contains(out.b.String(), "missed something: Marker.") {
		t.Errorf("alerts:\n%s", out.b.String())
	}
}

func TestPages(t *testing.T) {
	a, _ := newTestAgent(t)
	get := func(path string) (int, string) {
		page := httptest.NewRecorder()
		a.handler().ServeHTTP(page, httptest.NewRequest("GET", path, nil))
		return page.Code, page.Body.String()
	}
	if code, body := get("/readyz"); code != 503 || body != "not ready: starting: reading what runs already\ndestination console (stdout): ok, 0 waiting\n" {
		t.Errorf("/readyz = %d %q", code, body)
	}
	a.health.run()
	a.beat.seen(a.beat.note())
	if code, body := get("/readyz"); code != 200 || !strings.HasPrefix(body, "ready\n") {
		t.Errorf("/readyz = %d %q", code, body)
	}
	if code, body := get("/healthz"); code != 200 || body != "alive\n" {
		t.Errorf("/healthz = %d %q", code, body)
	}
	if err := a.flush(); err != nil {
		t.Error(err)
	}
}

func TestPortBusy(t *testing.T) {
	a, _ := newTestAgent(t)
	a.cfg.HTTP.Address = "127.0.0.1:0"
	stop, err := a.serve()
	if err != nil {
		t.Fatal(err)
	}
	stop()
	busy := httptest.NewServer(nil)
	defer busy.Close()
	a.cfg.HTTP.Address = busy.Listener.Addr().String()
	_, err = a.serve()
	want := "listen on " + a.cfg.HTTP.Address + ": address already in use: another goshawk may be running here; " +
		"stop it, or set http.address (--http on the command line) to a free port: two agents work side by side"
	if err == nil || err.Error() != want {
		t.Errorf("serve = %v\nwant %s", err, want)
	}
	if err := a.flush(); err != nil {
		t.Error(err)
	}
}
