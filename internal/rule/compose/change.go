package compose

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/suggest"
)

// The two things that override can say of a key.
const (
	wayAppend  = "append"
	wayReplace = "replace"
)

// overrides reads the key override: what is to be done with each key. It is nil
// if there is none, and leaves out what is wrong with it.
func (r *reader) overrides(it *item) map[string]string {
	n := it.value["override"]
	if n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	ways := map[string]string{}
	if n.Kind != yaml.MappingNode {
		r.Fail(coded(rule.CodeBadOverride, r.at(it, n, errNotMapping)))
		return ways
	}
	if r.flag(it, "append", false) {
		r.wrong(it, it.key["append"], rule.CodeBadOverride, "leave append out", "append and override cannot stand together")
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, way := r.follow(n.Content[i]), r.follow(n.Content[i+1])
		if seen[key.Value] {
			r.wrong(it, key, rule.CodeBadOverride, "", "override says twice what to do with %s", key.Value)
			continue
		}
		seen[key.Value] = true
		r.overrideKey(it, key, way, ways)
	}
	for _, k := range rule.Keys(it.kind) {
		if key := it.key[k.Name]; key != nil && (k.Append || k.Replace) && !seen[k.Name] {
			hint := fmt.Sprintf("add %s: %s to it, or leave the key out", k.Name, wayReplace)
			r.wrong(it, key, rule.CodeBadOverride, hint, "key %s is not named in override, so that it is not clear what it is for", k.Name)
		}
	}
	return ways
}

// overrideKey reads one entry of override.
func (r *reader) overrideKey(it *item, key, way *yaml.Node, ways map[string]string) {
	keys := rule.Keys(it.kind)
	i := slices.IndexFunc(keys, func(k rule.Key) bool { return k.Name == key.Value && (k.Append || k.Replace) })
	switch {
	case i < 0:
		var names []string
		for _, k := range keys {
			if k.Append || k.Replace {
				names = append(names, k.Name)
			}
		}
		r.wrong(it, key, rule.CodeBadOverride, suggest.DidYouMean(key.Value, names, r.Work), "key %s of a %s cannot be overridden", key.Value, it.kind)
	case way.Value != wayAppend && way.Value != wayReplace:
		r.wrong(it, way, rule.CodeBadOverride, suggest.DidYouMean(way.Value, []string{wayAppend, wayReplace}, r.Work),
			"override of %s must be append or replace, not %q", key.Value, way.Value)
	case way.Value == wayAppend && !keys[i].Append:
		r.wrong(it, way, rule.CodeBadOverride, "write replace", "nothing can be appended to %s", key.Value)
	case it.value[key.Value] == nil:
		r.wrong(it, key, rule.CodeBadOverride, "", "override says %s of %s, and the item has no %s", way.Value, key.Value, key.Value)
	default:
		ways[key.Value] = way.Value
	}
}

// changeRule changes a rule as override says.
func (r *reader) changeRule(it *item) {
	d := r.earlierRule(it, "change")
	if d == nil {
		d = &draft{} // what the item has is read for its mistakes
		d.Rule = &rule.Rule{}
	}
	if s := r.text(it, "source", false); s != "" {
		r.sameSource(it, d, s, true)
	}
	for key, way := range it.override {
		switch {
		case d.Narrows && (way != wayAppend || key != "exceptions" && key != "condition"):
			r.notOwn(it, key)
		case key == "exceptions":
			r.changeExceptions(it, d, way)
		default:
			r.changeKey(it, d, key, way == wayAppend)
		}
	}
	r.noEffect(it)
}

// changeKey appends to a key of a rule or replaces it.
func (r *reader) changeKey(it *item, d *draft, key string, more bool) {
	switch key {
	case "condition":
		d.condition = joined(d.condition, r.pieces(it, key), more)
	case "output":
		d.output = joined(d.output, r.pieces(it, key), more)
	case "desc":
		if text := r.text(it, key, true); more {
			d.desc = append(d.desc, text)
		} else {
			d.desc = []string{text}
		}
	case "tags":
		d.Tags = joined(d.Tags, r.tags(it), more)
	case "priority":
		d.Priority = r.priority(it)
	case "enabled":
		d.Enabled = r.flag(it, key, d.Enabled)
	case "warn_evttypes":
		d.NoTypeWarn = !r.flag(it, key, true)
	case "skip-if-unknown-filter":
		d.SkipUnknown = r.flag(it, key, false)
	}
}

// joined puts some behind others, or in their place. What is empty was reported.
func joined[T any](old, next []T, more bool) []T {
	if more {
		return append(old, next...)
	}
	return next
}

// appendRule changes a rule in Falco's older way: conditions and exceptions.
func (r *reader) appendRule(it *item) {
	d := r.earlierRule(it, "append to")
	if d == nil {
		d = &draft{}
		d.Rule = &rule.Rule{}
	}
	if s := r.text(it, "source", false); s != "" {
		r.sameSource(it, d, s, true)
	}
	if !it.has("condition") && !it.has("exceptions") {
		r.wrong(it, nil, rule.CodeBadOverride, "", "the rule appends neither a condition nor exceptions")
	}
	if it.has("condition") {
		d.condition = joined(d.condition, r.pieces(it, "condition"), true)
	}
	if it.has("exceptions") {
		r.changeExceptions(it, d, wayAppend)
	}
	for _, k := range rule.Keys(it.kind) {
		if key := it.key[k.Name]; key != nil && k.Replace && k.Name != "condition" && k.Name != "exceptions" {
			e := coded(rule.CodeNoEffect, r.at(it, key, fmt.Errorf("key %s has no effect beside append", k.Name)))
			e.Hint = "write override"
			r.Warn(e)
		}
	}
}
