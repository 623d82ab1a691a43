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
	upDesc = prometheus.NewDesc("goshawk_kubernetes_up",
		"1 while the Kubernetes API tells of pods.", nil, nil)
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
	if c.sources.kube == nil {
		return
	}
	k := c.sources.kube.Stats()
	up := 0.0
	if k.Up {
		up = 1
	}
	number(podsDesc, prometheus.GaugeValue, float64(k.Pods))
	number(upDesc, prometheus.GaugeValue, up)
	number(receivedDesc, prometheus.CounterValue, float64(k.Bytes))
	for r, n := range k.Requests {
		number(requestsDesc, prometheus.CounterValue, float64(n), r.Verb, r.Resource, fmt.Sprint(r.Code))
	}
}
