package splunk_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/ship/outcome"
	"github.com/goshawk-security/goshawk/internal/ship/sinktest"
	"github.com/goshawk-security/goshawk/internal/ship/splunk"
)

// What becomes of a batch.
const (
	taken = iota
	again
	blocked
	rejected // as a whole
	found    // the one at fault is looked for; with later success none is refused
)

type answerCase struct {
	say  say
	want int
}

// answers is the table of answers.
func answers() []answerCase {
	return []answerCase{
		{success, taken},
		{code(200, 24), taken},
		{code(200, 25), taken},
		{code(500, 8), again},
		{code(503, 9), again},
		{code(503, 18), again},
		{code(503, 19), again},
		{code(503, 20), again},
		{code(503, 23), again},
		{code(429, 26), again},
		{code(429, 27), again},
		{code(403, 1), blocked},
		{code(401, 2), blocked},
		{code(401, 3), blocked},
		{code(403, 4), blocked},
		{code(400, 5), rejected},
		{code(400, 6), found},
		{code(400, 7), rejected},
		{code(400, 10), rejected},
		{code(400, 11), rejected},
		{code(400, 12), found},
		{code(400, 13), found},
		{code(400, 14), rejected},
		{code(400, 15), found},
		{code(400, 16), rejected},
		{code(400, 21), rejected},
		{code(400, 22), rejected},
		// Without a code that is known, the status decides.
		{say{status: 200, body: "OK"}, again},
		{say{status: 200}, again},
		{say{status: 204}, again},
		{say{status: 200, body: `{"status":"ok"}`}, again},
		{code(200, 200), again},
		{code(200, 99), taken},
		{code(503, 0), again},
		{code(503, 99), again},
		{code(400, 0), again},
		{code(400, 99), again},
		{code(400, 400), again},
		{say{status: 400, body: "Client sent an HTTP request to an HTTPS server."}, again},
		{say{status: 422}, again},
		{say{status: 413}, found},
		{say{status: 401, body: "<html>no"}, again},
		{say{status: 403}, again},
		{code(403, 403), again},
		{say{status: 404, body: "not here"}, again},
		{say{status: 407}, again},
		{say{status: 408}, again},
		{say{status: 429}, again},
		{say{status: 502, body: "<html>bad gateway"}, again},
		{say{status: 504}, again},
		{say{status: 307, header: map[string]string{"Location": "/elsewhere"}}, again},
		{say{status: 200, body: "<html>log in", header: map[string]string{"Content-Type": "text/html; charset=utf-8"}}, again},
	}
}

// What becomes of a batch of three when the first request is answered so and
// all later ones with success.
func TestAnswers(t *testing.T) {
	for _, tt := range answers() {
		t.Run(fmt.Sprintf("%d %.12s", tt.say.status, tt.say.body[max(0, len(tt.say.body)-9):]), func(t *testing.T) {
			c, s := start(t, nil)
			c.script(tt.say)
			err := s.Send(t.Context(), sinktest.Alerts("a", 3))
			res := outcome.Of(err, 3)
			got := taken
			switch {
			case err == nil && len(c.seen()) > 1:
				got = found
			case err == nil:
			case res.Slow && len(res.Retry) == 0 && len(res.Rejected) == 0:
			case res.Blocked:
				got = blocked
			case len(res.Rejected) == 3 && len(res.Retry) == 0:
				got = rejected
			case len(res.Retry) == 3 && len(res.Rejected) == 0:
				got = again
			default:
				t.Fatalf("Send: %+v", res)
			}
			if got != tt.want {
				t.Errorf("Send: %v\n is %d, want %d", err, got, tt.want)
			}
			if got == blocked && len(res.Retry) != 3 {
				t.Errorf("blocked with %d to be sent again, want 3", len(res.Retry))
			}
		})
	}
}

// What an operator reads when something else than a collector answers.
func TestForeignAnswers(t *testing.T) {
	for _, tt := range []struct {
		say  say
		want string
	}{
		{say{status: 200, body: "hello"}, "answered 200 without a collector's code; check the url"},
		{say{status: 204}, "answered 204 without a collector's code; check the url"},
		{say{status: 400, body: "HTTP request to HTTPS server"},
			"server answered HTTP status 400 without a collector's code; check http/https and the port in url"},
		{code(422, 422), "server answered HTTP status 422 without a collector's code; check http/https and the port in url"},
		{say{status: 403, body: "<html>"}, "server answered HTTP status 403 without a collector's code; a proxy may have answered: check the url"},
		{say{status: 502}, "server answered HTTP status 502 without a collector's code"},
	} {
		c, s := start(t, nil)
		c.script(tt.say)
		res := outcome.Of(s.Send(t.Context(), sinktest.Alerts("a", 1)), 1)
		if res == nil || res.Blocked || len(res.Retry) != 1 || !strings.HasSuffix(res.Error(), ": "+tt.want) {
			t.Errorf("Send: %+v\nwant a retry and %q", res, tt.want)
		}
	}
}

// A TLS server that is asked in clear answers 400: nothing may be lost by it.
func TestWrongScheme(t *testing.T) {
	_, url := startTLS(t, newAuthority(t).server(t, "127.0.0.1"), 0)
	cfg := splunk.Config{URL: strings.Replace(url, "https:", "http:", 1), TokenFile: tokenFile(t, token)}
	res := outcome.Of(newSink(t, cfg).Send(t.Context(), sinktest.Alerts("a", 3)), 3)
	if res == nil || len(res.Retry) != 3 || len(res.Rejected) != 0 || !strings.Contains(res.Error(), "check http/https") {
		t.Errorf("Send: %+v, want all again", res)
	}
}

// A collector that refuses single events, with and without saying which: the
// bad ones are refused, all others arrive, none twice.
func TestEventAtFault(t *testing.T) {
	bad := map[string]bool{"a-3": true, "a-11": true, "a-12": true}
	for _, tt := range []struct {
		name   string
		answer func(first int) say
	}{
		{"named", func(first int) say { return codeEvent(6, first) }},
		{"indexed fields", func(first int) say { return codeEvent(15, first) }},
		{"not named", func(int) say { return code(400, 6) }},
		{"beyond the batch", func(int) say { return codeEvent(6, 99) }},
		{"negative", func(int) say { return codeEvent(6, -1) }},
		{"counted from 1", func(first int) say { return codeEvent(6, first+1) }},
		{"only a status", func(int) say { return say{status: 413, body: "no"} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, s := start(t, nil)
			c.set(func(r request) say {
				i := slices.IndexFunc(r.ids(), func(id string) bool { return bad[id] })
				if i < 0 {
					return success
				}
				return tt.answer(i)
			})
			batch := sinktest.Alerts("a", 16)
			res := outcome.Of(s.Send(t.Context(), batch), len(batch))
			if res == nil || len(res.Retry) != 0 {
				t.Fatalf("Send: %+v, want rejections alone", res)
			}
			refused := map[string]bool{}
			for _, r := range res.Rejected {
				refused[batch[r.Index].ID] = true
			}
			if diff := cmp.Diff(bad, refused); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
			var want []string
			for _, a := range batch {
				if !bad[a.ID] {
					want = append(want, a.ID)
				}
			}
			if diff := cmp.Diff(want, c.received()); diff != "" {
				t.Errorf("received, in order (-want +got):\n%s", diff)
			}
		})
	}
}
