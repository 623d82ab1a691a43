package splunk

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// FuzzAnswer: whatever a server sends, the answer is a verdict with an error of
// bounded length.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		"", "{}", "[", `{"code":6,"invalid-event-number":2}`, `{"code":"x"}`, `{"code":-1}`,
		`{"text":"` + strings.Repeat("x", 999) + `","code":9}`,
	} {
		f.Add(200, s, "1")
		f.Add(400, s, "")
	}
	f.Fuzz(fuzzAnswer)
}

func fuzzAnswer(t *testing.T, status int, body, after string) {
	resp := &http.Response{
		StatusCode: status, Header: http.Header{"Retry-After": {after}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
	a := readAnswer(resp, time.Unix(0, 0))
	taken := a.verdict == accepted || a.verdict == acceptedSlow
	if taken != (a.err == nil) {
		t.Fatalf("verdict %d with error %v", a.verdict, a.err)
	}
	if a.err != nil && len(a.err.Error()) > 2000 {
		t.Fatalf("error of %d bytes", len(a.err.Error()))
	}
	if a.after < 0 || a.after > maxAfter || a.event < -1 {
		t.Fatalf("answer is %+v", a)
	}
}
