package alert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// clock is Falco's form of a time in an output.
const clock = "15:04:05.000000000"

// MarshalJSON writes the alert with Falco's key output before the others: the
// time of day in UTC, the priority and the rule's output in one line. The rule's
// output alone is the key message.
func (a Alert) MarshalJSON() ([]byte, error) {
	type fields Alert // without this method
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // <NA> stays readable
	err := e.Encode(struct {
		Output string `json:"output"`
		fields
	}{a.line(a.Time.UTC()), fields(a)})
	if err != nil {
		return nil, fmt.Errorf("write alert: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// line is Falco's text form. t is the alert's time where the reader is.
func (a *Alert) line(t time.Time) string {
	return t.Format(clock) + ": " + a.Priority + " " + a.Output
}
