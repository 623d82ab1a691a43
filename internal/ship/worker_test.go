package ship

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/ship/outcome"
	"github.com/goshawk-security/goshawk/internal/ship/splunk"
)

// Gone tells when the last destination is, and not before.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := func(_ context.Context, batch []*alert.Alert) error {
			e := outcome.RetryAll(len(batch), errors.New("the reader has left"))
			e.Blocked, e.Gone, e.After = true, true, time.Second
			return e
		}
		first, second := &scripted{send: left}, &scripted{}
		s := ship(t, Deps{}, spec{name: "first", sink: first}, spec{name: "second", sink: second})
		gone := func() bool {
			select {
			case <-s.Gone():
				return true
			default:
				return false
			}
		}
		sendN(s, 0, 1)
		time.Sleep(10 * time.Second)
		if gone() {
			t.Error("gone although one destination works")
		}
		second.then(left)
		sendN(s, 1, 1)
		time.Sleep(10 * time.Second)
		if !gone() {
			t.Error("not gone although no destination works")
		}
		_ = closeIn(s, time.Second)
	})
}

// A destination that asks for a pause works: it gets the next batch after the
// pause, and at once when the shipper closes.
func TestSlowDestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.WarnLevel)
		sink := &scripted{send: func(_ context.Context, batch []*alert.Alert) error {
			e := &outcome.Error{Err: errors.New("queue is nearly full"), After: 10 * time.Second, Slow: true}
			for i := 2; i < len(batch); i++ {
				e.Retry = append(e.Retry, i)
			}
			return e
		}}
		s := ship(t, Deps{}, spec{name: "soc", sink: sink, wait: time.Millisecond, log: zap.New(core)})
		want := sendN(s, 0, 8)
		time.Sleep(19 * time.Second)
		if diff := cmp.Diff(want[:4], sink.got()); diff != "" {
			t.Errorf("taken in 19 s (-want +got):\n%s", diff)
		}
		if st := s.Status()[0]; st.State != StateOK || st.LastSuccess.IsZero() || logs.Len() != 0 {
			t.Errorf("status %+v, log %v; want it to be ok", st, logs.All())
		}
		if _, _, c := s.workers[0].queue.snapshot(); c.retried != 0 {
			t.Errorf("%d retried, want 0: they were not tried before", c.retried)
		}
		begin := time.Now()
		if err := closeIn(s, 4*time.Second); err != nil || time.Since(begin) > 0 {
			t.Errorf("Close: %v after %v", err, time.Since(begin))
		}
		if diff := cmp.Diff(want, sink.got()); diff != "" {
			t.Errorf("taken (-want +got):\n%s", diff)
		}
	})
}

// The sheds of a burst are all logged: the first at once, the rest a minute later
// or at the end; an alert that no queue can hold in words of its own.
func TestShedIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.WarnLevel)
		s := ship(t, Deps{}, spec{name: "soc", sink: &scripted{send: hang}, queue: Queue{Alerts: 2, Bytes: 1 << 10}, log: zap.New(core)})
		said := func(part string) (sums []int64) {
			for _, l := range logs.FilterMessageSnippet(part).All() {
				sums = append(sums, l.ContextMap()["shed"].(int64))
			}
			return sums
		}
		sendN(s, 0, 12)
		time.Sleep(time.Minute + time.Second)
		if diff := cmp.Diff([]int64{1, 9}, said("queue is full")); diff != "" {
			t.Errorf("sheds logged (-want +got):\n%s", diff)
		}
		sendN(s, 12, 3)
		large := numbered(99)
		large.Output = strings.Repeat("x", 2<<10)
		s.Send(large)
		logged := logs.FilterMessageSnippet("raise queue.bytes").All()
		if len(logged) != 1 || logged[0].ContextMap()["shed"] != int64(1) {
			t.Errorf("log about the large one: %v", logged)
		}
		_ = closeIn(s, time.Second)
		sum := int64(0)
		for _, n := range said("queue is full") {
			sum += n
		}
		if sum != 13 {
			t.Errorf("%d of 13 sheds logged", sum)
		}
		if _, _, c := s.workers[0].queue.snapshot(); c.shed != [causes]uint64{13, 1, 2} {
			t.Errorf("sheds by cause: %v", c.shed)
		}
	})
}

// A collector that asks for a pause with every answer gets everything within the
// time that Close has.
func TestCloseAtSlowCollector(t *testing.T) {
	var taken atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for dec := json.NewDecoder(r.Body); ; taken.Add(1) {
			var event json.RawMessage
			if dec.Decode(&event) != nil {
				break
			}
		}
		_, _ = io.WriteString(w, `{"text":"Queue is nearly full","code":24}`)
	}))
	defer srv.Close()
	t.Setenv("GOSHAWK_TEST_TOKEN", "t0ken")
	s, err := New(Config{{Name: "soc", Splunk: &splunk.Config{
		URL: srv.URL, TokenEnv: "GOSHAWK_TEST_TOKEN", Compression: "none", MaxBatchBytes: 16 << 10, MaxWait: time.Millisecond,
	}}}, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	sendN(s, 0, 1)
	for end := time.Now().Add(10 * time.Second); taken.Load() == 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	sendN(s, 1, 2000) // while it is in the first pause
	begin := time.Now()
	if err := closeIn(s, 4*time.Second); err != nil {
		t.Error(err)
	}
	if n := taken.Load(); n != 2001 {
		t.Errorf("%d taken after %v, want 2001", n, time.Since(begin))
	}
}
