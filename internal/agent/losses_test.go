package agent

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/rule"
)

func TestLosses(t *testing.T) {
	l := newLosses([]*rule.Rule{
		{Name: "opens", Enabled: true, Types: []event.Type{event.Open, event.Openat}},
		{Name: "connects", Enabled: true, Types: []event.Type{event.Connect}},
		{Name: "off", Types: []event.Type{event.Openat}},
	})
	start := time.Unix(1000, 0)
	openat := func(n uint64) capture.Loss { return capture.Loss{Type: event.Openat, Cause: "ring_full", Count: n} }
	recursion := func(n uint64) capture.Loss { return capture.Loss{Cause: "recursion", Count: n} }
	steps := []struct {
		name   string
		at     time.Duration
		counts []capture.Loss
		end    bool
		want   *report
	}{
		{"nothing", 0, nil, false, nil},
		{"the first is told at once", time.Second, []capture.Loss{openat(5)}, false,
			&report{Total: 5, Lost: []capture.Loss{openat(5)}, Rules: []string{"opens"}}},
		{"more is kept back", 2 * time.Second, []capture.Loss{openat(25)}, false, nil},
		{"and told exactly", 5 * time.Second, []capture.Loss{openat(30), recursion(2)}, false,
			&report{Total: 27, Lost: []capture.Loss{openat(25), recursion(2)}, Rules: []string{"connects", "opens"}, Elapsed: 4 * time.Second}},
		{"no more", 30 * time.Second, []capture.Loss{openat(30), recursion(2)}, false, nil},
		{"state", 60 * time.Second, []capture.Loss{{Type: event.ProcExit, Cause: "ring_full", Count: 1}}, false,
			&report{Total: 1, Lost: []capture.Loss{{Type: event.ProcExit, Cause: "ring_full", Count: 1}}, State: true, Elapsed: 55 * time.Second}},
		{"the end does not wait", 61 * time.Second, []capture.Loss{openat(31)}, true,
			&report{Total: 1, Lost: []capture.Loss{openat(1)}, Rules: []string{"opens"}, Elapsed: time.Second}},
	}
	for _, s := range steps {
		got := l.update(start.Add(s.at), s.counts, s.end)
		if diff := cmp.Diff(s.want, got, cmpopts.IgnoreUnexported(report{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.name, diff)
		}
	}
}

func TestLossAlert(t *testing.T) {
	r := &report{Total: 7, Rules: []string{"a", "b"}, State: true, Lost: []capture.Loss{
		{Type: event.Openat, Cause: "ring_full", Count: 6}, {Cause: "recursion", Count: 1}}}
	node := alert.Node{Hostname: "n1", BootID: "boot"}
	got := r.alert(time.Unix(5, 0), node)
	want := &alert.Alert{
		ID: got.ID, Fingerprint: got.Fingerprint,
		Output: "Goshawk lost 7 events: openat 6 (ring_full), any 1 (recursion). Rules that may have missed something: a, b." +
			" Births or ends of processes were among them: the lineage of new alerts may have gaps.",
		Priority: "Warning", Rule: "Goshawk lost events", Source: "goshawk", Tags: []string{"goshawk", "visibility"},
		Time: time.Unix(5, 0).UTC(), Hostname: "n1",
		OutputFields: map[string]any{"lost.total": uint64(7), "lost.rules": []string{"a", "b"}, "lost.state": true,
			"lost.events": map[string]any{"openat.ring_full": uint64(6), "any.recursion": uint64(1)}},
		Lineage: []alert.Ancestor{}, Conditions: []alert.Condition{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alert (-want +got):\n%s", diff)
	}
	if again := r.alert(time.Unix(6, 0), node); again.ID == got.ID || again.Fingerprint != got.Fingerprint {
		t.Error("two reports must differ in id and agree in fingerprint")
	}
}

func TestAbridged(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
	if got, want := abridged(names), "a, b, c, d, e, f, g, h and 2 more"; got != want {
		t.Errorf("abridged = %q, want %q", got, want)
	}
	if got, want := abridged(names[:2]), "a, b"; got != want {
		t.Errorf("abridged = %q, want %q", got, want)
	}
}
