package alert

import (
	"strings"
	"time"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// missing is what Falco prints for a value that is not there.
const missing = "<NA>"

// teller turns the values of one event into what an alert keeps: copied, masked
// and valid UTF-8.
type teller struct {
	mask *Masker
	ev   *event.Event
}

// output renders a rule's output on one line. Every value is masked by itself,
// so that a command line is masked by its arguments, and then the whole, for
// what a rule's text and a value make only together.
func (t *teller) output(tmpl *rule.Template) string {
	if tmpl == nil {
		return ""
	}
	var text strings.Builder
	for i := range tmpl.Parts {
		p := &tmpl.Parts[i]
		if p.Field.Field == nil {
			text.WriteString(lineBreaks.Replace(p.Text))
			continue
		}
		text.WriteString(t.text(p.Field.Get(t.ev).Format(missing)))
	}
	var out strings.Builder
	escape(&out, t.mask.Text(strings.TrimSpace(text.String())))
	return out.String()
}

// lineBreaks are how an output was folded in the rule file, not part of it.
var lineBreaks = strings.NewReplacer("\r\n", " ", "\n", " ")

// any returns a value as output_fields has it.
func (t *teller) any(v event.Value) any {
	return t.clean(v.Any())
}

// clean masks what a value's Any returned.
func (t *teller) clean(x any) any {
	switch x := x.(type) {
	case string:
		return valid(t.text(x))
	case []string:
		list := make([]string, len(x))
		for i, s := range t.mask.Args(x) {
			list[i] = valid(t.mask.Text(s))
		}
		return list
	}
	return x
}

// text masks a string. A command line of the lineage, whole or without its
// name, is masked by its arguments: a joined one does not tell where a secret
// with a blank in it ends.
func (t *teller) text(s string) string {
	if t.mask == nil || s == "" {
		return s
	}
	img := t.ev.Image
	for n := 0; n <= maxAncestors && img != nil; n++ {
		if strings.HasSuffix(img.CmdLine, s) {
			if s == img.CmdLine {
				return t.mask.CommandLine(img)
			}
			if _, args := img.Argv.Next(); args != "" && s == args.Joined() {
				return t.mask.Text(strings.Join(t.mask.Args(img.Argv.List())[1:], " "))
			}
		}
		img = img.Parent
	}
	return t.mask.Text(s)
}

// lineage lists the process and its ancestors as they were when each made the
// next, ended ones included.
func (t *teller) lineage() []Ancestor {
	list := []Ancestor{}
	for img := t.ev.Image; img != nil && len(list) <= maxAncestors; img = img.Parent {
		list = append(list, Ancestor{
			PID:     img.PID,
			Name:    valid(img.Comm),
			ExePath: valid(img.ExePath),
			CmdLine: valid(t.mask.CommandLine(img)),
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
		c.Value = t.clean(c.Value)
		kept[i] = c
	}
	return kept
}
