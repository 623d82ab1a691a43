// Package selection switches rules on and off by name and tag, as Falco's
// configuration does, without a change of the files that they are in.
package selection

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// Selector is one entry of the configuration's ruleSelection: it switches rules
// on or off. Exactly one of the two is given.
type Selector struct {
	Enable  *Target `yaml:"enable"`
	Disable *Target `yaml:"disable"`
}

// Target says which rules: those with this name and those with this tag.
type Target struct {
	Rule string `yaml:"rule"` // a name, in which * stands for any text
	Tag  string `yaml:"tag"`
}

// String writes the selector as in the configuration.
func (s Selector) String() string {
	verb, t := "enable", s.Enable
	if t == nil {
		verb, t = "disable", s.Disable
	}
	if t == nil {
		return "{}"
	}
	var parts []string
	if t.Rule != "" {
		parts = append(parts, fmt.Sprintf("rule: %q", t.Rule))
	}
	if t.Tag != "" {
		parts = append(parts, "tag: "+t.Tag)
	}
	return fmt.Sprintf("%s: {%s}", verb, strings.Join(parts, ", "))
}

// Validate says what is wrong, beginning with the key.
func (s Selector) Validate() error {
	key, t := "enable", s.Enable
	switch {
	case s.Enable != nil && s.Disable != nil:
		return errors.New("has enable and disable: write two entries, the later one wins")
	case s.Enable == nil && s.Disable == nil:
		return errors.New("switches nothing: write enable or disable, for example disable: {tag: network}")
	case t == nil:
		key, t = "disable", s.Disable
	}
	if t.Rule == "" && t.Tag == "" {
		return fmt.Errorf(`%s: names no rules: write rule: NAME, in which * stands for any text, or tag: NAME`, key)
	}
	return nil
}

// Apply returns the rules with the selectors applied in their order, so that later
// ones win, and the selectors that take no rule: a name that is written
// wrong, or a rule that is no more. The rules given are not changed.
func Apply(rules []*rule.Rule, selectors []Selector) (selected []*rule.Rule, unused []Selector) {
	selected = slices.Clone(rules)
	for _, s := range selectors {
		t, enabled := s.Enable, true
		if t == nil {
			t, enabled = s.Disable, false
		}
		used := false
		for i, r := range selected {
			if t == nil || !t.takes(r) {
				continue
			}
			used = true
			if r.Enabled != enabled {
				changed := *r
				changed.Enabled = enabled
				selected[i] = &changed
			}
		}
		if !used {
			unused = append(unused, s)
		}
	}
	return selected, unused
}

func (t *Target) takes(r *rule.Rule) bool {
	return t.Rule != "" && glob(t.Rule, r.Name) || t.Tag != "" && slices.Contains(r.Tags, t.Tag)
}

// glob tells whether a pattern is all of a text; * stands for any text, and nothing
// else for anything but itself. It takes linear time for each star at most.
func glob(pattern, text string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, head)
	if !ok {
		return false
	}
	parts := strings.Split(rest, "*")
	last := parts[len(parts)-1]
	for _, part := range parts[:len(parts)-1] {
		i := strings.Index(text, part) // the first place leaves the most for the others
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return strings.HasSuffix(text, last)
}
