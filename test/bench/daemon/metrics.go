package daemon

import (
	"fmt"
	"strconv"
	"strings"
)

// Metrics are numbers in Prometheus's text format, by series: the name with its
// labels as they were written.
type Metrics map[string]float64

// ParseMetrics reads Prometheus's text format, as far as the agent writes it: no
// timestamps.
func ParseMetrics(text []byte) (Metrics, error) {
	m := Metrics{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		space := strings.LastIndexByte(line, ' ') // label values may hold blanks
		if space < 0 {
			return nil, fmt.Errorf("metric without a value: %q", line)
		}
		v, err := strconv.ParseFloat(line[space+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("metric %q: %w", line, err)
		}
		m[line[:space]] = v
	}
	return m, nil
}

// Sum adds up the series with this name that have all the labels, each given as
// it is written: type="openat". No such series is 0, as for a counter that has
// not counted yet.
func (m Metrics) Sum(name string, labels ...string) float64 {
	total := 0.0
	for series, v := range m {
		rest, ok := strings.CutPrefix(series, name)
		if ok && (rest == "" || rest[0] == '{') && hasLabels(rest, labels) {
			total += v
		}
	}
	return total
}

func hasLabels(written string, labels []string) bool {
	for _, l := range labels {
		if !strings.Contains(written, "{"+l) && !strings.Contains(written, ","+l) {
			return false
		}
	}
	return true
}

// Label returns the value of a label by series of a name, for metrics that have
// one label: goshawk_rule_matches_total by rule.
func (m Metrics) Label(name, label string) map[string]float64 {
	values := map[string]float64{}
	for series, v := range m {
		rest, ok := strings.CutPrefix(series, name+"{"+label+"=")
		if !ok {
			continue
		}
		if value, err := strconv.Unquote(strings.TrimSuffix(rest, "}")); err == nil {
			values[value] = v
		}
	}
	return values
}
