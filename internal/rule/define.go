package rule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// engineMinor is the version of Falco's engine that rule files may ask for:
// 0.62. Its numbers were bare before they became 0.N.0.
const engineMinor = 62

// engineVersion checks what a file says it needs.
func (r *reader) engineVersion(it *item) {
	version := r.text(it, kindEngine, true)
	if version == "" {
		return
	}
	major, minor := "0", version
	if parts := strings.Split(version, "."); len(parts) > 1 {
		major, minor = parts[0], parts[1]
	}
	big, err1 := strconv.ParseUint(major, 10, 31)
	small, err2 := strconv.ParseUint(minor, 10, 31)
	switch {
	case err1 != nil || err2 != nil:
		r.itemError(it, it.value[kindEngine], fmt.Sprintf("%q is not a version", version), "write 0.57.0 or 57")
	case big > 0 || small > engineMinor:
		r.itemError(it, it.value[kindEngine],
			fmt.Sprintf("the file needs engine %s, and this version speaks that of 0.%d.0", version, engineMinor), "")
	}
}

// rule reads a rule and defines it, or switches one that is there.
func (r *reader) rule(it *item) {
	if len(it.key) == 2 && it.key["enabled"] != nil {
		r.switchRule(it)
		return
	}
	d := &draft{Rule: &Rule{Pos: it.pos, Name: it.name, Source: SourceSyscall}}
	d.Enabled = r.flag(it, "enabled", true)
	d.noTypeWarn = !r.flag(it, "warn_evttypes", true)
	if s := r.text(it, "source", false); s != "" && s != SourceSyscall {
		r.warn(r.at(it, it.value["source"], fmt.Errorf("source %q is not there, so that the rule is skipped", s)))
		d.Source, d.foreign = s, true
	}
	d.Desc = r.text(it, "desc", true)
	for _, n := range r.texts(it, "tags") {
		d.Tags = append(d.Tags, n.Value)
	}
	d.Condition = r.condition(it, d.foreign)
	if n := it.value["output"]; r.text(it, "output", true) != "" && !d.foreign {
		t, errs := parseTemplate(n.Value, newCursor(r.src, n))
		for _, e := range errs {
			e.Rule = it.name
			r.fail(e)
			it.bad = true
		}
		d.Output = t
	}
	r.priority(it, d)
	r.defineRule(it, d)
}

// defineRule puts a rule in its place: where the first of its name was.
func (r *reader) defineRule(it *item, d *draft) {
	if it.bad {
		d.Condition = nil // reported; there is nothing to check
	}
	if old := r.byRule[d.Name]; old != nil {
		*old = *d
		return
	}
	r.rules = append(r.rules, d)
	r.byRule[d.Name] = d
}

// switchRule turns a rule on or off.
func (r *reader) switchRule(it *item) {
	on := r.flag(it, "enabled", true)
	d := r.byRule[it.name]
	if d == nil {
		e := r.at(it, it.value[kindRule], errors.New("there is no rule of this name to switch before this place"))
		e.Hint = didYouMean(it.name, r.ruleNames(), &r.work)
		r.fail(e)
		return
	}
	d.Enabled = on
}

func (r *reader) ruleNames() []string {
	names := make([]string, len(r.rules))
	for i, d := range r.rules {
		names[i] = d.Name
	}
	return names
}

func (r *reader) priority(it *item, d *draft) {
	text := r.text(it, "priority", true)
	if text == "" {
		return
	}
	p, err := ParsePriority(text)
	if err != nil {
		e := r.at(it, it.value["priority"], err)
		e.Hint = didYouMean(text, priorities[:], &r.work)
		r.fail(e)
		it.bad = true
	}
	d.Priority = p
}

// condition parses the condition of an item. Of a foreign rule mistakes do not
// matter.
func (r *reader) condition(it *item, foreign bool) Expr {
	text := r.text(it, "condition", true)
	if it.value["condition"] == nil || it.value["condition"].Kind != yaml.ScalarNode || it.bad && text == "" {
		return nil
	}
	e, err := parse(text, newCursor(r.src, it.value["condition"]))
	switch {
	case err == nil:
		return e
	case !foreign:
		err.Rule = it.name
		if it.kind != kindRule {
			err.Kind = it.kind
		}
		r.fail(err)
		it.bad = true
	}
	return nil
}

// macro reads a macro and defines it.
func (r *reader) macro(it *item) {
	if !macroName.MatchString(it.name) || slices.Contains([]string{"and", "or", "not"}, it.name) {
		r.warn(r.at(it, it.value[kindMacro], errors.New("a macro of this name cannot be used: letters, digits and _ alone")))
	}
	if _, ok := r.macros[it.name]; !ok {
		r.ordered = append(r.ordered, it.name)
	}
	// One that is bad is defined all the same, so that its uses are no mistakes.
	r.macros[it.name] = &Macro{Pos: it.pos, Name: it.name, Expr: r.condition(it, false)}
}

// list reads a list and defines it.
func (r *reader) list(it *item) {
	if !listName.MatchString(it.name) {
		r.warn(r.at(it, it.value[kindList], errors.New("a list of this name cannot be used: no blanks, quotes, parentheses, commas or =")))
	}
	l := &List{Pos: it.pos, Name: it.name}
	if it.value["items"] == nil {
		r.itemError(it, nil, "the list has no items", "write items: [] for none")
	}
	for _, n := range r.texts(it, "items") {
		lit := Literal{Pos: r.pos(n), Text: n.Value, bare: true}
		// '"(x)"' in the file is the condition's "(x)".
		if t := n.Value; len(t) > 1 && (t[0] == '"' || t[0] == '\'') {
			if s, size, ok := unquote(t); ok && size == len(t) {
				lit.Text, lit.bare = s, false
			}
		}
		l.Items = append(l.Items, lit)
	}
	r.lists[it.name] = l
}
