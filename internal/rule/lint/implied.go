package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/verdict"
)

// maxSteps bounds the comparing of rules with each other: what is left when they
// are used up is not compared.
const maxSteps = 500_000

// Implied finds rules that are true only when another one is, so that each of
// their alerts comes with one of the other. A rule that is stricter than another
// and reported as more severe is what people write on purpose: only one that is
// the same as another, or no more severe, is named. It may find too few.
func Implied(rules []*rule.Rule) []*rule.Error {
	p := &prover{ids: map[string]*term{}, macros: map[*rule.Macro]*term{}, known: map[[2]int]bool{},
		lists: map[shared]*set{}, sets: map[string]*set{}, steps: maxSteps}
	terms := make([]*term, len(rules))
	types := make([]verdict.Types, len(rules))
	for i, r := range rules {
		terms[i] = p.term(r.Condition)
		types[i] = verdict.Of(r.Types)
	}
	var found []*rule.Error
	for i, r := range rules {
		for j, other := range rules {
			if p.steps--; p.steps < 0 {
				return found
			}
			if i == j || r.Source != other.Source || !types[i].Without(types[j]).IsEmpty() {
				continue
			}
			same := terms[i] == terms[j]
			if same && i < j || !same && r.Priority < other.Priority || !p.prove(terms[i], terms[j]) {
				continue
			}
			if i < j && r.Priority == other.Priority && p.prove(terms[j], terms[i]) {
				continue // the later one is named
			}
			e := &rule.Error{Code: rule.CodeRuleImplied, Pos: r.Condition.Position(), Rule: r.Name,
				Err:  fmt.Errorf("whenever this rule is true %q is as well (%s), which is no less severe: each event gives two alerts", other.Name, other.Pos),
				Hint: "take one of them out, or deny the condition of this one in the other"}
			if same {
				e.Err = fmt.Errorf("the condition is that of %q (%s): each event gives two alerts", other.Name, other.Pos)
				e.Hint = "take one of them out"
			}
			found = append(found, e)
			break
		}
	}
	return found
}

// term is a condition in a form in which equal ones are the same term: macros
// written out (but shared), parts of and and or as a set.
type term struct {
	id    int
	kind  byte // & | ! ? (exists) or = (comparison)
	parts []*term
	ref   string // the field, with its argument
	each  bool   // it has several values
	cmp   *rule.Comparison
	texts map[string]bool
}

// prover tells whether one condition follows from another. What it says follows,
// does; it does not see everything.
type prover struct {
	ids    map[string]*term
	macros map[*rule.Macro]*term
	lists  map[shared]*set
	sets   map[string]*set
	known  map[[2]int]bool
	steps  int
}

// shared names values that comparisons have in common.
type shared struct {
	first *rule.Literal
	n     int
}

func (p *prover) term(e rule.Expr) *term {
	switch e := e.(type) {
	case *rule.And:
		return p.join('&', e.Parts)
	case *rule.Or:
		return p.join('|', e.Parts)
	case *rule.Not:
		x := p.term(e.X)
		if x.kind == '!' {
			return x.parts[0]
		}
		return p.intern("!"+strconv.Itoa(x.id), &term{kind: '!', parts: []*term{x}})
	case *rule.MacroRef:
		t := p.macros[e.Macro]
		if t == nil {
			t = p.term(e.Macro.Expr)
			p.macros[e.Macro] = t
		}
		return t
	case *rule.Exists:
		ref := refText(&e.Field)
		return p.intern("?"+ref, &term{kind: '?', ref: ref, each: several(&e.Field)})
	case *rule.Comparison:
		return p.comparison(e)
	}
	return p.intern("broken"+strconv.Itoa(len(p.ids)), &term{})
}

// join makes the term of an and or an or; parts of the same kind are taken up.
func (p *prover) join(kind byte, exprs []rule.Expr) *term {
	var parts []*term
	for _, e := range exprs {
		if t := p.term(e); t.kind == kind {
			parts = append(parts, t.parts...)
		} else {
			parts = append(parts, t)
		}
	}
	slices.SortFunc(parts, func(a, b *term) int { return a.id - b.id })
	parts = slices.Compact(parts)
	if len(parts) == 1 {
		return parts[0]
	}
	key := []byte{kind}
	for _, t := range parts {
		key = append(strconv.AppendInt(key, int64(t.id), 10), ' ')
	}
	return p.intern(string(key), &term{kind: kind, parts: parts})
}

func (p *prover) comparison(e *rule.Comparison) *term {
	set := p.set(e.Values)
	t := &term{kind: '=', ref: refText(&e.Field), each: several(&e.Field), cmp: e, texts: set.texts}
	op := e.Op
	if op == rule.OpEq && e.Quant != rule.QuantAllOf && e.Quant != rule.QuantOneOf {
		op = rule.OpIn
	}
	key := "=" + t.ref + " " + op.String() + " " + e.Quant.String()
	if e.Right != nil {
		key += " val " + refText(e.Right)
	}
	key += " " + strconv.Itoa(set.id)
	if e.Quant == rule.QuantOneOf { // how often a text is there counts
		key += " of " + strconv.Itoa(len(e.Values))
	}
	return p.intern(key, t)
}

// set is the texts of a comparison: equal ones have the same number.
type set struct {
	id    int
	texts map[string]bool
}

