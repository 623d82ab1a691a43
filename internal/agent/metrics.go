package agent

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/enrich"
	"github.com/goshawk-security/goshawk/internal/event"
)

// metrics are the agent's own numbers; the destinations register theirs. What is
// counted per event is a plain atomic that the collector reads when it is asked.
type metrics struct {
	registry  *prometheus.Registry
	events    [event.TypeCount]atomic.Uint64
	malformed atomic.Uint64
	degraded  *prometheus.GaugeVec

	enrich atomic.Pointer[enrich.Stats] // as the loop published it last
	wanted atomic.Bool                  // asks the loop to publish

	mu                     sync.Mutex
	losses                 []capture.Loss
	statesUsed, eventsUsed float64 // how full the rings are
	hooks                  []capture.Hook
	watched                []event.Type // what the kernel side sends
}

func newMetrics(rules *ruleStats) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		degraded: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "goshawk_degraded", Help: "1 for what keeps the agent from seeing or knowing all, by the names of goshawk doctor.",
		}, []string{"what"}),
	}
	build := CurrentBuild()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "goshawk_build_info", Help: "Always 1; the labels say what was built.",
		ConstLabels: prometheus.Labels{"version": build.Version, "revision": build.Revision, "goversion": build.Go},
	})
	info.Set(1)
	m.registry.MustRegister(rules, m.degraded, info, &kernelCollector{m},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// watch adds the numbers of the heartbeat.
func (m *metrics) watch(beat *heartbeat) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "goshawk_heartbeat_age_seconds",
			Help: "Time since the newest heartbeat that came through was made; large means blind or far behind.",
		}, func() float64 { return beat.age().Seconds() }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "goshawk_heartbeat_trip_seconds",
			Help: "How long the last heartbeat took from the kernel to the agent.",
		}, func() float64 { trip, _ := beat.arrived(); return trip.Seconds() }))
}

// pods returns how many pods have containers here, as the loop published it last.
func (m *metrics) pods() int {
	if s := m.enrich.Load(); s != nil {
		return s.Metadata.Pods
	}
	return 0
}

// setKernel notes what the kernel side counts.
func (m *metrics) setKernel(losses []capture.Loss, states, events float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.losses, m.statesUsed, m.eventsUsed = losses, states, events
}

func (m *metrics) setHooks(hooks []capture.Hook) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hooks = hooks
}

// knowsFailed tells that a tracepoint is known not to be attached.
func (m *metrics) knowsFailed(tracepoint string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.hooks, func(h capture.Hook) bool { return h.Tracepoint == tracepoint && h.Err != nil })
}

// setWatched notes the types that the rules ask for. Those that keep the process
// table right and the heartbeat are always captured.
func (m *metrics) setWatched(types []event.Type) {
	m.mu.Lock()
	defer m.mu.Unlock()
	watched := slices.Clone(types)
	for t := range event.Type(event.TypeCount) {
		if info := t.Info(); info != nil && (info.State || t == event.Heartbeat) && !slices.Contains(watched, t) {
			watched = append(watched, t)
		}
	}
	m.watched = watched
}

// lossCauses are those that have a type.
var lossCauses = [...]string{capture.CauseRingFull, capture.CauseNoScratch, capture.CauseTooLarge, capture.CauseNoProgram}

// collectLosses gives a counter for everything that can be lost, so that the first
// loss is an increase and not a new series, which rate() would miss.
func (m *metrics) collectLosses(counter func(*prometheus.Desc, uint64, ...string)) {
	counts := map[lossKey]uint64{{event.Unknown, capture.CauseRecursion}: 0}
	for _, t := range m.watched {
		for _, cause := range lossCauses {
			counts[lossKey{t, cause}] = 0
		}
	}
	for _, l := range m.losses {
		counts[lossKey{l.Type, l.Cause}] += l.Count
	}
	for key, n := range counts {
		counter(lostDesc, n, typeLabel(key.kind), key.cause)
	}
}

