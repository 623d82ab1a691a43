package rule

import (
	"strings"
	"unicode/utf8"

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
	Width int // length to which a value is cut or filled up, 0 for its own: %10proc.name
}

// Fit cuts a value to the width of a part, between runes, or fills it up with blanks.
func (p *Part) Fit(value string) string {
	if p.Width == 0 {
		return value
	}
	if end := p.Width; end < len(value) {
		for end > 0 && !utf8.RuneStart(value[end]) {
			end--
		}
		value = value[:end]
	}
	return value + strings.Repeat(" ", p.Width-len(value))
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
		b.WriteString(p.Fit(p.Field.Get(ev).Format(missing)))
	}
	return b.String()
}

// Get reads the field of an event.
func (f *FieldRef) Get(ev *event.Event) event.Value {
	return f.Field.Get(ev, f.Arg)
}
