package ship

import (
	"unicode/utf8"

	"github.com/goshawk-security/goshawk/internal/alert"
)

// Rough sizes of what an alert has beside its strings.
const (
	sizeAlert     = 480
	sizeField     = 64
	sizeAncestor  = 136 // of it 88 are memory, the rest are names and times in JSON
	sizeCondition = 96
	sizeString    = 16
)

// size estimates how much an alert holds, as memory or as JSON, whichever is
// more: the first bounds a queue, the second a batch. Who is watched decides what
// is in the strings, so it counts what JSON makes of them.
func size(a *alert.Alert) int {
	// JSON has the output twice, once with time and priority before it.
	n := sizeAlert + 2*text(a.Output) + text(a.ID) + 2*text(a.Priority) + text(a.Rule) + text(a.Source) +
		text(a.Hostname) + text(a.RuleFile) + text(a.Fingerprint) + text(a.Description)
	for _, t := range a.Tags {
		n += sizeString + text(t)
	}
	for k, v := range a.OutputFields {
		n += sizeField + text(k) + sizeValue(v)
	}
	for i := range a.Lineage {
		p := &a.Lineage[i]
		n += sizeAncestor + text(p.Name) + text(p.ExePath) + text(p.CmdLine)
	}
	for i := range a.Conditions {
		c := &a.Conditions[i]
		n += sizeCondition + text(c.Text) + text(c.Field) + text(c.Name) + sizeValue(c.Value)
	}
	return n
}

func sizeValue(v any) int {
	switch v := v.(type) {
	case string:
		return sizeString + text(v)
	case []string:
		n := 0
		for _, s := range v {
			n += sizeString + text(s)
		}
		return n
	}
	return sizeString + 8
}

// escaped is the length of \u001b and the like.
const escaped = 6

// text is the length of s in JSON, without its quotes: exact for what
// encoding/json writes without HTML escapes.
func text(s string) int {
	n := len(s)
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c == '"', c == '\\', c == '\b', c == '\f', c == '\n', c == '\r', c == '\t':
				n++
			case c < ' ':
				n += escaped - 1
			}
			continue
		}
		r, width := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && width == 1 || r == '\u2028' || r == '\u2029' {
			n += escaped - width
		}
		i += width
	}
	return n
}
