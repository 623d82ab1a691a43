package rule

import (
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

// Template is a rule's output: text with %field in it.
type Template struct {
	Text  string
	Parts []Part
}

// Part is a piece of text, or a field if Field.Field is set.
type Part struct {
	Text  string
	Field FieldRef
}

// missing is what Falco prints for a value that is not there.
const missing = "<NA>"

// Render fills the template with the values of an event.
func (t *Template) Render(ev *event.Event) string {
	var b strings.Builder
	for i := range t.Parts {
		p := &t.Parts[i]
		if p.Field.Field == nil {
			b.WriteString(p.Text)
			continue
		}
		b.WriteString(p.Field.Get(ev).Format(missing))
	}
	return b.String()
}

// Get reads the field of an event.
func (f *FieldRef) Get(ev *event.Event) event.Value {
	return f.Field.Get(ev, f.Arg)
}
