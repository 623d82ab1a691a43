package agent

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/goshawk-security/goshawk/internal/agent/held"
)

// metadataCollector gives the numbers of metadata: what waits for it, and what the
// sources were asked.
type metadataCollector struct {
	held    *held.Queue
	sources *sources
	sets    *sets
	metrics *metrics
}

// The descriptions of what metadataCollector gives.
var (
	heldDesc = prometheus.NewDesc("goshawk_events_held",
		"Events that wait for metadata now.", nil, nil)
	heldBytesDesc = prometheus.NewDesc("goshawk_events_held_bytes",
		"What they take, against metadata.heldBytes.", nil, nil)
	heldTotalDesc = prometheus.NewDesc("goshawk_events_held_total",
		"Events that waited for metadata, by how that ended: settled, late (metadata.wait was over) or full (there was no room; judged at once).", []string{"result"}, nil)
	awaitedDesc = prometheus.NewDesc("goshawk_containers_waiting",
		"Containers whose metadata is on its way.", nil, nil)
	settledDesc = prometheus.NewDesc("goshawk_containers_settled_total",
		"Containers by whether all metadata came in time: whole or partial.", []string{"metadata"}, nil)
	podsDesc = prometheus.NewDesc("goshawk_kubernetes_pods",
		"Pods of this node as the Kubernetes API told them.", nil, nil)
	upDesc = prometheus.NewDesc("goshawk_source_up",
		"1 while a source of metadata or rules answers: runtime, kubernetes or rulesets. What is switched off is not there.", []string{"source"}, nil)
	requestsDesc = prometheus.NewDesc("goshawk_kubernetes_requests_total",
		"Requests to the Kubernetes API; code 0 is no answer.", []string{"verb", "resource", "code"}, nil)
	receivedDesc = prometheus.NewDesc("goshawk_kubernetes_received_bytes_total",
		"Bytes of its answers.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c *metadataCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{heldDesc, heldBytesDesc, heldTotalDesc, awaitedDesc, settledDesc, podsDesc, upDesc, requestsDesc, receivedDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *metadataCollector) Collect(ch chan<- prometheus.Metric) {
	number := func(d *prometheus.Desc, t prometheus.ValueType, n float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, t, n, labels...)
	}
	h := c.held.Stats()
	number(heldDesc, prometheus.GaugeValue, float64(h.Events))
	number(heldBytesDesc, prometheus.GaugeValue, float64(h.Bytes))
	number(heldTotalDesc, prometheus.CounterValue, float64(h.Settled), "settled")
	number(heldTotalDesc, prometheus.CounterValue, float64(h.Late), "late")
	number(heldTotalDesc, prometheus.CounterValue, float64(h.Full), "full")
	if s := c.metrics.enrich.Load(); s != nil {
		number(awaitedDesc, prometheus.GaugeValue, float64(s.Metadata.Waiting))
		number(settledDesc, prometheus.CounterValue, float64(s.Metadata.Settled), "whole")
		number(settledDesc, prometheus.CounterValue, float64(s.Metadata.Partial), "partial")
	}
	up := func(source string, why error) {
		n := 1.0
		if why != nil {
			n = 0
		}
		number(upDesc, prometheus.GaugeValue, n, source)
	}
	if c.sources.runtime != nil {
		up("runtime", c.sources.runtime.Health())
	}
	if c.sets.follower != nil {
		up("rulesets", c.sets.health())
	}
	if c.sources.kube == nil {
		return
	}
	up("kubernetes", c.sources.kube.Health())
	k := c.sources.kube.Stats()
	number(podsDesc, prometheus.GaugeValue, float64(k.Pods))
	number(receivedDesc, prometheus.CounterValue, float64(k.Bytes))
	for r, n := range k.Requests {
		number(requestsDesc, prometheus.CounterValue, float64(n), r.Verb, r.Resource, fmt.Sprint(r.Code))
	}
}
