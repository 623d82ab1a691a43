package diff

import (
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// Report is what differs between two sets, each kind sorted by name.
type Report struct {
	Rules  []Change `json:"rules"`
	Macros []Change `json:"macros"`
	Lists  []Change `json:"lists"`
}

// Equal tells that nothing differs.
func (r *Report) Equal() bool { return len(r.Rules)+len(r.Macros)+len(r.Lists) == 0 }

// The ways in which an item can differ.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
)

// Change is one item that differs.
type Change struct {
	Name  string `json:"name"`
	How   string `json:"how"`
	Place string `json:"place"` // in the new set, or in the old one if it was removed
	Keys  []Key  `json:"keys,omitempty"`
	// Touches are the rules that use a macro or list that differs, by name.
	Touches []string `json:"touches,omitempty"`
}

// Key is a part of an item that differs: what went and what came. For a text both
// have one element.
type Key struct {
	Name string   `json:"name"`
	Gone []string `json:"gone"`
	Come []string `json:"come"`
}

// Compare compares two sets that were loaded.
func Compare(old, next *rule.Set) *Report {
	r := &Report{Rules: rules(old, next), Macros: macros(old, next), Lists: lists(old, next)}
	users := usersOf(next)
	for name, u := range usersOf(old) { // who used what is gone
		if users[name] == nil {
			users[name] = u
		}
	}
	for i := range r.Macros {
		r.Macros[i].Touches = users[use{rule.KindMacro, r.Macros[i].Name}]
	}
	for i := range r.Lists {
		r.Lists[i].Touches = users[use{rule.KindList, r.Lists[i].Name}]
	}
	return r
}

// walk calls f for each name of two maps, sorted.
func walk[V any](old, next map[string]V, f func(name string, o, n V, inOld, inNew bool)) {
	var names []string
	for name := range old {
		names = append(names, name)
	}
	for name := range next {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		o, inOld := old[name]
		n, inNew := next[name]
		f(name, o, n, inOld, inNew)
	}
}

func rules(old, next *rule.Set) []Change {
	all := []Change{}
	walk(byName(old), byName(next), func(name string, o, n *rule.Rule, inOld, inNew bool) {
		switch {
		case !inOld:
			all = append(all, Change{Name: name, How: Added, Place: n.Pos.String(), Keys: ruleKeys(&rule.Rule{Output: &rule.Template{}, Priority: n.Priority, Source: n.Source, Enabled: true}, n)})
		case !inNew:
			all = append(all, Change{Name: name, How: Removed, Place: o.Pos.String()})
		default:
			if keys := ruleKeys(o, n); len(keys) > 0 {
				all = append(all, Change{Name: name, How: Changed, Place: n.Pos.String(), Keys: keys})
			}
		}
	})
	return all
}

func byName(s *rule.Set) map[string]*rule.Rule {
	m := map[string]*rule.Rule{}
	for _, r := range s.Rules {
		m[r.ID()] = r
	}
	return m
}

// ruleKeys compares two rules key by key.
func ruleKeys(o, n *rule.Rule) []Key {
	var keys []Key
	add := func(name string, gone, come []string) {
		if gone, come = without(gone, come), without(come, gone); len(gone)+len(come) > 0 {
			keys = append(keys, Key{Name: name, Gone: gone, Come: come})
		}
	}
	gone, come := changedParts(ownCondition(o), ownCondition(n))
	add("condition", gone, come)
	was, is := exceptionCases(o), exceptionCases(n)
	for _, name := range exceptionNames(o, n) {
		add("exception "+name, was[name], is[name])
	}
	add("event types", typeNames(o.Types), typeNames(n.Types))
	add("output", text(outputOf(o)), text(outputOf(n)))
	add("priority", text(o.Priority.String()), text(n.Priority.String()))
	add("source", text(o.Source), text(n.Source))
	add("enabled", flag(o.Enabled), flag(n.Enabled))
	add("tags", o.Tags, n.Tags)
	add("desc", text(o.Desc), text(n.Desc))
	return keys
}

func outputOf(r *rule.Rule) string {
	if r.Output == nil {
		return ""
	}
	return r.Output.Text
}

// text is a list of one text with its blanks made single, of none if it is empty.
func text(s string) []string {
	if s = strings.Join(strings.Fields(s), " "); s == "" {
		return nil
	}
	return []string{s}
}

func flag(b bool) []string {
	if b {
		return []string{"true"}
	}
	return []string{"false"}
}

func typeNames(types []event.Type) []string {
	var names []string
	for _, t := range types {
		names = append(names, t.String())
	}
	return names
}

// without returns what is in a list and not in another. Never nil, for JSON.
func without(list, other []string) []string {
	left, known := []string{}, map[string]bool{}
	for _, s := range other {
		known[s] = true
	}
	for _, s := range list {
		if !known[s] {
			left = append(left, s)
		}
	}
	return left
}

func macros(old, next *rule.Set) []Change {
	all := []Change{}
	walk(old.Macros, next.Macros, func(name string, o, n *rule.Macro, inOld, inNew bool) {
		switch {
		case !inOld:
			all = append(all, Change{Name: name, How: Added, Place: n.Pos.String(), Keys: []Key{{Name: "condition", Gone: []string{}, Come: parts(n.Expr)}}})
		case !inNew:
			all = append(all, Change{Name: name, How: Removed, Place: o.Pos.String()})
		case canonical(o.Expr) != canonical(n.Expr):
			gone, come := changedParts(o.Expr, n.Expr)
			all = append(all, Change{Name: name, How: Changed, Place: n.Pos.String(), Keys: []Key{{Name: "condition", Gone: gone, Come: come}}})
		}
	})
	return all
}

func lists(old, next *rule.Set) []Change {
	all := []Change{}
	walk(old.Lists, next.Lists, func(name string, o, n *rule.List, inOld, inNew bool) {
		c := Change{Name: name, How: Changed}
		var gone, come []string
		switch {
		case !inOld:
			c.How, c.Place, come = Added, n.Pos.String(), items(n)
		case !inNew:
			c.How, c.Place = Removed, o.Pos.String()
			all = append(all, c)
			return
		default:
			c.Place, gone, come = n.Pos.String(), items(o), items(n)
		}
		if gone, come = without(gone, come), without(come, gone); c.How == Added || len(gone)+len(come) > 0 {
			c.Keys = []Key{{Name: "items", Gone: gone, Come: come}}
			all = append(all, c)
		}
	})
	return all
}

func items(l *rule.List) []string {
	texts := make([]string, len(l.Items))
	for i, item := range l.Items {
		texts[i] = item.Text
	}
	return texts
}
