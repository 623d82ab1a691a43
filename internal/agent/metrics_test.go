package agent

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/goshawk-security/goshawk/internal/agent/doctor"
	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/event"
)

// Every metric of ours, those of the destinations included, is in the manual.
func TestDocsMetrics(t *testing.T) {
	manual, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	a, _ := newTestAgent(t)
	descs := make(chan *prometheus.Desc)
	go func() {
		a.metrics.registry.Describe(descs)
		close(descs)
	}()
	name := regexp.MustCompile(`fqName: "(\w+)"`)
	ours := 0
	for d := range descs {
		found := name.FindStringSubmatch(d.String())
		if found == nil || !strings.HasPrefix(found[1], "goshawk_") {
			continue
		}
		ours++
		if !regexp.MustCompile("`" + found[1] + "[`{]").Match(manual) {
			t.Errorf("%s is not in docs/operations.md", found[1])
		}
	}
	if ours < 20 {
		t.Errorf("only %d metrics were looked at", ours)
	}
}

// What can be lost or matched is a series before it is.
func TestMetricsBegin(t *testing.T) {
	a, _ := newTestAgent(t)
	a.metrics.setWatched(a.rules.set.Types())
	a.metrics.setKernel([]capture.Loss{{Type: event.Openat, Cause: capture.CauseNoScratch, Count: 3}}, 0, 0)
	a.tellLimits([]doctor.Check{{Name: "cgroups"}, {Name: "pid namespace", Status: doctor.Degraded, Found: "its own"}})
	page := get(t, a, "/metrics")
	for _, want := range []string{
		`goshawk_events_lost_total{cause="ring_full",type="openat"} 0`,
		`goshawk_events_lost_total{cause="no_scratch",type="openat"} 3`,
		`goshawk_events_lost_total{cause="ring_full",type="fork"} 0`,
		`goshawk_events_lost_total{cause="recursion",type="any"} 0`,
		`goshawk_events_total{type="openat"} 0`,
		`goshawk_rule_matches_total{rule="Marker"} 0`,
		`goshawk_degraded{what="cgroups"} 0`,
		`goshawk_degraded{what="pid namespace"} 1`,
	} {
		if !strings.Contains(page, "\n"+want+"\n") {
			t.Errorf("no line %s", want)
		}
	}
	if strings.Contains(page, `type="connect"`) {
		t.Error("a type that no rule asks for is there")
	}
	a.health.run()
	a.beat.seen(a.beat.note())
	if page := get(t, a, "/readyz"); !strings.HasPrefix(page, "ready\ndegraded pid namespace: its own\ndestination ") {
		t.Errorf("/readyz = %q", page)
	}
}

// get returns a page of the agent.
func get(t *testing.T, a *Agent, path string) string {
	t.Helper()
	page := httptest.NewRecorder()
	a.handler().ServeHTTP(page, httptest.NewRequest("GET", path, nil))
	return page.Body.String()
}
