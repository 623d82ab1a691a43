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
	d.Condition, d.unread = r.condition(it, d.foreign)
	if n := it.value["output"]; r.text(it, "output", true) != "" && !d.foreign {
		t, errs := parseTemplate(n.Value, newCursor(r.src, n))
		for _, e := range errs {
			e.Rule = it.name
			r.fail(e)
		}
		d.Output = t
	}
	r.priority(it, d)
	r.defineRule(it, d)
}

// defineRule puts a rule in its place: where the first of its name was. One
// that the same file replaces is checked all the same.
func (r *reader) defineRule(it *item, d *draft) {
	old := r.byRule[d.Name]
	switch {
	case it.partial:
		r.rules = append(r.rules, d) // a mistake was reported: it is never used
	case old != nil:
		if r.again(it) {
			first := *old
			r.replaced = append(r.replaced, &first)
		}
		*old = *d
	default:
		r.again(it)
		r.rules = append(r.rules, d)
		r.byRule[d.Name] = d
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
		r.warn(e)
	}
	return twice
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
	}
	d.Priority = p
}

// condition parses the condition of an item; unread is its text if there are
// mistakes. Of a foreign rule they do not matter, and what is to be joined to
// another condition need not be one.
func (r *reader) condition(it *item, foreign bool) (e Expr, unread string) {
	text := r.text(it, "condition", true)
	if n := it.value["condition"]; n == nil || n.Kind != yaml.ScalarNode || text == "" {
		return nil, ""
	}
	e, errs := parse(text, newCursor(r.src, it.value["condition"]))
	if len(errs) == 0 {
		return e, ""
	}
	if foreign || it.partial {
		return nil, ""
	}
	for _, err := range errs {
		err.Rule = it.name
		if it.kind != kindRule {
			err.Kind = it.kind
		}
		r.fail(err)
	}
	return e, text
}

// macro reads a macro and defines it.
func (r *reader) macro(it *item) {
	if it.name != "" && (!macroName.MatchString(it.name) || slices.Contains([]string{"and", "or", "not"}, it.name)) {
		r.warn(r.at(it, it.value[kindMacro], errors.New("a macro of this name cannot be used: letters, digits and _ alone")))
	}
	// One that is bad is defined all the same, so that its uses are no mistakes.
	m := &Macro{Pos: it.pos, Name: it.name}
	e, unread := r.condition(it, false)
	m.Expr = e
	if unread != "" {
		r.unread[m] = unread
	}
	old := r.macros[it.name]
	switch {
	case it.partial && (old != nil || it.name == ""):
		r.oldMacros = append(r.oldMacros, m)
		return
	case old == nil:
		r.ordered = append(r.ordered, it.name)
	}
	if r.again(it) {
		r.oldMacros = append(r.oldMacros, old)
	}
	r.macros[it.name] = m
}

// list reads a list and defines it.
func (r *reader) list(it *item) {
	if it.name != "" && !listName.MatchString(it.name) {
		r.warn(r.at(it, it.value[kindList], errors.New("a list of this name cannot be used: no blanks, quotes, parentheses, commas or =")))
	}
	l := &List{Pos: it.pos, Name: it.name}
	if it.value["items"] == nil && !it.partial {
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
	if it.name == "" || it.partial && r.lists[it.name] != nil {
		return
	}
	r.again(it)
	r.lists[it.name] = l
}