// set returns the set of values; comparisons that share a list share it.
func (p *prover) set(values []rule.Literal) *set {
	if len(values) == 0 {
		return &set{id: -1}
	}
	at := shared{&values[0], len(values)}
	if known := p.lists[at]; known != nil {
		return known
	}
	s := &set{texts: make(map[string]bool, len(values))}
	texts := make([]string, 0, len(values))
	for _, v := range values {
		if !s.texts[v.Text] {
			s.texts[v.Text] = true
			texts = append(texts, strconv.Quote(v.Text))
		}
	}
	slices.Sort(texts)
	key := strings.Join(texts, " ")
	if known := p.sets[key]; known != nil {
		s = known
	} else {
		s.id = len(p.sets)
		p.sets[key] = s
	}
	p.lists[at] = s
	return s
}

func (p *prover) intern(key string, t *term) *term {
	if known := p.ids[key]; known != nil {
		return known
	}
	t.id = len(p.ids)
	p.ids[key] = t
	return t
}

func refText(f *rule.FieldRef) string {
	if f.Arg.Given {
		return f.Name + "[" + f.Arg.Name + "]"
	}
	return f.Name
}

// several tells a field with several values: a comparison is true for one of
// them, and nothing follows for the others.
func several(f *rule.FieldRef) bool {
	row := f.Field
	return len(row.Either) > 0 || row.Type == event.TypeList || row.Arg == field.OptionalIndex && !f.Arg.Given
}

// implies tells whether b is true whenever a is. What is joined of others can
// come up in many rules and is remembered.
func (p *prover) implies(a, b *term) bool {
	if p.steps--; p.steps < 0 {
		return false
	}
	if a.isLeaf() && b.isLeaf() || a.kind == '&' { // cheap, or of one rule alone
		return p.prove(a, b)
	}
	key := [2]int{a.id, b.id}
	if known, ok := p.known[key]; ok {
		return known
	}
	p.known[key] = false // until it is known
	yes := p.prove(a, b)
	p.known[key] = yes
	return yes
}

// isLeaf tells a term that has no parts.
func (t *term) isLeaf() bool { return t.kind == '=' || t.kind == '?' }

func (p *prover) prove(a, b *term) bool {
	switch {
	case a == b:
		return true
	case b.kind == '&':
		// What came up last is most likely of this rule alone.
		for i := len(b.parts) - 1; i >= 0; i-- {
			if !p.implies(a, b.parts[i]) {
				return false
			}
		}
		return true
	case a.isLeaf() && b.isLeaf() && a.ref != b.ref:
		return false
	case a.kind == '|':
		return p.all(a.parts, func(t *term) bool { return p.implies(t, b) })
	case b.kind == '|' && p.any(b.parts, func(t *term) bool { return p.implies(a, t) }):
		return true
	case a.kind == '&':
		return p.any(a.parts, func(t *term) bool { return p.implies(t, b) })
	case a.kind == '!' && b.kind == '!':
		return p.implies(b.parts[0], a.parts[0])
	case b.kind == '?':
		return a.kind == '=' && a.ref == b.ref && !b.each
	case a.kind == '=' && b.kind == '=':
		return p.follows(a, b)
	}
	return false
}

func (p *prover) all(parts []*term, f func(*term) bool) bool {
	return !slices.ContainsFunc(parts, func(t *term) bool { return !f(t) })
}

func (p *prover) any(parts []*term, f func(*term) bool) bool {
	return slices.ContainsFunc(parts, f)
}

// follows tells whether a comparison follows from another of the same field:
// because it has more values, or because a shorter text is looked for.
func (p *prover) follows(a, b *term) bool {
	x, y := a.cmp, b.cmp
	if a.ref != b.ref || x.Right != nil || y.Right != nil || len(x.Values) == 0 ||
		x.Quant == rule.QuantOneOf || x.Quant == rule.QuantAllOf || y.Quant == rule.QuantOneOf || y.Quant == rule.QuantAllOf {
		return false
	}
	if x.Field.Field.Type == event.TypeList {
		return x.Op == y.Op && subset(a, b)
	}
	p.steps -= len(a.texts)
	one := func(op rule.Op) bool { return op == rule.OpEq || op == rule.OpIn || op == rule.OpIntersects }
	switch {
	case one(x.Op) && one(y.Op), x.Op == y.Op && growing(x.Op):
		if subset(a, b) {
			return true
		}
	}
	if x.Field.Field.Type != event.TypeString || x.Field.Field.Path || y.Op != x.Op && !one(x.Op) {
		return false // a path has other names, not all of which begin alike
	}
	switch y.Op {
	case rule.OpStartsWith, rule.OpEndsWith, rule.OpContains:
		if p.steps -= len(a.texts) * len(y.Values); p.steps < 0 {
			return false
		}
		for s := range a.texts {
			if !covered(s, y) {
				return false
			}
		}
		return true
	}
	return false
}

// growing tells an operator that is true for more when it has more values.
func growing(op rule.Op) bool {
	switch op {
	case rule.OpNe, rule.OpLt, rule.OpLe, rule.OpGt, rule.OpGe:
		return false
	}
	return true
}

func subset(a, b *term) bool {
	for s := range a.texts {
		if !b.texts[s] {
			return false
		}
	}
	return true
}

// covered tells whether a text that is, begins with, ends with or holds s makes
// y true.
func covered(s string, y *rule.Comparison) bool {
	for i := range y.Values {
		v := y.Values[i].Text
		switch y.Op {
		case rule.OpStartsWith:
			if len(s) >= len(v) && s[:len(v)] == v {
				return true
			}
		case rule.OpEndsWith:
			if len(s) >= len(v) && s[len(s)-len(v):] == v {
				return true
			}
		case rule.OpContains:
			if strings.Contains(s, v) {
				return true
			}
		}
	}
	return false
}
