package splunk_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
		for _, want := range []string{path, "code 4", "token"} {
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
		if res := outcome.Of(s.Send(t.Context(), sinktest.Alerts("a", 1)), 1); res == nil || !res.Blocked {
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
