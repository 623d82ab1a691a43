package predicate

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/match/text"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// compileTest chooses the test of a comparison with literals by the type of its
// field, its operator and its quantifier.
func (p *Predicate) compileTest(c *rule.Comparison) error {
	if len(c.Values) == 0 && c.Quant == rule.QuantNone && !c.Op.TakesList() {
		return fmt.Errorf("%s: nothing to compare %s with", c.Pos, c.Field.Text)
	}
	if c.Quant != rule.QuantNone {
		if c = plainQuant(c); c.Quant != rule.QuantNone {
			return p.compileQuant(c)
		}
	}
	if c.Field.Field.Type == event.TypeString {
		return p.compileText(c)
	}
	if p.test = valueTest(c); p.test == nil {
		return fmt.Errorf("%s: operator %s is not for field %s", c.Pos, c.Op, c.Field.Text)
	}
	return nil
}

// valueTest is the test of a comparison of a value that is not a text, nil if there
// is none.
func valueTest(c *rule.Comparison) test {
	switch c.Field.Field.Type {
	case event.TypeList:
		return listTest(c)
	case event.TypeBool:
		return boolTest(c)
	case event.TypeIP:
		return addressTest(c)
	case event.TypeInt:
		return numberTest(c, event.Value.Int)
	}
	return numberTest(c, event.Value.Uint)
}

// plainQuant writes a quantified comparison without the quantifier where that is
// the same: anyof is what a test of several literals is anyway.
func plainQuant(c *rule.Comparison) *rule.Comparison {
	plain := *c
	switch {
	case len(c.Values) == 0: // nothing is false of nothing, but Falco says no
		plain.Op = rule.OpIn
	case c.Quant == rule.QuantAnyOf && c.Op == rule.OpEq:
		plain.Op = rule.OpIn
	case c.Quant == rule.QuantAnyOf && c.Op != rule.OpNe, c.Quant == rule.QuantAllOf && c.Op == rule.OpNe, len(c.Values) == 1:
	default:
		return c
	}
	plain.Quant = rule.QuantNone
	return &plain
}

// compileQuant makes a test for each literal and counts those that hold.
func (p *Predicate) compileQuant(c *rule.Comparison) error {
	var tests []test
	var texts []text.Test
	for i := range c.Values {
		single := *c
		single.Values, single.Quant = c.Values[i:i+1], rule.QuantNone
		one := Predicate{}
		if err := one.compileTest(&single); err != nil {
			return err
		}
		tests = append(tests, one.test)
		one.Text.Open = one.Text.Open || one.Invert
		texts = append(texts, one.Text)
	}
	p.test = func(v event.Value) bool {
		n := 0
		for _, one := range tests {
			if one(v) {
				n++
			}
		}
		switch c.Quant {
		case rule.QuantOneOf:
			return n == 1
		case rule.QuantAllOf:
			return n == len(tests)
		}
		return n > 0
	}
	if c.Field.Field.Type == event.TypeString {
		need := text.Any(texts)
		if c.Quant == rule.QuantAllOf {
			need = texts[0]
		}
		p.Text = text.Test{Needs: need.Needs, Open: need.Open, Holds: func(s string) bool { return p.test(event.String(s)) }}
	}
	return nil
}

// compileText compiles a comparison of a text.
func (p *Predicate) compileText(c *rule.Comparison) (err error) {
	if p.Text, err = textTest(c); err != nil {
		return fmt.Errorf("%s: %w", c.Pos, err)
	}
	holds := p.Text.Holds
	if c.Op == rule.OpNe {
		p.Invert = true
		p.test = func(v event.Value) bool { return !holds(v.Str()) }
	} else {
		p.test = func(v event.Value) bool { return holds(v.Str()) }
	}
	return nil
}

// words returns the texts of literals; those of a path with their aliases.
func words(c *rule.Comparison) []string {
	list := make([]string, 0, len(c.Values))
	for _, l := range c.Values {
		switch {
		case c.Op == rule.OpBContains || c.Op == rule.OpBStartsWith:
			list = append(list, l.Value.Str())
		case c.Field.Field.Path:
			list = append(list, spellings(c.Op, l.Text)...)
		default:
			list = append(list, l.Text)
		}
	}
	return list
}

// textTest chooses the test of a text. That of != is the test of =.
func textTest(c *rule.Comparison) (text.Test, error) {
	switch list := words(c); c.Op {
	case rule.OpEq, rule.OpNe, rule.OpIn, rule.OpIntersects:
		return text.In(list), nil
	case rule.OpContains, rule.OpBContains:
		return text.Contains(list), nil
	case rule.OpStartsWith, rule.OpBStartsWith:
		return text.StartsWith(list), nil
	case rule.OpEndsWith:
		return text.EndsWith(list), nil
	case rule.OpIContains:
		return text.ContainsFold(list), nil
	case rule.OpGlob:
		return text.Glob(list, false), nil
	case rule.OpIGlob:
		return text.Glob(list, true), nil
	case rule.OpPMatch:
		return text.Beneath(list), nil
	case rule.OpRegex:
		return text.Regex(literalTexts(c.Values))
	case rule.OpLt, rule.OpLe, rule.OpGt, rule.OpGe:
		literal := c.Values[0].Text
		return text.Test{Open: true, Holds: func(s string) bool { return ordered(c.Op, strings.Compare(s, literal)) }}, nil
	}
	return text.Test{}, fmt.Errorf("operator %s is not for field %s", c.Op, c.Field.Text)
}

func literalTexts(literals []rule.Literal) []string {
	list := make([]string, len(literals))
	for i, l := range literals {
		list[i] = l.Text
	}
	return list
}

// ordered tells what an operator makes of an order: negative, zero or positive.
func ordered(op rule.Op, order int) bool {
	switch op {
	case rule.OpNe:
		return order != 0
	case rule.OpLt:
		return order < 0
	case rule.OpLe:
		return order <= 0
	case rule.OpGt:
		return order > 0
	case rule.OpGe:
		return order >= 0
	}
	return order == 0
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
	case rule.OpNe:
		in := numberIn(list, get)
		return func(v event.Value) bool { return !in(v) }
	}
	if len(list) != 1 {
		return nil
	}
	n := list[0]
	switch c.Op {
	case rule.OpEq:
		return func(v event.Value) bool { return get(v) == n }
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
	one := text.In(words(c)).Holds
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
