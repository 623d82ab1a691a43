package alert

import (
	"strings"
	"time"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// missing is what Falco prints for a value that is not there.
const missing = "<NA>"

// teller turns the values of one event into what an alert keeps: copied, cut,
// masked and valid UTF-8.
type teller struct {
	mask   *Masker
	cat    *field.Catalogue
	images *imageCache
	ev     *event.Event
	// known are values that were masked before: conditions often ask for one
	// again. Only long ones are worth it.
	known [8]struct{ raw, text string }
	next  int
}

// output renders a rule's output on one line. Every value is masked by itself,
// and hidden where the rule's own text says that a secret follows.
func (t *teller) output(tmpl *rule.Template) string {
	if tmpl == nil {
		return ""
	}
	var text strings.Builder
	before := ""
	for i := range tmpl.Parts {
		p := &tmpl.Parts[i]
		if p.Field.Field == nil {
			before = p.Text
			text.WriteString(lineBreaks.Replace(p.Text))
			continue
		}
		var value string
		switch v := p.Field.Get(t.ev); {
		case !v.IsPresent():
			value = v.Format(missing)
		case t.mask != nil && asks(before):
			value = masked
		case v.Type() == event.TypeString:
			value = t.text(refOf(&p.Field), v.Str())
		default:
			value = t.plain(v.Format(missing))
		}
		text.WriteString(p.Fit(value))
		before = ""
	}
	var out strings.Builder
	out.Grow(text.Len())
	escape(&out, strings.TrimSpace(text.String()))
	return out.String()
}

// lineBreaks are how an output was folded in the rule file, not part of it.
var lineBreaks = strings.NewReplacer("\r\n", " ", "\n", " ")

// field returns a field's value as output_fields has it.
func (t *teller) field(ref *rule.FieldRef, v event.Value) any {
	if v.IsPresent() && v.Type() == event.TypeString {
		return valid(t.text(refOf(ref), v.Str()))
	}
	return t.clean(ref.Text, v.Any())
}

// clean masks what a value's Any returned.
func (t *teller) clean(field string, x any) any {
	switch x := x.(type) {
	case string:
		return valid(t.text(parseRef(field), x))
	case []string:
		list := make([]string, len(x))
		for i, s := range t.mask.Args(x) {
			list[i] = valid(s)
		}
		return list
	}
	return x
}

// plain masks a text of which nothing is known.
func (t *teller) plain(s string) string {
	if len(s) < 32 {
		return t.mask.Text(s)
	}
	for i := range t.known {
		if t.known[i].raw == s {
			return t.known[i].text
		}
	}
	known := &t.known[t.next%len(t.known)]
	t.next++
	known.raw, known.text = s, t.mask.mask(newLine(s, maxText)).render()
	return known.text
}

// lineage lists the process and its ancestors as they were when each made the
// next, ended ones included.
func (t *teller) lineage() []Ancestor {
	list := []Ancestor{}
	for img := t.ev.Image; img != nil && len(list) <= maxAncestors; img = img.Parent {
		list = append(list, Ancestor{
			PID:     img.PID,
			Name:    valid(img.Comm),
			ExePath: valid(cutText(img.ExePath, maxText)),
			CmdLine: t.images.lineageLine(img),
			UID:     img.Creds.EUID,
			Start:   time.Unix(0, int64(img.Start)+t.ev.BootOffset).UTC(),
		})
	}
	return list
}

// conditions copies the conditions; their texts are the rule author's.
func (t *teller) conditions(list []Condition) []Condition {
	kept := make([]Condition, len(list))
	for i, c := range list {
		c.Text, c.Field, c.Name = strings.Clone(c.Text), strings.Clone(c.Field), strings.Clone(c.Name)
		if v, ok := c.Value.(event.Value); ok {
			c.Value = v.Any()
		}
		c.Value = t.clean(c.Field, c.Value)
		kept[i] = c
	}
	return kept
}
