package loader

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/check"
	"github.com/goshawk-security/goshawk/internal/rule/source"
	"github.com/goshawk-security/goshawk/internal/rule/suggest"
	"github.com/goshawk-security/goshawk/internal/rule/syntax"
)

// engineMinor is the version of Falco's engine that rule files may ask for:
// 0.62. Its numbers were bare before they became 0.N.0.
const engineMinor = 62

// engineVersion checks what a file says it needs.
func (r *reader) engineVersion(it *item) {
	version := r.text(it, rule.KindEngine, true)
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
		r.itemError(it, it.value[rule.KindEngine], fmt.Sprintf("%q is not a version", version), "write 0.57.0 or 57")
	case big > 0 || small > engineMinor:
		r.itemError(it, it.value[rule.KindEngine],
			fmt.Sprintf("the file needs engine %s, and this version speaks that of 0.%d.0", version, engineMinor), "")
	}
}

// rule reads a rule and defines it, or switches one that is there.
func (r *reader) rule(it *item) {
	if len(it.key) == 2 && it.key["enabled"] != nil {
		r.switchRule(it)
		return
	}
	d := &check.Draft{Rule: &rule.Rule{Pos: it.pos, Name: it.name, Source: rule.SourceSyscall}}
	d.Enabled = r.flag(it, "enabled", true)
	d.NoTypeWarn = !r.flag(it, "warn_evttypes", true)
	if s := r.text(it, "source", false); s != "" && s != rule.SourceSyscall {
		r.Warn(r.at(it, it.value["source"], fmt.Errorf("source %q is not there, so that the rule is skipped", s)))
		d.Source, d.Foreign = s, true
	}
	d.Desc = r.text(it, "desc", true)
	for _, n := range r.texts(it, "tags") {
		d.Tags = append(d.Tags, n.Value)
	}
	d.Condition, d.Unread = r.condition(it, d.Foreign)
	if n := it.value["output"]; r.text(it, "output", true) != "" && !d.Foreign {
		t, errs := syntax.ParseTemplate(n.Value, source.NewCursor(r.src, n))
		for _, e := range errs {
			e.Rule = it.name
			r.Fail(e)
		}
		d.Output = t
	}
	r.priority(it, d)
	r.defineRule(it, d)
}

// defineRule puts a rule in its place: where the first of its name was. One
// that the same file replaces is checked all the same.
func (r *reader) defineRule(it *item, d *check.Draft) {
	old := r.byRule[d.Name]
	switch {
	case it.partial:
		r.Rules = append(r.Rules, d) // a mistake was reported: it is never used
	case old != nil:
		if r.again(it) {
			first := *old
			r.Replaced = append(r.Replaced, &first)
		}
		*old = *d
	default:
		r.again(it)
		r.Rules = append(r.Rules, d)
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
		r.Warn(e)
	}
	return twice
}

// switchRule turns a rule on or off.
func (r *reader) switchRule(it *item) {
	on := r.flag(it, "enabled", true)
	d := r.byRule[it.name]
	if d == nil {
		e := r.at(it, it.value[rule.KindRule], errors.New("there is no rule of this name to switch before this place"))
		e.Hint = suggest.DidYouMean(it.name, r.ruleNames(), r.Work)
		r.Fail(e)
		return
	}
	d.Enabled = on
}

func (r *reader) ruleNames() []string {
	names := make([]string, len(r.Rules))
	for i, d := range r.Rules {
		names[i] = d.Name
	}
	return names
}

func (r *reader) priority(it *item, d *check.Draft) {
	text := r.text(it, "priority", true)
	if text == "" {
		return
	}
	p, err := rule.ParsePriority(text)
	if err != nil {
		e := r.at(it, it.value["priority"], err)
		e.Hint = suggest.DidYouMean(text, rule.Priorities[:], r.Work)
		r.Fail(e)
	}
	d.Priority = p
}

// condition parses the condition of an item; unread is its text if there are
// mistakes. Of a foreign rule they do not matter, and what is to be joined to
// another condition need not be one.
func (r *reader) condition(it *item, foreign bool) (e rule.Expr, unread string) {
	text := r.text(it, "condition", true)
	if n := it.value["condition"]; n == nil || n.Kind != yaml.ScalarNode || text == "" {
		return nil, ""
	}
	e, errs := syntax.Parse(text, source.NewCursor(r.src, it.value["condition"]))
	if len(errs) == 0 {
		return e, ""
	}
	if foreign || it.partial {
		return nil, ""
	}
	for _, err := range errs {
		err.Rule = it.name
		if it.kind != rule.KindRule {
			err.Kind = it.kind
		}
		r.Fail(err)
	}
	return e, text
}

// macro reads a macro and defines it.
func (r *reader) macro(it *item) {
	if it.name != "" && (!macroName.MatchString(it.name) || slices.Contains([]string{"and", "or", "not"}, it.name)) {
		r.Warn(r.at(it, it.value[rule.KindMacro], errors.New("a macro of this name cannot be used: letters, digits and _ alone")))
	}
	// One that is bad is defined all the same, so that its uses are no mistakes.
	m := &rule.Macro{Pos: it.pos, Name: it.name}
	e, unread := r.condition(it, false)
	m.Expr = e
	if unread != "" {
		r.Unread[m] = unread
	}
	old := r.Macros[it.name]
	switch {
	case it.partial && (old != nil || it.name == ""):
		r.OldMacros = append(r.OldMacros, m)
		return
	case old == nil:
		r.Order = append(r.Order, it.name)
	}
	if r.again(it) {
		r.OldMacros = append(r.OldMacros, old)
	}
	r.Macros[it.name] = m
}

// list reads a list and defines it.
func (r *reader) list(it *item) {
	if it.name != "" && !listName.MatchString(it.name) {
		r.Warn(r.at(it, it.value[rule.KindList], errors.New("a list of this name cannot be used: no blanks, quotes, parentheses, commas or =")))
	}
	l := &rule.List{Pos: it.pos, Name: it.name}
	if it.value["items"] == nil && !it.partial {
		r.itemError(it, nil, "the list has no items", "write items: [] for none")
	}
	for _, n := range r.texts(it, "items") {
		lit := rule.Literal{Pos: r.pos(n), Text: n.Value, Bare: true}
		// '"(x)"' in the file is the condition's "(x)".
		if t := n.Value; len(t) > 1 && (t[0] == '"' || t[0] == '\'') {
			if s, size, ok := rule.Unquote(t); ok && size == len(t) {
				lit.Text, lit.Bare = s, false
			}
		}
		l.Items = append(l.Items, lit)
	}
	if it.name == "" || it.partial && r.Lists[it.name] != nil {
		return
	}
	r.again(it)
	r.Lists[it.name] = l
}