// The descriptions of what kernelCollector gives.
var (
	eventsDesc = prometheus.NewDesc("goshawk_events_total",
		"Events that came through from the kernel.", []string{"type"}, nil)
	lostDesc = prometheus.NewDesc("goshawk_events_lost_total",
		"Events that the kernel side could not send; type any where it is not known which.", []string{"type", "cause"}, nil)
	malformedDesc = prometheus.NewDesc("goshawk_records_malformed_total",
		"Records from the kernel that made no sense.", nil, nil)
	ringDesc = prometheus.NewDesc("goshawk_ring_usage_ratio",
		"How full a ring is, from 0 to 1.", []string{"ring"}, nil)
	hookDesc = prometheus.NewDesc("goshawk_tracepoint_attached",
		"1 if the tracepoint is attached, 0 if this kernel did not let it be.", []string{"tracepoint"}, nil)
	processesDesc = prometheus.NewDesc("goshawk_processes",
		"Processes in the table, ended ones that are still kept included.", nil, nil)
	containersDesc = prometheus.NewDesc("goshawk_containers",
		"Containers that are known.", nil, nil)
	lateDesc = prometheus.NewDesc("goshawk_processes_late_total",
		"Processes taken from /proc because their birth or image was lost.", nil, nil)
	shedDesc = prometheus.NewDesc("goshawk_processes_shed_total",
		"Living processes dropped from the table because it was full.", nil, nil)
	trimmedDesc = prometheus.NewDesc("goshawk_images_trimmed_total",
		"Process images whose long command line, environment and paths were cut, because all held too much text.", nil, nil)
	shortenedDesc = prometheus.NewDesc("goshawk_lineages_shortened_total",
		"Lineages cut below 64 ancestors, because there were too many process images.", nil, nil)
	followedDesc = prometheus.NewDesc("goshawk_paths_followed_total",
		"Paths of calls that were followed after the call, by what came of it.", []string{"result"}, nil)
	textDesc = prometheus.NewDesc("goshawk_images_text_bytes",
		"Text that process images hold, against limits.processText.", nil, nil)
)

// kernelCollector gives the numbers that are kept in atomics or were read by
// others.
type kernelCollector struct{ m *metrics }

// Describe implements prometheus.Collector.
func (c *kernelCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{eventsDesc, lostDesc, malformedDesc, ringDesc, hookDesc,
		processesDesc, containersDesc, lateDesc, shedDesc, trimmedDesc, shortenedDesc, textDesc, followedDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *kernelCollector) Collect(ch chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, n float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, n, labels...)
	}
	c.m.mu.Lock()
	watched := c.m.watched // replaced, never changed
	c.m.mu.Unlock()
	for t := range c.m.events {
		if n := c.m.events[t].Load(); n > 0 || slices.Contains(watched, event.Type(t)) {
			counter(eventsDesc, n, typeLabel(event.Type(t)))
		}
	}
	counter(malformedDesc, c.m.malformed.Load())
	if stats := c.m.enrich.Load(); stats != nil {
		gauge(processesDesc, float64(stats.Process.Processes))
		gauge(containersDesc, float64(stats.Workload.Containers))
		counter(lateDesc, stats.Process.Late)
		counter(shedDesc, stats.Process.Shed)
		counter(trimmedDesc, stats.Process.Trimmed)
		counter(shortenedDesc, stats.Process.Shortened)
		gauge(textDesc, float64(stats.Process.Text))
		counter(followedDesc, stats.Dirs.Asked, "asked")
		counter(followedDesc, stats.Dirs.Changed, "elsewhere")
		counter(followedDesc, stats.Dirs.Failed, "failed")
		counter(followedDesc, stats.Dirs.Throttled, "throttled")
		counter(followedDesc, stats.Dirs.Late, "no_answer")
	}
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	c.m.collectLosses(counter)
	gauge(ringDesc, c.m.statesUsed, "states")
	gauge(ringDesc, c.m.eventsUsed, "events")
	for _, h := range c.m.hooks {
		attached := 1.0
		if h.Err != nil {
			attached = 0
		}
		gauge(hookDesc, attached, h.Tracepoint)
	}
}
