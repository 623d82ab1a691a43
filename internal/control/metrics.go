package control

import (
	"github.com/prometheus/client_golang/prometheus"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/goshawk-security/goshawk/internal/control/cert"
)

// metrics counts what the library does not.
type metrics struct{ admissions *prometheus.CounterVec }

// newMetrics registers the numbers with the library's, whose server shows them. A
// second controller in one process, as tests have, takes the place of the first.
func newMetrics(keeper *cert.Keeper) *metrics {
	m := &metrics{admissions: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "goshawk_controller_admissions_total", Help: "Rule sets that were let through or refused."}, []string{"result"})}
	expires := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "goshawk_controller_certificate_expires_timestamp_seconds", Help: "End of the webhook's certificate; 0 if there is none."},
		func() float64 {
			if end := keeper.Expires(); !end.IsZero() {
				return float64(end.Unix())
			}
			return 0
		})
	for _, c := range []prometheus.Collector{m.admissions, expires} {
		ctrlmetrics.Registry.Unregister(c)
		ctrlmetrics.Registry.MustRegister(c)
	}
	return m
}

// admitted counts an answer.
func (m *metrics) admitted(allowed bool) {
	result := "refused"
	if allowed {
		result = "allowed"
	}
	m.admissions.WithLabelValues(result).Inc()
}
