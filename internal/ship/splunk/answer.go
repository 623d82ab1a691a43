package splunk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// verdict is what an answer means for the request.
type verdict uint8

const (
	accepted     verdict = iota
	acceptedSlow         // and the next request is to wait
	again                // the same request may be taken later
	refused              // the token is not good
	eventFault           // one of the events is not good
	requestFault         // none of the events will be taken
)

// answer is what the collector said.
type answer struct {
	verdict verdict
	event   int           // at fault, -1 if the answer does not say
	after   time.Duration // Retry-After, 0 if the answer has none
	err     error         // nil if accepted
}

// reply is the body of an answer.
type reply struct {
	Text    string `json:"text"`
	Code    *int   `json:"code"`
	Invalid *int   `json:"invalid-event-number"`
}

const (
	maxReply  = 64 << 10  // of a body that is read
	maxDrain  = 256 << 10 // of one that is drained to keep the connection
	maxReason = 200       // of a text of the server's that is passed on
	maxAfter  = 5 * time.Minute
)

// readAnswer reads and closes the body of resp.
func readAnswer(resp *http.Response, now time.Time) answer {
	body, readErr := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	_, _ = io.CopyN(io.Discard, resp.Body, maxDrain) // best effort
	_ = resp.Body.Close()                            // nothing was written to it

	var r reply
	if json.Unmarshal(body, &r) != nil {
		r = reply{}
	}
	a := answer{event: -1}
	if r.Invalid != nil && *r.Invalid >= 0 {
		a.event = *r.Invalid
	}
	switch {
	case r.Code != nil:
		a.verdict = byCode(*r.Code, resp.StatusCode)
	case success(resp.StatusCode) && readErr != nil:
		// Whether they were accepted is in the part that is missing.
		a.verdict = again
		a.err = fmt.Errorf("read answer: %w", readErr)
		return a
	default:
		a.verdict = byStatus(resp.StatusCode)
	}
	if a.verdict != accepted && a.verdict != acceptedSlow {
		a.err = answerError(resp, r)
		a.after = retryAfter(resp.Header.Get("Retry-After"), now)
	}
	return a
}

// byCode reads the collector's own code; the table is in the package comment.
func byCode(code, status int) verdict {
	switch code {
	case 0:
		if success(status) {
			return accepted
		}
	case 24, 25:
		return acceptedSlow
	case 8, 9, 18, 19, 20, 23, 26, 27:
		return again
	case 1, 2, 3, 4:
		return refused
	case 6, 12, 13, 15:
		return eventFault
	case 5, 7, 10, 11, 14, 16, 21, 22:
		return requestFault
	}
	if code > 0 && code < firstForeignCode && success(status) {
		return accepted // of a version that is newer than the table
	}
	return byStatus(status)
}

// firstForeignCode is a code that no collector uses: gateways repeat the HTTP
// status in a field of this name.
const firstForeignCode = 100

// byStatus is for answers without a collector's code: a proxy, a gateway or
// another server gave them. Whatever it is, a mistake in the configuration or
// theirs, it is no reason to lose an alert: it is sent again, and shows in the
// status meanwhile. Only a request that is too large stays so.
func byStatus(status int) verdict {
	if status == http.StatusRequestEntityTooLarge {
		return eventFault
	}
	return again
}

func success(status int) bool { return status >= 200 && status < 300 }

// answerError says what the server said, in one line.
func answerError(resp *http.Response, r reply) error {
	text := r.Text
	if len(text) > maxReason {
		text = text[:maxReason] + cutMark
	}
	switch {
	case r.Code != nil && *r.Code < firstForeignCode:
		return fmt.Errorf("collector answered %q (code %d, HTTP status %d)", text, *r.Code, resp.StatusCode)
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return fmt.Errorf("server redirects to %q (HTTP status %d); set url to the final address",
			resp.Header.Get("Location"), resp.StatusCode)
	case resp.StatusCode == http.StatusNotFound:
		return errors.New("no collector at this address (HTTP status 404); check the url, and that the collector is enabled")
	}
	check := ""
	switch status := resp.StatusCode; {
	case success(status):
		return fmt.Errorf("answered %d without a collector's code; check the url", status)
	case status == http.StatusBadRequest || status == http.StatusUnprocessableEntity:
		check = "; check http/https and the port in url"
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		check = "; a proxy may have answered: check the url"
	}
	return fmt.Errorf("server answered HTTP status %d without a collector's code%s", resp.StatusCode, check)
}

// retryAfter reads the header, seconds or a date.
func retryAfter(h string, now time.Time) time.Duration {
	if h == "" {
		return 0
	}
	var d time.Duration
	if n, err := strconv.Atoi(h); err == nil {
		if n > int(maxAfter/time.Second) {
			n = int(maxAfter / time.Second)
		}
		d = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(h); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), maxAfter)
}

// plainError takes the method and the URL, which the sink names itself, off
// the error of a request, and says what a time-out is.
func plainError(err error) error {
	var u *url.Error
	if !errors.As(err, &u) {
		return err
	}
	if u.Timeout() {
		return fmt.Errorf("no answer in time: %w", u.Err)
	}
	return u.Err
}
