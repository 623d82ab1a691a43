package rule

import (
	"fmt"
	"slices"
	"strings"
)

// expandLists replaces items that name a list by what it holds. A list that is
// named twice counts once: items are a set.
func (l *loader) expandLists() {
	x := &expander{loader: l, done: map[*List]bool{}}
	for _, name := range sortedKeys(l.lists) {
		x.expand(l.lists[name])
	}
}

type expander struct {
	*loader
	done map[*List]bool
	open []*List // from the list that was asked for to the one at work
}

func (x *expander) expand(list *List) {
	if x.done[list] {
		return
	}
	x.done[list] = true
	if !slices.ContainsFunc(list.Items, func(i Literal) bool { return x.listOf(i, list) != nil }) {
		return
	}
	x.open = append(x.open, list)
	var all []Literal
	for _, item := range list.Items {
		inner := x.listOf(item, list)
		switch {
		case inner == nil:
			all = append(all, item)
			x.space--
		case slices.Contains(x.open, inner) || len(x.open) > maxDepth:
			x.circle(item, inner)
		default:
			x.expand(inner)
			all = append(all, inner.Items...)
			x.space -= len(inner.Items)
		}
		if x.space < 0 {
			x.tooMuch(&Error{Pos: item.Pos, Kind: kindList, Rule: list.Name})
			break
		}
	}
	x.open = x.open[:len(x.open)-1]
	list.Items = unique(all)
}

// tooMuch reports at e that lists are expanded beyond bounds, once.
func (l *loader) tooMuch(e *Error) {
	if !l.full {
		l.full = true
		e.Err = fmt.Errorf("lists stand for more than %d values", maxSpace)
		l.fail(e)
	}
}

// listOf returns the list that a value in holder names, nil if it names none.
// A list may hold its own name as a value.
func (l *loader) listOf(item Literal, holder *List) *List {
	if !item.bare {
		return nil
	}
	if inner := l.lists[item.Text]; inner != holder {
		return inner
	}
	return nil
}

func (x *expander) circle(item Literal, inner *List) {
	e := &Error{Pos: item.Pos, Kind: kindList, Rule: x.open[len(x.open)-1].Name}
	if i := slices.Index(x.open, inner); i >= 0 {
		var names []string
		for _, l := range x.open[i:] {
			names = append(names, l.Name)
		}
		e.Err = fmt.Errorf("lists name each other in a circle: %s", circleText(names))
	} else {
		e.Err = fmt.Errorf("lists are nested more than %d deep", maxDepth)
	}
	x.fail(e)
}

// circleText writes a, b, a; a long circle is cut in the middle.
func circleText(names []string) string {
	names = append(names, names[0])
	if len(names) > 10 {
		names = append(append(slices.Clone(names[:5]), "…"), names[len(names)-4:]...)
	}
	return strings.Join(names, ", ")
}

// unique drops values that were there before.
func unique(all []Literal) []Literal {
	seen := make(map[string]bool, len(all))
	return slices.DeleteFunc(all, func(l Literal) bool {
		if seen[l.Text] {
			return true
		}
		seen[l.Text] = true
		return false
	})
}

func sortedKeys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
