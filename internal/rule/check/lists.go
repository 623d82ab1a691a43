package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/lint"
)

// expandLists replaces items that name a list by what it holds. A list that is
// named twice counts once: items are a set.
func (s *space) expandLists() {
	x := &expander{space: s, done: map[*rule.List]bool{}}
	for _, name := range sortedKeys(s.in.Lists) {
		if s.in.Outer.has(s.in.Lists[name]) {
			x.done[s.in.Lists[name]] = true
			continue
		}
		lint.Twice(s.in.Lists[name].Items, func(pos rule.Pos, err error) {
			s.in.Warn(&rule.Error{Code: rule.CodeDuplicateValue, Pos: pos, Kind: rule.KindList, Rule: name, Err: err, Hint: "take one out"})
		})
	}
	for _, name := range sortedKeys(s.in.Lists) {
		x.expand(s.in.Lists[name])
	}
}

// space is what is left of the room for the values of lists.
type space struct {
	in   *Input
	left int
	full bool // reported
	used map[*rule.List]bool
}

type expander struct {
	*space
	done map[*rule.List]bool
	open []*rule.List // from the list that was asked for to the one at work
}

func (x *expander) expand(list *rule.List) {
	if x.done[list] {
		return
	}
	x.done[list] = true
	if !slices.ContainsFunc(list.Items, func(i rule.Literal) bool { return x.listOf(i, list) != nil }) {
		return
	}
	x.open = append(x.open, list)
	var all []rule.Literal
	for _, item := range list.Items {
		inner := x.listOf(item, list)
		switch {
		case inner == nil:
			all = append(all, item)
			x.left--
		case slices.Contains(x.open, inner) || len(x.open) > rule.MaxDepth:
			x.circle(item, inner)
		default:
			x.expand(inner)
			all = append(all, inner.Items...)
			x.left -= len(inner.Items)
		}
		if x.left < 0 {
			x.tooMuch(&rule.Error{Code: rule.CodeTooLarge, Pos: item.Pos, Kind: rule.KindList, Rule: list.Name})
			break
		}
	}
	x.open = x.open[:len(x.open)-1]
	list.Items = unique(all)
}

// tooMuch reports at e that lists are expanded beyond bounds, once.
func (s *space) tooMuch(e *rule.Error) {
	if !s.full {
		s.full = true
		e.Err = fmt.Errorf("lists stand for more than %d values", s.in.Space)
		s.in.Fail(e)
	}
}

// listOf returns the list that a value in holder names, nil if it names none.
// A list may hold its own name as a value.
func (s *space) listOf(item rule.Literal, holder *rule.List) *rule.List {
	if !item.Bare {
		return nil
	}
	if inner := s.in.Lists[item.Text]; inner != nil && inner != holder {
		s.used[inner] = true
		return inner
	}
	return nil
}

func (x *expander) circle(item rule.Literal, inner *rule.List) {
	e := &rule.Error{Code: rule.CodeCircle, Pos: item.Pos, Kind: rule.KindList, Rule: x.open[len(x.open)-1].Name}
	if i := slices.Index(x.open, inner); i >= 0 {
		var names []string
		for _, l := range x.open[i:] {
			names = append(names, l.Name)
		}
		e.Err = fmt.Errorf("lists name each other in a circle: %s", circleText(names))
	} else {
		e.Code, e.Err = rule.CodeTooLarge, fmt.Errorf("lists are nested more than %d deep", rule.MaxDepth)
	}
	x.in.Fail(e)
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
func unique(all []rule.Literal) []rule.Literal {
	seen := make(map[string]bool, len(all))
	return slices.DeleteFunc(all, func(l rule.Literal) bool {
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
