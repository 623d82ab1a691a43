package compose

import (
	"errors"
	"fmt"
	"slices"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// macro is a macro being put together.
type macro struct {
	*rule.Macro
	condition []piece
}

// macro reads a macro: a new one, or a change of one that is there.
func (r *reader) macro(it *item) {
	if it.name != "" && (!macroName.MatchString(it.name) || slices.Contains([]string{"and", "or", "not"}, it.name)) {
		r.Warn(coded(rule.CodeBadMacroName, r.at(it, it.value[rule.KindMacro], errors.New("a macro of this name cannot be used: letters, digits and _ alone"))))
	}
	// One that is bad is defined all the same, so that its uses are no mistakes.
	m := &macro{Macro: &rule.Macro{Pos: it.pos, Name: it.name}, condition: r.pieces(it, "condition")}
	old := r.byMacro[it.name]
	switch {
	case it.name == "":
		r.oldMacros = append(r.oldMacros, m)
	case r.isAppend(it, "condition"):
		if old == nil {
			old = r.inheritMacro(it)
		}
		if old == nil {
			r.nothingToAppend(it, func() []string { return sortedNames(r.byMacro) })
			return
		}
		old.condition = append(old.condition, m.condition...)
	default:
		if old == nil {
			r.Order = append(r.Order, it.name)
		}
		if it.override == nil && r.again(it) {
			r.oldMacros = append(r.oldMacros, old)
		}
		r.byMacro[it.name] = m
	}
}

// isAppend tells that an item of one key is to be appended to what is there.
func (r *reader) isAppend(it *item, key string) bool {
	if it.override != nil {
		return it.override[key] == wayAppend
	}
	if r.flag(it, "append", false) {
		r.deprecated(it, "append", "write override: {"+key+": append}")
		return true
	}
	return false
}

// nothingToAppend reports a change of what is not there.
func (r *reader) nothingToAppend(it *item, names func() []string) {
	r.wrong(it, it.value[it.kind], rule.CodeNothingToChange, r.meant(it.name, names),
		"there is no %s of this name to append to before this place", it.kind)
}

// list reads a list: a new one, or a change of one that is there.
func (r *reader) list(it *item) {
	if it.name != "" && !listName.MatchString(it.name) {
		r.Warn(coded(rule.CodeBadListName, r.at(it, it.value[rule.KindList], errors.New("a list of this name cannot be used: no blanks, quotes, parentheses, commas or ="))))
	}
	l := &rule.List{Pos: it.pos, Name: it.name}
	if it.value["items"] == nil {
		r.wrong(it, nil, rule.CodeBadItem, "write items: [] for none", "the list has no items")
	}
	for _, n := range r.texts(it, "items") {
		l.Items = append(l.Items, r.literal(piece{r.src, n}))
	}
	old := r.Lists[it.name]
	switch {
	case it.name == "":
	case r.isAppend(it, "items"):
		if old == nil {
			r.nothingToAppend(it, func() []string { return sortedNames(r.Lists) })
			return
		}
		old = r.ownList(it, old)
		old.Items = append(old.Items, l.Items...)
	default:
		if it.override == nil {
			r.again(it)
		}
		r.Lists[it.name] = l
	}
}

// literal makes a literal of a value that stands in YAML: '"(x)"' in the file is
// the condition's "(x)", and what is not in such quotes may name a list.
func (l *loader) literal(p piece) rule.Literal {
	lit := rule.Literal{Pos: p.pos(), Text: p.node.Value, Bare: true}
	if t := p.node.Value; len(t) > 1 && (t[0] == '"' || t[0] == '\'') {
		if s, size, ok := rule.Unquote(t); ok && size == len(t) {
			lit.Text, lit.Bare = s, false
			if at, what := rule.BadEscape(t); at >= 0 {
				l.Fail(&rule.Error{Code: rule.CodeBadValue, Pos: lit.Pos, Err: fmt.Errorf("unknown escape %s in %s", what, t), Hint: `write \\ for a backslash`})
			}
		}
	}
	return lit
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
