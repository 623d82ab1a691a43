package match

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/goshawk-security/goshawk/internal/event"
)

func TestStats(t *testing.T) {
	m := compile(t, load(t, item("opens", `evt.type = openat and fd.name = /a`)+
		item("pends", `evt.type = openat and test.kind = x`)+
		item("connects", `evt.type = connect and fd.sport = 1`)+
		item("both", `evt.type in (openat, connect) and proc.name = bash`))).NewMatcher()
	bash := image("bash")
	waiting := opened(1, "/c", "/d", bash)
	waiting.CPU = 1
	for _, ev := range []*event.Event{opened(1, "/b", "/a", bash), waiting, connectedTo("1.2.3.4:1", image("sh")), executed(bash)} {
		m.Match(ev)
	}
	var got []string
	stats := m.Stats()
	for _, s := range stats {
		got = append(got, s.Rule.Name)
	}
	if diff := cmp.Diff([]string{"opens", "pends", "connects", "both"}, got); diff != "" {
		t.Error(diff)
	}
	want := []RuleStats{{Evaluated: 2, Matched: 1}, {Evaluated: 2, Pending: 1}, {Evaluated: 1, Matched: 1}, {Evaluated: 3, Matched: 2}}
	if diff := cmp.Diff(want, stats, cmpopts.IgnoreFields(RuleStats{}, "Rule", "Time")); diff != "" {
		t.Error(diff)
	}
}

// After enough events every rule that is evaluated has a time.
func TestStatsTime(t *testing.T) {
	m := compile(t, load(t, item("opens", `evt.type = openat and fd.name contains a`))).NewMatcher()
	ev := opened(1, "/b", "/a", image("bash"))
	for range 2 * sampleEvery {
		m.Match(ev)
	}
	if s := m.Stats()[0]; s.Time <= 0 || s.Time > time.Minute*sampleEvery {
		t.Errorf("time %v", s.Time)
	}
}

func TestFirstOnly(t *testing.T) {
	rules := load(t, item("later name", `evt.type = openat and fd.name = /a`)+item("first name", `evt.type = openat and fd.name = /b`)+item("any", `evt.type = openat`))
	ev := opened(1, "/b", "/a", image("bash"))
	if hits := compile(t, rules).NewMatcher().Match(ev); len(hits) != 3 {
		t.Fatalf("%d hits, want 3", len(hits))
	}
	m := compile(t, rules).NewMatcher(FirstOnly)
	if hits := m.Match(ev); len(hits) != 1 || hits[0].Rule.Name != "later name" || hits[0].Name != 1 || m.Stats()[1].Matched != 0 {
		t.Errorf("%d hits, want the first rule alone", len(hits))
	}
}

// A rule that waits for a value is counted and can be asked for.
func TestPending(t *testing.T) {
	m := compile(t, load(t, item("r", `evt.type = openat and test.kind = x`))).NewMatcher()
	ev := opened(0, "/a", "", image("bash"))
	ev.CPU = 1
	if hits := m.Match(ev); len(hits) != 0 || m.Pending() != 1 {
		t.Errorf("%d hits and %d pending, want one that is pending", len(hits), m.Pending())
	}
	ev.CPU = 0
	if hits := m.Match(ev); len(hits) != 0 || m.Pending() != 0 {
		t.Errorf("%d hits and %d pending, want none", len(hits), m.Pending())
	}
}
