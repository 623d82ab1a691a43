package match

import (
	"fmt"
	"net/netip"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// compileTest chooses the test of a comparison by the type of its field and its
// operator. A field that is a text has the test in two forms.
func compileTest(c *rule.Comparison) (t test, text func(string) bool, err error) {
	if len(c.Values) == 0 && c.Op != rule.OpIn && c.Op != rule.OpIntersects && c.Op != rule.OpPMatch {
		return nil, nil, fmt.Errorf("%s: nothing to compare %s with", c.Pos, c.Field.Text)
	}
	switch c.Field.Field.Type {
	case event.TypeString:
		if text = stringPredicate(c.Op, c.Values, c.Field.Field.Path); text != nil {
			t = func(v event.Value) bool { return text(v.Str()) }
		}
	case event.TypeList:
		t = listTest(c)
	case event.TypeBool:
		t = boolTest(c)
	case event.TypeIP:
		t = addressTest(c)
	case event.TypeInt:
		t = numberTest(c, event.Value.Int)
	default:
		t = numberTest(c, event.Value.Uint)
	}
	if t == nil {
		return nil, nil, fmt.Errorf("%s: operator %s is not for field %s", c.Pos, c.Op, c.Field.Text)
	}
	return t, text, nil
}

// number is what numeric fields hold.
type number interface{ int64 | uint64 }

// numberTest compares numbers; get reads one from a value.
func numberTest[N number](c *rule.Comparison, get func(event.Value) N) test {
	list := make([]N, len(c.Values))
	for i := range c.Values {
		list[i] = get(c.Values[i].Value)
	}
	switch c.Op {
	case rule.OpIn, rule.OpIntersects:
		return numberIn(list, get)
	}
	if len(list) != 1 {
		return nil
	}
	n := list[0]
	switch c.Op {
	case rule.OpEq:
		return func(v event.Value) bool { return get(v) == n }
	case rule.OpNe:
		return func(v event.Value) bool { return get(v) != n }
	case rule.OpLt:
		return func(v event.Value) bool { return get(v) < n }
	case rule.OpLe:
		return func(v event.Value) bool { return get(v) <= n }
	case rule.OpGt:
		return func(v event.Value) bool { return get(v) > n }
	case rule.OpGe:
		return func(v event.Value) bool { return get(v) >= n }
	}
	return nil
}

// smallSet is the number of members up to which a list is walked: hashing
// costs more.
const smallSet = 8

func numberIn[N number](list []N, get func(event.Value) N) test {
	if len(list) <= smallSet {
		return func(v event.Value) bool {
			for _, n := range list {
				if get(v) == n {
					return true
				}
			}
			return false
		}
	}
	set := make(map[N]struct{}, len(list))
	for _, n := range list {
		set[n] = struct{}{}
	}
	return func(v event.Value) bool {
		_, ok := set[get(v)]
		return ok
	}
}

func boolTest(c *rule.Comparison) test {
	has := [2]bool{}
	for _, l := range c.Values {
		has[l.Value.Uint()&1] = true
	}
	switch c.Op {
	case rule.OpEq, rule.OpIn, rule.OpIntersects:
		return func(v event.Value) bool { return has[v.Uint()&1] }
	case rule.OpNe:
		return func(v event.Value) bool { return !has[v.Uint()&1] }
	}
	return nil
}

// addressTest compares an address with addresses and networks.
func addressTest(c *rule.Comparison) test {
	single := map[netip.Addr]struct{}{}
	var nets []netip.Prefix
	for _, l := range c.Values {
		p := l.Net
		if p.IsSingleIP() {
			single[p.Addr().Unmap()] = struct{}{}
		} else {
			nets = append(nets, p.Masked())
		}
	}
	has := func(v event.Value) bool {
		if _, ok := single[v.Addr()]; ok {
			return true
		}
		for _, p := range nets {
			if p.Contains(v.Addr()) {
				return true
			}
		}
		return false
	}
	switch c.Op {
	case rule.OpEq, rule.OpIn, rule.OpIntersects:
		return has
	case rule.OpNe:
		return func(v event.Value) bool { return !has(v) }
	}
	return nil
}

// listTest compares a list: in asks for all its elements, intersects for one.
func listTest(c *rule.Comparison) test {
	one := stringPredicate(rule.OpIn, c.Values, c.Field.Field.Path)
	switch c.Op {
	case rule.OpIn:
		return func(v event.Value) bool { return len(v.List()) > 0 && allOf(v.List(), one) }
	case rule.OpIntersects:
		return func(v event.Value) bool { return anyOf(v.List(), one) }
	}
	return nil
}

func allOf(list []string, one func(string) bool) bool {
	for _, s := range list {
		if !one(s) {
			return false
		}
	}
	return true
}

func anyOf(list []string, one func(string) bool) bool {
	for _, s := range list {
		if one(s) {
			return true
		}
	}
	return false
}
