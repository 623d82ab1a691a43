package ship

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/ship/outcome"
)

func ship(t *testing.T, deps Deps, specs ...spec) *Shipper {
	t.Helper()
	s, err := start(specs, deps)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeIn(s *Shipper, d time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return s.Close(ctx)
}

func sendN(s *Shipper, from, n int) (ids []string) {
	for i := from; i < from+n; i++ {
		s.Send(numbered(i))
		ids = append(ids, fmt.Sprint(i))
	}
	return ids
}

// gather returns all metrics by name and labels.
func gather(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			all[fmt.Sprintf("%s{%s}", f.GetName(), strings.Join(labels, " "))] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return all
}

// A dead and a hung destination delay neither Send nor the one that works.
func TestDestinationsAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, dead, hung := &scripted{}, &scripted{send: down}, &scripted{send: hang}
		reg := prometheus.NewPedanticRegistry()
		small := Queue{Alerts: 10}
		s := ship(t, Deps{Metrics: reg},
			spec{name: "good", sink: good}, spec{name: "dead", sink: dead, queue: small}, spec{name: "hung", sink: hung, queue: small})
		begin := time.Now()
		var want []string
		for i := range 100 {
			want = append(want, sendN(s, i, 1)...)
			synctest.Wait()
		}
		if d := time.Since(begin); d != 0 {
			t.Errorf("Send took %v", d)
		}
		if diff := cmp.Diff(want, good.got()); diff != "" {
			t.Errorf("good (-want +got):\n%s", diff)
		}
		err := closeIn(s, time.Second)
		if d := time.Since(begin); d != time.Second {
			t.Errorf("Close took %v, want its whole second", d)
		}
		var left *UndeliveredError
		if !errors.As(err, &left) {
			t.Fatalf("Close: %v, want an UndeliveredError", err)
		}
		want2 := []Left{{"dead", 10, "collector is down"}, {"hung", 10, ""}}
		if diff := cmp.Diff(want2, left.Left); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
		for _, sink := range []*scripted{good, dead, hung} {
			if sink.closed != 1 {
				t.Errorf("closed %d times", sink.closed)
			}
		}
		if err := closeIn(s, time.Second); err != nil {
			t.Errorf("second Close: %v", err)
		}
		if m := gather(t, reg); len(m) != 0 {
			t.Errorf("metrics after Close: %v", m)
		}
	})
}

// A destination that is down and comes back gets everything, in order, after
// waits that grow and stay below the limit.
func TestRetryUntilBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		sink := &scripted{send: down}
		s := ship(t, Deps{}, spec{name: "soc", sink: sink, log: zap.New(core)})
		want := sendN(s, 0, 5)
		time.Sleep(10 * time.Minute)
		if st := s.Status()[0]; st.State != StateRetrying || st.LastError != "collector is down" || !st.LastSuccess.IsZero() || st.Queued != 5 {
			t.Errorf("status while down: %+v", st)
		}
		var waits []time.Duration
		tries := sink.tries()
		for i, at := range tries[1:] {
			waits = append(waits, at.Sub(tries[i]))
		}
		for i, w := range waits {
			limit := min(maxBackoff, minBackoff<<min(i, 16))
			if w < limit/2 || w > limit {
				t.Errorf("wait %d is %v, want %v to %v", i, w, limit/2, limit)
			}
		}
		want = append(want, sendN(s, 5, 3)...)
		sink.then(nil)
		time.Sleep(maxBackoff)
		if diff := cmp.Diff(want, sink.got()); diff != "" {
			t.Errorf("taken (-want +got):\n%s", diff)
		}
		st := s.Status()[0]
		if st.State != StateOK || st.LastSuccess.IsZero() || st.LastError != "collector is down" || st.Queued != 0 {
			t.Errorf("status when back: %+v", st)
		}
		if n := logs.Len(); n != 2 {
			t.Errorf("%d log lines for one outage, want 2: %v", n, logs.All())
		}
		if err := closeIn(s, time.Second); err != nil {
			t.Error(err)
		}
	})
}

