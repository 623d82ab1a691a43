package splunk_test

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/goshawk-security/goshawk/internal/ship/outcome"
	"github.com/goshawk-security/goshawk/internal/ship/sinktest"
	"github.com/goshawk-security/goshawk/internal/ship/splunk"
)

// A refused token stops the sending until its file changes.
func TestTokenRotation(t *testing.T) {
	var path string
	c, s := start(t, func(c *splunk.Config) { path = c.TokenFile })
	valid := "Splunk " + token
	c.set(func(r request) say {
		if r.header.Get("Authorization") != valid {
			return code(403, 4)
		}
		return success
	})
	batch := sinktest.Alerts("a", 2)

	writeToken(t, path, "wrong")
	for range 3 {
		res := outcome.Of(s.Send(t.Context(), batch), 2)
		if res == nil || !res.Blocked || len(res.Retry) != 2 || res.After <= 0 {
			t.Fatalf("Send with a wrong token: %+v, want it blocked", res)
		}
		for _, want := range []string{path, "code 4", "token", "; change the file, or send SIGHUP"} {
			if !strings.Contains(res.Error(), want) {
				t.Errorf("error %q does not say %q", res, want)
			}
		}
		if strings.Contains(res.Error(), "wrong") {
			t.Errorf("error %q has the token in it", res)
		}
	}
	if n := len(c.seen()); n != 1 {
		t.Errorf("%d requests with a refused token, want 1", n)
	}

	// Nothing to read is no reason to try either.
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if res := outcome.Of(s.Send(t.Context(), batch), 2); res == nil || !res.Blocked {
		t.Errorf("Send without a token file: %+v, want it blocked", res)
	}

	writeToken(t, path, token)
	if err := s.Send(t.Context(), batch); err != nil {
		t.Fatalf("Send with the right token: %v", err)
	}
	if diff := cmp.Diff(sinktest.IDs(batch), c.received()); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
}

// A token that changes while the old one is still good is used at once; one
// that changes just when the old one is refused costs no more than a request.
func TestTokenChange(t *testing.T) {
	var path string
	c, s := start(t, func(c *splunk.Config) { path = c.TokenFile })
	if err := s.Send(t.Context(), sinktest.Alerts("a", 1)); err != nil {
		t.Fatal(err)
	}
	writeToken(t, path, "second")
	if err := s.Send(t.Context(), sinktest.Alerts("b", 1)); err != nil {
		t.Fatal(err)
	}
	c.set(func(r request) say {
		if r.header.Get("Authorization") != "Splunk third" {
			writeToken(t, path, "third")
			return code(401, 3)
		}
		return success
	})
	if err := s.Send(t.Context(), sinktest.Alerts("c", 1)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range c.seen() {
		got = append(got, r.header.Get("Authorization"))
	}
	want := []string{"Splunk " + token, "Splunk second", "Splunk second", "Splunk third"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
}

// A token from the environment cannot change; Reopen is the way out.
func TestTokenFromEnvironment(t *testing.T) {
	t.Setenv("GOSHAWK_TEST_TOKEN", " "+token+"\n")
	c, s := start(t, func(c *splunk.Config) { c.TokenFile, c.TokenEnv = "", "GOSHAWK_TEST_TOKEN" })
	c.script(code(403, 1))
	for range 2 {
		res := outcome.Of(s.Send(t.Context(), sinktest.Alerts("a", 1)), 1)
		if res == nil || !res.Blocked || !strings.HasSuffix(res.Error(), "; restart with a new value") {
			t.Fatalf("Send: %+v, want it blocked", res)
		}
	}
	if err := s.Reopen(); err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), sinktest.Alerts("a", 1)); err != nil {
		t.Fatal(err)
	}
	if got := c.seen()[1].header.Get("Authorization"); got != "Splunk "+token {
		t.Errorf("Authorization is %q", got)
	}
}

// A refused token is tried again with one event at a time: the collector may have
// enabled it.
func TestTokenProbe(t *testing.T) {
	c, s := start(t, nil)
	now := time.Now()
	s.SetClock(func() time.Time { return now })
	c.set(func(request) say { return code(403, 1) })
	batch := sinktest.Alerts("a", 20)
	for range 10 * 60 {
		if res := outcome.Of(s.Send(t.Context(), batch), 20); res == nil || !res.Blocked || len(res.Retry) != 20 {
			t.Fatalf("Send: %+v, want it blocked", res)
		}
		now = now.Add(time.Second)
	}
	var sizes []int
	for _, r := range c.seen() {
		sizes = append(sizes, len(r.events))
	}
	if diff := cmp.Diff([]int{20, 1}, sizes); diff != "" {
		t.Errorf("events of the requests in ten minutes (-want +got):\n%s", diff)
	}

	// A collector that is away when the probe is due says nothing of the token.
	c.script(code(503, 9))
	if res := outcome.Of(s.Send(t.Context(), batch), 20); res == nil || res.Blocked || len(res.Retry) != 20 {
		t.Fatalf("Send: %+v, want all again", res)
	}
	if err := s.Send(t.Context(), batch); err != nil {
		t.Fatalf("Send when the token is good again: %v", err)
	}
	if diff := cmp.Diff(sinktest.IDs(batch), c.received()); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
	if r := c.seen()[2]; len(r.events) != 1 {
		t.Errorf("the last probe has %d events, want 1", len(r.events))
	}
}

// A token file that is gone is logged once, not with every Send.
func TestUnreadableTokenIsLoggedOnce(t *testing.T) {
	c := &collector{}
	srv := httptest.NewServer(c)
	defer srv.Close()
	path := tokenFile(t, token)
	core, logs := observer.New(zap.InfoLevel)
	s, err := splunk.New(splunk.Config{URL: srv.URL, TokenFile: path}, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	send := func() {
		t.Helper()
		for range 10 {
			if err := s.Send(t.Context(), sinktest.Alerts("a", 1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	send()
	if err := os.WriteFile(path, nil, 0o600); err != nil { // another reason
		t.Fatal(err)
	}
	send()
	writeToken(t, path, token)
	send()
	var got []string
	for _, l := range logs.All() {
		got = append(got, l.Message)
	}
	want := []string{
		"token cannot be read again; the last one stays in use",
		"token cannot be read again; the last one stays in use",
		"token can be read again",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}
