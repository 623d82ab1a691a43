package agent

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// Names of the alerts that say from when and until when an agent sees: between the
// second of one agent and the first of the next lies what nobody saw.
const (
	WatchesRule = "Goshawk watches"
	StoppedRule = "Goshawk stopped watching"
)

// podVariable names the agent's pod, where it runs in one.
const podVariable = "GOSHAWK_POD_NAME"

// sight is the time in which the agent sees. Times are in ns since the Unix epoch, 0
// as long as they are not known.
type sight struct{ since, until atomic.Int64 }

// metrics registers the times.
func (s *sight) metrics(registry *prometheus.Registry) {
	for _, m := range []struct {
		name, help string
		at         *atomic.Int64
	}{
		{"goshawk_watching_since_timestamp_seconds", "When the kernel side was attached; 0 before.", &s.since},
		{"goshawk_watched_until_timestamp_seconds", "When it was taken off; 0 before.", &s.until},
	} {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: m.name, Help: m.help},
			func() float64 { return float64(m.at.Load()) / 1e9 }))
	}
}

// begins is called when the kernel side is attached and its first heartbeat may come.
func (a *Agent) begins(since time.Time) {
	a.sight.since.Store(since.UnixNano())
	a.log.Info("what happens from now on is seen", zap.Time("since", since.UTC()), zap.String("node", a.node.Hostname))
	a.announce(WatchesRule, since, fmt.Sprintf("Goshawk on %s sees what happens since %s.", a.node.Hostname, since.UTC().Format(time.RFC3339Nano)),
		map[string]any{"watching.since": since.UTC().Format(time.RFC3339Nano)})
}

// ends is called before the kernel side is taken off: until then everything was seen.
func (a *Agent) ends(until time.Time) {
	a.sight.until.Store(until.UnixNano())
	a.log.Info("what happens from now on is not seen by this agent", zap.Time("until", until.UTC()), zap.String("node", a.node.Hostname))
	since := time.Unix(0, a.sight.since.Load()).UTC()
	a.announce(StoppedRule, until, fmt.Sprintf("Goshawk on %s stopped: it saw what happened until %s.", a.node.Hostname, until.UTC().Format(time.RFC3339Nano)),
		map[string]any{"watching.since": since.Format(time.RFC3339Nano), "watching.until": until.UTC().Format(time.RFC3339Nano)})
}

// announce sends an alert about the agent itself, if the operator wants them.
func (a *Agent) announce(name string, at time.Time, output string, fields map[string]any) {
	if !a.cfg.Heartbeat.Announce {
		return
	}
	pod := os.Getenv(podVariable)
	if pod != "" {
		fields["goshawk.pod"] = pod
	}
	fields["goshawk.version"] = CurrentBuild().Version
	a.out.Send(&alert.Alert{
		ID: digest(a.node.BootID, name, pod, at.UTC().Format(time.RFC3339Nano)), Output: output,
		Priority: rule.PriorityInformational.String(), Rule: name, Source: LostSource, Tags: []string{"goshawk", "visibility"},
		Time: at.UTC(), Hostname: a.node.Hostname, OutputFields: fields, Fingerprint: digest(name, a.node.Hostname),
		Lineage: []alert.Ancestor{}, Conditions: []alert.Condition{},
	})
}