// While a destination is down the oldest alerts are shed, and every alert is
// accounted for in the metrics.
func TestShedIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.WarnLevel)
		reg := prometheus.NewPedanticRegistry()
		sink := &scripted{send: down}
		s := ship(t, Deps{Metrics: reg}, spec{name: "soc", sink: sink, queue: Queue{Alerts: 4}, log: zap.New(core)})
		sendN(s, 0, 4)
		synctest.Wait() // in the first back-off
		sendN(s, 4, 6)
		sink.then(func(_ context.Context, batch []*alert.Alert) error {
			return &outcome.Error{Err: errors.New("one is bad"), Rejected: []outcome.Rejection{{Index: 1, Reason: "bad data"}}}
		})
		time.Sleep(time.Second)
		if diff := cmp.Diff([]string{"6", "8", "9"}, sink.got()); diff != "" {
			t.Errorf("taken (-want +got):\n%s", diff)
		}
		want := map[string]float64{
			`goshawk_alerts_sent_total{destination=soc}`: 3, `goshawk_alerts_shed_total{cause=queue_full destination=soc}`: 6,
			`goshawk_alerts_shed_total{cause=too_large destination=soc}`: 0, `goshawk_alerts_shed_total{cause=end destination=soc}`: 0,
			`goshawk_alerts_rejected_total{destination=soc}`: 1, `goshawk_alerts_retried_total{destination=soc}`: 0,
			`goshawk_queue_alerts{destination=soc}`: 0, `goshawk_queue_bytes{destination=soc}`: 0,
			`goshawk_queue_limit_alerts{destination=soc}`:                         4,
			`goshawk_destination_state{destination=soc state=ok}`:                 1,
			`goshawk_destination_state{destination=soc state=retrying}`:           0,
			`goshawk_destination_state{destination=soc state=blocked}`:            0,
			`goshawk_destination_last_success_timestamp_seconds{destination=soc}`: float64(s.Status()[0].LastSuccess.UnixMilli()) / 1000,
		}
		if diff := cmp.Diff(want, gather(t, reg)); diff != "" {
			t.Errorf("metrics (-want +got):\n%s", diff)
		}
		if n := logs.FilterMessageSnippet("shed").Len(); n != 1 {
			t.Errorf("%d log lines about six sheds, want 1", n)
		}
		if n := logs.FilterMessage("refused alert").Len(); n != 1 {
			t.Errorf("%d refused alerts in the log, want the one", n)
		}
		if n := s.Status()[0].Rejected; n != 1 {
			t.Errorf("status has %d refused, want 1", n)
		}
		refused := logs.FilterMessageSnippet("refused alerts").All()
		if len(refused) != 1 || fmt.Sprintf("%v %v", refused[0].ContextMap()["ids"], refused[0].ContextMap()["reason"]) != "[7] bad data" {
			t.Errorf("log about the refused one: %v", refused)
		}
		_ = closeIn(s, time.Second)
	})
}

// What a destination says of the next try is followed; a refused token blocks,
// is polled without counting as a retry, and ends a Close at once.
func TestBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &scripted{send: func(_ context.Context, batch []*alert.Alert) error {
			e := outcome.RetryAll(len(batch), errors.New("token is refused"))
			e.Blocked, e.After = true, time.Second
			return e
		}}
		s := ship(t, Deps{}, spec{name: "soc", sink: sink})
		sendN(s, 0, 2)
		time.Sleep(10*time.Second + 1)
		synctest.Wait()
		if n := len(sink.tries()); n != 11 {
			t.Errorf("%d tries in 10 s, want 11", n)
		}
		if st := s.Status()[0]; st.State != StateBlocked || st.LastError != "token is refused" {
			t.Errorf("status: %+v", st)
		}
		if _, _, c := s.workers[0].queue.snapshot(); c.retried != 0 {
			t.Errorf("%d retried, want 0", c.retried)
		}
		begin := time.Now()
		err := closeIn(s, 5*time.Second)
		if err == nil || err.Error() != "alerts not delivered: 2 to soc (token is refused)" {
			t.Errorf("Close: %v", err)
		}
		if d := time.Since(begin); d > time.Second {
			t.Errorf("Close took %v although nothing could be sent", d)
		}
	})
}

func TestReopenWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idle, waiting := &scripted{}, &scripted{send: func(_ context.Context, batch []*alert.Alert) error {
			e := outcome.RetryAll(len(batch), errDown)
			e.After = time.Hour
			return e
		}}
		s := ship(t, Deps{}, spec{name: "idle", sink: idle}, spec{name: "waiting", sink: waiting})
		sendN(s, 0, 1)
		synctest.Wait()
		waiting.then(nil)
		s.Reopen()
		synctest.Wait()
		if idle.reopened != 1 || waiting.reopened != 1 || len(waiting.got()) != 1 {
			t.Errorf("reopened %d and %d times, %v taken", idle.reopened, waiting.reopened, waiting.got())
		}
		if err := closeIn(s, time.Second); err != nil {
			t.Error(err)
		}
	})
}

// A batch waits to grow, but not when it is large already and not while closing.
func TestBatching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &scripted{}
		s := ship(t, Deps{}, spec{name: "soc", sink: sink, wait: time.Second})
		sendN(s, 0, 1)
		time.Sleep(999 * time.Millisecond)
		sendN(s, 1, 1)
		if n := len(sink.got()); n != 0 {
			t.Errorf("%d taken before the wait was over", n)
		}
		time.Sleep(2 * time.Millisecond)
		if n := len(sink.got()); n != 2 {
			t.Errorf("%d taken after the wait, want 2", n)
		}
		sendN(s, 2, maxBatch)
		synctest.Wait()
		sendN(s, 2+maxBatch, 3)
		begin := time.Now()
		if err := closeIn(s, 5*time.Second); err != nil {
			t.Error(err)
		}
		if time.Since(begin) != 0 || !slices.Equal(sink.sizes, []int{2, maxBatch, 3}) {
			t.Errorf("Close took %v, batches were %v", time.Since(begin), sink.sizes)
		}
		s.Send(numbered(1))
		if _, _, c := s.workers[0].queue.snapshot(); c.shed[causeEnd] != 1 || c.accepted != uint64(6+maxBatch) {
			t.Errorf("after Close: %+v", c)
		}
	})
}

// Close gives a destination that was in a long wait another chance at once.
func TestCloseTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &scripted{send: down}
		s := ship(t, Deps{}, spec{name: "soc", sink: sink})
		sendN(s, 0, 1)
		time.Sleep(5 * time.Minute)
		sink.then(nil)
		begin := time.Now()
		if err := closeIn(s, 5*time.Second); err != nil || time.Since(begin) > 0 {
			t.Errorf("Close: %v after %v", err, time.Since(begin))
		}
	})
}

// A sink that ignores its context cannot hold up the end of the agent.
func TestCloseLeavesTheHung(t *testing.T) {
	release := make(chan struct{})
	sink := &scripted{send: func(context.Context, []*alert.Alert) error { <-release; return nil }}
	s := ship(t, Deps{}, spec{name: "stuck", sink: sink})
	sendN(s, 0, 3)
	begin := time.Now()
	err := closeIn(s, 20*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "stuck: it hangs") || !strings.Contains(err.Error(), "3 to stuck") {
		t.Errorf("Close: %v", err)
	}
	if d := time.Since(begin); d > 3*time.Second {
		t.Errorf("Close took %v", d)
	}
	close(release)
	<-s.workers[0].done
}

// A part of a batch that is taken is progress: the waits begin anew.
func TestPartialProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &scripted{send: func(_ context.Context, batch []*alert.Alert) error {
			if len(batch) == 1 {
				return nil
			}
			e := outcome.RetryAll(len(batch), errDown)
			e.Retry = e.Retry[1:]
			return e
		}}
		s := ship(t, Deps{}, spec{name: "soc", sink: sink, wait: time.Millisecond})
		want := sendN(s, 0, 20)
		time.Sleep(20 * minBackoff)
		if diff := cmp.Diff(want, sink.got()); diff != "" {
			t.Errorf("taken (-want +got):\n%s", diff)
		}
		_ = closeIn(s, time.Second)
	})
}
