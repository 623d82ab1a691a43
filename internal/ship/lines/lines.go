// Package lines writes alerts as lines: JSON objects for programs, text for
// people. The destinations that are streams of bytes share it.
package lines

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/ship/outcome"
)

// The formats, as a configuration names them.
const (
	Text = "text" // Alert.Text: one line, and a second, indented one with the lineage
	JSON = "json" // one object a line, Falco's keys first
)

// CheckFormat says whether format is one of the formats; empty is allowed, for
// the destination's default.
func CheckFormat(format string) error {
	switch format {
	case "", Text, JSON:
		return nil
	}
	return fmt.Errorf("unknown format %q: use %s or %s", format, Text, JSON)
}

// Append writes a as one object and a newline. HTML characters are left as they
// are: a command line is read by people too.
func Append(buf *bytes.Buffer, a *alert.Alert) error {
	start := buf.Len()
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a); err != nil {
		buf.Truncate(start)
		return fmt.Errorf("encode alert as JSON: %w", err)
	}
	return nil
}

// Batch is a batch of alerts as bytes. It is reused from batch to batch.
type Batch struct {
	buf  bytes.Buffer
	ends []end
	bad  []outcome.Rejection
}

// end is where an alert's bytes end.
type end struct{ index, offset int }

// Encode fills b from alerts. What cannot be encoded is rejected and left out.
// text, if not nil, makes the text form; otherwise it is JSON.
func (b *Batch) Encode(alerts []*alert.Alert, text func(*alert.Alert) string) {
	b.buf.Reset()
	b.ends, b.bad = b.ends[:0], nil
	for i, a := range alerts {
		if text != nil {
			b.buf.WriteString(text(a))
			b.buf.WriteByte('\n')
		} else if err := Append(&b.buf, a); err != nil {
			b.bad = append(b.bad, outcome.Rejection{Index: i, Reason: err.Error()})
			continue
		}
		b.ends = append(b.ends, end{i, b.buf.Len()})
	}
}

// maxKept is twice what ship makes a batch of, in bytes.
const maxKept = 8 << 20

// Release is called when the batch is written: a rare giant must not stay in
// memory.
func (b *Batch) Release() {
	if b.buf.Cap() > maxKept {
		b.buf = bytes.Buffer{}
	}
}

// Bytes returns what is to be written. It is valid until the next Encode or
// Release.
func (b *Batch) Bytes() []byte { return b.buf.Bytes() }

// Whole returns how many of the first n bytes belong to alerts that are in
// them whole.
func (b *Batch) Whole(n int) int {
	whole := 0
	for _, e := range b.ends {
		if e.offset > n {
			break
		}
		whole = e.offset
	}
	return whole
}

// Result makes the error of a write of which n bytes were taken and which
// failed with err, nil if it did not fail.
func (b *Batch) Result(n int, err error) error {
	if err == nil && len(b.bad) == 0 {
		return nil
	}
	e := &outcome.Error{Err: err, Rejected: b.bad}
	if err == nil {
		e.Err = fmt.Errorf("%d of the alerts cannot be encoded", len(b.bad))
		return e
	}
	for _, end := range b.ends {
		if end.offset > n {
			e.Retry = append(e.Retry, end.index)
		}
	}
	return e
}
