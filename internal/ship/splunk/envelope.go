package splunk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goshawk-security/goshawk/internal/alert"
)

// envelope is one event as the collector reads it.
type envelope struct {
	Time       epoch          `json:"time"`
	Host       string         `json:"host,omitempty"`
	Source     string         `json:"source"`
	Sourcetype string         `json:"sourcetype"`
	Index      string         `json:"index,omitempty"`
	Event      *alert.Alert   `json:"event"`
	Fields     map[string]any `json:"fields"`
}

// epoch is a time in seconds since 1970, with milliseconds. The nanoseconds are
// in the alert itself.
type epoch time.Time

// MarshalJSON writes a number such as 1700000000.123.
func (e epoch) MarshalJSON() ([]byte, error) {
	ms := time.Time(e).UnixMilli()
	sign := ""
	if ms < 0 {
		sign, ms = "-", -ms
	}
	return fmt.Appendf(nil, "%s%d.%03d", sign, ms/1000, ms%1000), nil
}

// reserved tells that Config.Fields may not have this name: it is one of ours,
// or Splunk keeps it for the event itself.
func reserved(name string) bool {
	switch name {
	case "rule", "priority", "tags", "id", "fingerprint", "truncated",
		"time", "host", "source", "sourcetype", "index", "event", "fields", "":
		return true
	}
	return strings.HasPrefix(name, "_")
}

// appendEvent writes a as one event. It cuts what is larger than the limit;
// an error means that this alert can never be sent.
func (s *Sink) appendEvent(buf *bytes.Buffer, a *alert.Alert) error {
	start := buf.Len()
	for _, cut := range []func(*alert.Alert) *alert.Alert{nil, shorten, strip} {
		fields := s.fields(a)
		body := a
		if cut != nil {
			buf.Truncate(start)
			fields["truncated"] = "true"
			body = cut(a)
		}
		if err := s.encode(buf, body, fields); err != nil {
			buf.Truncate(start)
			return fmt.Errorf("encode alert as JSON: %w", err)
		}
		if buf.Len()-start <= s.cfg.MaxEventBytes {
			return nil
		}
	}
	size := buf.Len() - start
	buf.Truncate(start)
	return fmt.Errorf("event has %d bytes without its details, the limit is %d", size, s.cfg.MaxEventBytes)
}

// encode writes one event; body is a or what is left of it.
func (s *Sink) encode(buf *bytes.Buffer, body *alert.Alert, fields map[string]any) error {
	env := envelope{
		Time: epoch(body.Time), Host: s.cfg.Host, Source: s.cfg.Source,
		Sourcetype: s.cfg.Sourcetype, Index: s.cfg.Index, Event: body, Fields: fields,
	}
	if env.Host == "" {
		env.Host = body.Hostname
	}
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	return enc.Encode(env)
}

// fields are the indexed ones: flat, a list of strings at most.
func (s *Sink) fields(a *alert.Alert) map[string]any {
	f := make(map[string]any, len(s.cfg.Fields)+6)
	for name, value := range s.cfg.Fields {
		f[name] = value
	}
	for name, value := range map[string]string{
		"rule": a.Rule, "priority": a.Priority, "id": a.ID, "fingerprint": a.Fingerprint,
	} {
		if value != "" {
			f[name] = value
		}
	}
	if len(a.Tags) > 0 {
		f["tags"] = a.Tags
	}
	return f
}

// maxCutString is what is left of a string in an event that is too large.
const maxCutString = 4 << 10

const cutMark = "…[cut]"

// shorten returns a copy of a without the ends of its long strings. A process
// can make its command line as long as it likes; that must not be a way to
// have no alert.
func shorten(a *alert.Alert) *alert.Alert {
	c := *a
	c.Output = cutString(a.Output)
	c.OutputFields = make(map[string]any, len(a.OutputFields))
	for k, v := range a.OutputFields {
		c.OutputFields[k] = cutValue(v)
	}
	c.Lineage = make([]alert.Ancestor, len(a.Lineage))
	for i, p := range a.Lineage {
		p.Name, p.ExePath, p.CmdLine = cutString(p.Name), cutString(p.ExePath), cutString(p.CmdLine)
		c.Lineage[i] = p
	}
	c.Conditions = make([]alert.Condition, len(a.Conditions))
	for i, cond := range a.Conditions {
		cond.Text, cond.Value = cutString(cond.Text), cutValue(cond.Value)
		c.Conditions[i] = cond
	}
	return &c
}

// strip returns what must be left of an alert: who, what, when and where.
func strip(a *alert.Alert) *alert.Alert {
	c := *a
	c.Output = cutString(a.Output)
	c.OutputFields, c.Lineage, c.Conditions = nil, nil, nil
	return &c
}

func cutValue(v any) any {
	switch v := v.(type) {
	case string:
		return cutString(v)
	case []string:
		if len(v) > maxCutList {
			v = v[:maxCutList]
		}
		list := make([]string, len(v))
		for i, s := range v {
			list[i] = cutString(s)
		}
		return list
	}
	return v
}

// maxCutList is how many elements are left of a list.
const maxCutList = 64

func cutString(s string) string {
	if len(s) <= maxCutString {
		return s
	}
	n := maxCutString
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + cutMark
}
