package ship

import "github.com/prometheus/client_golang/prometheus"

// collector reads the numbers of all destinations when it is asked.
type collector struct {
	workers []*worker

	sent, shed, rejected, retried *prometheus.Desc
	alerts, bytes, limit          *prometheus.Desc
	state, success                *prometheus.Desc
}

func newCollector(workers []*worker) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("goshawk_"+name, help, append([]string{"destination"}, labels...), nil)
	}
	return &collector{
		workers:  workers,
		sent:     desc("alerts_sent_total", "Alerts that the destination has taken."),
		shed:     desc("alerts_shed_total", "Alerts dropped: the queue was full, the alert is too large for it, or the agent ended.", "cause"),
		rejected: desc("alerts_rejected_total", "Alerts that the destination has refused for good."),
		retried:  desc("alerts_retried_total", "Alerts sent again after a failed try."),
		alerts:   desc("queue_alerts", "Alerts that wait for the destination."),
		bytes:    desc("queue_bytes", "Estimated memory of the alerts that wait for the destination."),
		limit:    desc("queue_limit_alerts", "Alerts that the destination's queue holds at most."),
		state:    desc("destination_state", "1 for the state that the destination is in.", "state"),
		success: desc("destination_last_success_timestamp_seconds",
			"When the destination last took an alert, 0 before the first."),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.sent, c.shed, c.rejected, c.retried, c.alerts, c.bytes, c.limit, c.state, c.success,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	for _, w := range c.workers {
		alerts, bytes, n := w.queue.snapshot()
		counter := func(d *prometheus.Desc, v uint64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), append([]string{w.name}, labels...)...)
		}
		gauge := func(d *prometheus.Desc, v float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{w.name}, labels...)...)
		}
		counter(c.sent, n.sent)
		for why := range causes {
			counter(c.shed, n.shed[why], why.String())
		}
		counter(c.rejected, n.rejected)
		counter(c.retried, n.retried)
		gauge(c.alerts, float64(alerts))
		gauge(c.bytes, float64(bytes))
		gauge(c.limit, float64(w.queue.maxAlerts))
		status := w.snapshot()
		for _, s := range []State{StateOK, StateRetrying, StateBlocked} {
			is := 0.0
			if status.State == s {
				is = 1
			}
			gauge(c.state, is, string(s))
		}
		last := 0.0
		if !status.LastSuccess.IsZero() {
			last = float64(status.LastSuccess.UnixMilli()) / 1000
		}
		gauge(c.success, last)
	}
}
