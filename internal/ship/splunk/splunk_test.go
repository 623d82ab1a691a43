package splunk_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/ship/outcome"
	"github.com/goshawk-security/goshawk/internal/ship/sinktest"
	"github.com/goshawk-security/goshawk/internal/ship/splunk"
)

func TestContract(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Subject {
		c, s := start(t, nil)
		return sinktest.Subject{
			Sink:     s,
			Received: func(*testing.T) []string { return c.received() },
			Break:    func(*testing.T) { c.set(func(request) say { return code(503, 9) }) },
			Mend:     func(*testing.T) { c.set(nil) },
		}
	})
}

// Everything that a request and an event have to have.
func TestRequest(t *testing.T) {
	c, s := start(t, func(c *splunk.Config) {
		c.Index = "security"
		c.Fields = map[string]string{"cluster": "blue"}
	})
	batch := sinktest.Alerts("a", 2)
	if err := s.Send(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	reqs := c.seen()
	if len(reqs) != 1 {
		t.Fatalf("%d requests, want 1", len(reqs))
	}
	r := reqs[0]
	for key, want := range map[string]string{
		"Authorization": "Splunk " + token, "Content-Encoding": "gzip", "Content-Type": "application/json",
	} {
		if got := r.header.Get(key); got != want {
			t.Errorf("header %s is %q, want %q", key, got, want)
		}
	}
	if r.path != "/services/collector/event" {
		t.Errorf("path is %s", r.path)
	}
	// JSON turns numbers into float64 on the way.
	body := *batch[0]
	body.OutputFields = map[string]any{"proc.name": "sh", "proc.pid": 100.0, "fd.name": nil}
	want := event{
		Time: "1772600767.123", Host: "node-1", Source: "goshawk", Sourcetype: "goshawk:alert",
		Index: "security", Event: body, Fields: map[string]any{
			"rule": "Shell under a server", "priority": "Warning", "id": "a-0", "fingerprint": "f00d",
			"tags": []any{"T1059", "execution"}, "cluster": "blue",
		},
	}
	if diff := cmp.Diff(want, r.events[0]); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

func TestOptions(t *testing.T) {
	c, s := start(t, func(c *splunk.Config) {
		c.Compression = "none"
		c.Host, c.Source, c.Sourcetype = "h", "s", "st"
		c.URL += "/prefix/services/collector/"
	})
	if err := s.Send(t.Context(), sinktest.Alerts("a", 1)); err != nil {
		t.Fatal(err)
	}
	r := c.seen()[0]
	e := r.events[0]
	got := []string{r.path, r.header.Get("Content-Encoding"), e.Host, e.Source, e.Sourcetype, e.Index}
	want := []string{"/prefix/services/collector/event", "", "h", "s", "st", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

// Several requests for one batch: what the first ones took is not sent again.
func TestBatchInParts(t *testing.T) {
	c, s := start(t, func(c *splunk.Config) { c.MaxBatchBytes = 16 << 10 })
	c.script(success, success, code(503, 9))
	batch := sinktest.Alerts("a", 60)
	res := outcome.Of(s.Send(t.Context(), batch), len(batch))
	if res == nil || len(res.Rejected) != 0 {
		t.Fatalf("Send: %+v, want a part again", res)
	}
	taken := c.received()
	if len(taken) == 0 || len(taken)+len(res.Retry) != len(batch) || res.Retry[0] != len(taken) {
		t.Fatalf("%d taken, %d again from %d on, want them to be all", len(taken), len(res.Retry), res.Retry[0])
	}
	if err := s.Send(t.Context(), batch[res.Retry[0]:]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sinktest.IDs(batch), c.received()); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
	for i, r := range c.seen() {
		if r.size > 16<<10 {
			t.Errorf("request %d has %d bytes, the limit is %d", i, r.size, 16<<10)
		}
	}
}

// An alert that is too large loses its length, then its details, and is refused
// only if it is too large even so.
func TestLargeEvent(t *testing.T) {
	long := func(n int) string { return strings.Repeat("é", n/2) }
	many := make(map[string]any)
	for i := range 100 {
		many[fmt.Sprint("field", i)] = long(4000)
	}
	tests := []struct {
		name   string
		change func(a *alert.Alert)
		check  func(e event) bool
	}{
		{"long command line", func(a *alert.Alert) {
			a.OutputFields["proc.cmdline"] = long(100_000)
			a.OutputFields["proc.args"] = slices.Repeat([]string{"x"}, 20_000)
			a.Lineage[0].CmdLine = long(100_000)
			a.Output += long(100_000)
		}, func(e event) bool {
			return strings.HasSuffix(e.Event.Output, "…[cut]") && len(e.Event.Lineage) == 2 && e.Event.OutputFields["proc.name"] == "sh"
		}},
		{"many fields", func(a *alert.Alert) { a.OutputFields = many },
			func(e event) bool { return e.Event.OutputFields == nil && e.Event.Output != "" }},
		{"hopeless", func(a *alert.Alert) { a.Rule = long(200_000) }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, s := start(t, func(c *splunk.Config) { c.MaxEventBytes = 64 << 10 })
			batch := sinktest.Alerts("a", 3)
			tt.change(batch[1])
			res := outcome.Of(s.Send(t.Context(), batch), 3)
			if tt.check == nil {
				if res == nil || len(res.Rejected) != 1 || res.Rejected[0].Index != 1 || len(res.Retry) != 0 {
					t.Fatalf("Send: %+v, want alert 1 refused", res)
				}
				if diff := cmp.Diff([]string{"a-0", "a-2"}, c.received()); diff != "" {
					t.Errorf("received (-want +got):\n%s", diff)
				}
				return
			}
			if res != nil {
				t.Fatalf("Send: %v", res)
			}
			e := c.seen()[0].events[1]
			if e.Event.ID != "a-1" || e.Fields["truncated"] != "true" || !tt.check(e) {
				t.Errorf("event is %+v", e)
			}
			if c.seen()[0].events[0].Fields["truncated"] != nil {
				t.Error("a small event says that it is truncated")
			}
		})
	}
}

// What a giant took is given back after it.
func TestGiantIsNotKept(t *testing.T) {
	c, s := start(t, func(c *splunk.Config) { c.MaxBatchBytes = 64 << 10 })
	giant := sinktest.Alerts("a", 1)
	giant[0].Output = strings.Repeat("x", 1<<20)
	if err := s.Send(t.Context(), giant); err != nil || len(c.received()) != 1 {
		t.Fatalf("Send: %v, %d received", err, len(c.received()))
	}
	if n := s.Kept(); n > 4*64<<10 {
		t.Errorf("%d bytes are kept", n)
	}
}

func TestUnencodableAmongOthers(t *testing.T) {
	c, s := start(t, nil)
	c.script(code(503, 9))
	batch := sinktest.Alerts("a", 3)
	batch[0].OutputFields["x"] = math.Inf(1)
	res := outcome.Of(s.Send(t.Context(), batch), 3)
	if res == nil || len(res.Rejected) != 1 || !slices.Equal(res.Retry, []int{1, 2}) {
		t.Fatalf("Send: %+v, want 0 refused, 1 and 2 again", res)
	}
}

// An answer that asks for less ends the Send, which does not wait itself: what it
// took is not sent again, and the pause grows with each such answer.
func TestSlowDown(t *testing.T) {
	c, s := start(t, func(c *splunk.Config) { c.MaxBatchBytes = 16 << 10 })
	c.script(code(200, 24), code(200, 25), success, code(200, 24))
	batch := sinktest.Alerts("a", 60)
	begin := time.Now()
	var pauses []time.Duration
	for rest := batch; len(rest) > 0; {
		res := outcome.Of(s.Send(t.Context(), rest), len(rest))
		if res == nil {
			break
		}
		if !res.Slow || len(res.Rejected) != 0 {
			t.Fatalf("Send: %+v, want a pause and a part again", res)
		}
		pauses = append(pauses, res.After)
		rest = rest[len(rest)-len(res.Retry):]
	}
	if diff := cmp.Diff([]time.Duration{time.Second, 2 * time.Second, time.Second}, pauses); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
	if d := time.Since(begin); d > 3*time.Second {
		t.Errorf("Send took %v: it waited", d)
	}
	if diff := cmp.Diff(sinktest.IDs(batch), c.received()); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
}

func TestRetryAfter(t *testing.T) {
	for _, tt := range []struct {
		header string
		least  time.Duration
		most   time.Duration
	}{
		{"7", 7 * time.Second, 7 * time.Second},
		{"999999999", 5 * time.Minute, 5 * time.Minute},
		{"-3", 0, 0},
		{"soon", 0, 0},
		{time.Now().Add(time.Minute).UTC().Format(http.TimeFormat), 50 * time.Second, time.Minute},
	} {
		c, s := start(t, nil)
		c.script(say{status: 503, body: `{"code":9}`, header: map[string]string{"Retry-After": tt.header}})
		res := outcome.Of(s.Send(t.Context(), sinktest.Alerts("a", 1)), 1)
		if res == nil || res.After < tt.least || res.After > tt.most {
			t.Errorf("Retry-After %q: %+v, want %v to %v", tt.header, res, tt.least, tt.most)
		}
	}
}

// A redirect would carry the token to another server.
func TestRedirect(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the redirect was followed: %v", r.URL)
	}))
	defer other.Close()
	c, s := start(t, nil)
	c.script(say{status: 308, header: map[string]string{"Location": other.URL}})
	res := outcome.Of(s.Send(t.Context(), sinktest.Alerts("a", 1)), 1)
	if res == nil || len(res.Retry) != 1 || !strings.Contains(res.Error(), other.URL) {
		t.Errorf("Send: %v, want an error with the address", res)
	}
}
