package compose

import (
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/check"
	"github.com/goshawk-security/goshawk/internal/rule/source"
	"github.com/goshawk-security/goshawk/internal/rule/suggest"
)

// piece is the text of a key as it stands in a file. What is appended to is made
// of several, put together when all files were read.
type piece struct {
	src  *source.File
	node *yaml.Node
}

// draft is a rule being put together.
type draft struct {
	check.Draft
	condition, output []piece
	desc              []string
	exceptions        exceptions
	hasSource         bool // the item says its source
}

// rule reads a rule: a new one, or a change of one that is there.
func (r *reader) rule(it *item) {
	switch {
	case it.override != nil:
		r.changeRule(it)
	case r.flag(it, "append", false):
		r.deprecated(it, "append", "write override: {condition: append}")
		r.appendRule(it)
	case it.has("enabled") && !it.has("condition") && !it.has("output") && !it.has("desc") && !it.has("priority"):
		r.switchRule(it)
	default:
		r.defineRule(it, r.newRule(it))
	}
}

// newRule reads a whole rule.
func (r *reader) newRule(it *item) *draft {
	d := &draft{Draft: check.Draft{Rule: &rule.Rule{Pos: it.pos, Name: it.name, Source: rule.SourceSyscall}}}
	d.Enabled = r.flag(it, "enabled", true)
	d.NoTypeWarn = !r.flag(it, "warn_evttypes", true)
	d.SkipUnknown = r.flag(it, "skip-if-unknown-filter", false)
	if s := r.text(it, "source", false); s != "" {
		d.Source, d.hasSource = s, true
	}
	if d.Source != rule.SourceSyscall {
		e := r.at(it, it.value["source"], fmt.Errorf("source %q is not there, so that the rule is skipped", d.Source))
		r.Warn(coded(rule.CodeUnknownSource, e))
		d.Foreign = true
	}
	if r.text(it, "desc", true); it.has("desc") {
		d.desc = []string{it.value["desc"].Value}
	}
	d.Tags = r.tags(it)
	d.condition = r.pieces(it, "condition")
	d.output = r.pieces(it, "output")
	d.Priority = r.priority(it)
	d.exceptions = r.exceptions(it, false)
	r.noEffect(it)
	return d
}

// pieces returns the text of a key that an item cannot do without; none if it
// has none, which is reported.
func (r *reader) pieces(it *item, key string) []piece {
	if r.text(it, key, true) == "" {
		return nil
	}
	return []piece{{r.src, it.value[key]}}
}

// tags returns those of an item, perhaps some twice.
func (r *reader) tags(it *item) []string {
	var tags []string
	for _, n := range r.texts(it, "tags") {
		tags = append(tags, n.Value)
	}
	return tags
}

// noEffect warns of keys that say what is not done here.
func (r *reader) noEffect(it *item) {
	for _, key := range []string{"capture", "capture_duration"} {
		if n := it.value[key]; n != nil && n.Value != "false" && n.Value != "0" {
			r.Warn(coded(rule.CodeNoEffect, r.at(it, it.key[key], fmt.Errorf("key %s has no effect here", key))))
		}
	}
}

// deprecated warns of a form that Falco has given up.
func (r *reader) deprecated(it *item, key, instead string) {
	e := coded(rule.CodeDeprecated, r.at(it, it.key[key], fmt.Errorf("%s is deprecated", key)))
	e.Hint = instead
	r.Warn(e)
}

// defineRule puts a rule in its place: where the first of its name was. One
// that the same file replaces is checked all the same.
func (r *reader) defineRule(it *item, d *draft) {
	old := r.byRule[d.Name]
	switch {
	case it.partial:
		r.rules = append(r.rules, d) // a mistake was reported: it is never used
	case old != nil:
		r.sameSource(it, old, d.Source, d.hasSource)
		if r.again(it) {
			first := *old
			r.replaced = append(r.replaced, &first)
		}
		*old = *d
	default:
		r.again(it)
		r.beside(it)
		r.rules = append(r.rules, d)
		r.byRule[d.Name] = d
	}
}

// sameSource refuses an item that says another source than the rule has.
func (r *reader) sameSource(it *item, old *draft, name string, said bool) {
	if said && old.hasSource && old.Source != name {
		r.wrong(it, it.value["source"], rule.CodeBadItem, "", "the rule is one of source %s, defined at %s", old.Source, old.Pos)
	}
}

// again tells whether this file defined an item of this kind and name before,
// and warns of it.
func (r *reader) again(it *item) bool {
	key := [2]string{it.kind, it.name}
	first, twice := r.seen[key]
	r.seen[key] = it.pos
	if twice {
		e := r.at(it, it.value[it.kind], fmt.Errorf("the %s at %s has the same name: this one replaces it", it.kind, first))
		e.Hint = "give one of them another name"
		r.Warn(coded(rule.CodeRedefined, e))
	}
	return twice
}

// switchRule turns a rule on or off.
func (r *reader) switchRule(it *item) {
	on := r.flag(it, "enabled", true)
	d := r.earlierRule(it, "switch")
	switch {
	case d == nil:
	case d.Narrows:
		r.notOwn(it, "enabled")
	default:
		d.Enabled = on
	}
}

// earlierRule returns the rule that an item changes, nil with an error if there
// is none. what names the change. For a rule that a set of a namespace finds in the
// base it returns what collects the cases that are taken away from it.
func (r *reader) earlierRule(it *item, what string) *draft {
	if it.name == "" {
		return nil // reported
	}
	d := r.byRule[it.name]
	if d == nil {
		d = r.tenant.narrow(it.name, it.pos)
	}
	if d == nil {
		e := r.at(it, it.value[rule.KindRule], fmt.Errorf("there is no rule of this name to %s before this place", what))
		e.Hint = r.meant(it.name, r.ruleNames)
		r.Fail(coded(rule.CodeNothingToChange, e))
	}
	return d
}

// meant is the hint which of some names was meant. To list them is work, too, which
// many wrong names among many would make endless.
func (r *reader) meant(written string, names func() []string) string {
	if *r.Work <= 0 {
		return ""
	}
	known := names()
	*r.Work -= len(known)
	return suggest.DidYouMean(written, known, r.Work)
}

func (r *reader) ruleNames() []string {
	names := make([]string, len(r.rules))
	for i, d := range r.rules {
		names[i] = d.Name
	}
	if r.tenant != nil {
		names = append(names, sortedNames(r.tenant.base.byRule)...)
	}
	return names
}

func (r *reader) priority(it *item) rule.Priority {
	text := r.text(it, "priority", true)
	if text == "" {
		return 0
	}
	p, err := rule.ParsePriority(text)
	if err != nil {
		e := coded(rule.CodeUnknownPriority, r.at(it, it.value["priority"], err))
		e.Hint = suggest.DidYouMean(text, rule.Priorities[:], r.Work)
		r.Fail(e)
	}
	return p
}

// coded gives an error its code.
func coded(code rule.Code, e *rule.Error) *rule.Error {
	e.Code = code
	return e
}

// wrong reports a mistake of an item.
func (r *reader) wrong(it *item, n *yaml.Node, code rule.Code, hint, format string, args ...any) {
	e := coded(code, r.at(it, n, fmt.Errorf(format, args...)))
	e.Hint = hint
	r.Fail(e)
}

var errNotMapping = errors.New("override must be a mapping of keys to append or replace")
