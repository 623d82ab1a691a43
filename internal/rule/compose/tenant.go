package compose

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/check"
)

// Tenant is the rule set of a namespace, read on top of a Base.
type Tenant struct {
	Rules    []*rule.Rule // its own; none if there is an error
	Narrowed int          // rules of the base that it takes cases away from
	Errors   []*rule.Error
	Warnings []*rule.Error

	file  rule.File
	cases []cases
}

// cases are what a set takes away from a rule of the base.
type cases struct {
	rule       string
	parts      []rule.Expr // each true for a case, the namespace included
	exceptions []rule.Exception
}

// Limits of one set of a namespace. Those who write it are trusted with their
// namespace alone: what their set takes must not be felt by others.
const (
	tenantWork  = maxWork / 10
	tenantRoom  = maxExceptions / 16
	tenantSpace = check.MaxSpace / 10
	tenantRules = 500
)

// Limits of one rule of such a set: every alert has its texts.
const (
	tenantText   = 4 << 10 // bytes of a description, of an output, of all tags
	tenantFields = 50      // of an output
)

// Tenant reads the set of a namespace: text says which, and set is its name. The
// base must have no errors. It is not changed, and many sets may be read at a time.
func (b *Base) Tenant(set string, text rule.File) *Tenant {
	l := newLoader(b.catalogue)
	l.tenant = &tenant{base: b, namespace: text.Namespace, set: set, narrowed: map[string]*draft{}}
	l.Macros, l.Lists, l.Outer = maps.Clone(b.Set.Macros), maps.Clone(b.Set.Lists), b.scope
	l.work, l.room, l.Space = tenantWork, tenantRoom, tenantSpace
	l.text(text)
	return l.finishTenant(text)
}

// tenant is what the reading of a namespace's set needs beside its own items.
type tenant struct {
	base           *Base
	namespace, set string
	narrowed       map[string]*draft // what it says of rules of the base, by their names
	order          []*draft          // these, in the order of the text
}

// narrow returns what collects the cases that a rule of the base is not true for,
// nil if it has no rule of this name. It has the rule's exceptions without their
// values, so that values can be added to them.
func (t *tenant) narrow(name string, pos rule.Pos) *draft {
	if t == nil {
		return nil
	}
	of := t.base.byRule[name]
	if d := t.narrowed[name]; d != nil || of == nil {
		return d
	}
	d := &draft{hasSource: of.hasSource}
	d.Rule = &rule.Rule{Pos: pos, Name: name, Source: of.Source}
	d.Narrows, d.Foreign = true, of.Foreign || of.Skipped
	for _, ex := range of.exceptions.all {
		d.exceptions.add(&exception{pos: ex.pos, name: ex.name, many: ex.many, fields: ex.fields, comps: ex.comps})
	}
	t.narrowed[name] = d
	t.order = append(t.order, d)
	return d
}

// notOwn refuses what a set of a namespace would change of a rule of the base.
func (r *reader) notOwn(it *item, key string) {
	n := it.key[key]
	if n == nil {
		return // override names what the item does not have: reported
	}
	r.wrong(it, n, rule.CodeNotOwn, r.tenant.hint(), "the rule holds everywhere and is not of this set: its %s cannot be changed here", key)
}

func (t *tenant) hint() string {
	return fmt.Sprintf("append exceptions, or a condition that begins with and: they hold for namespace %s alone", t.namespace)
}

// beside warns of a rule that has the name of one of the base.
func (r *reader) beside(it *item) {
	if r.tenant == nil {
		return
	}
	if of := r.tenant.base.byRule[it.name]; of != nil {
		e := r.at(it, it.value[rule.KindRule], fmt.Errorf("the rule at %s has the same name and holds everywhere: this one is beside it and does not replace it", of.Pos))
		e.Hint = "give it another name; to except something from the other one, use override"
		r.Warn(coded(rule.CodeRedefined, e))
	}
}

// inheritMacro returns a copy of a macro of the base for a set to change, nil if
// there is none: others keep the one that is there.
func (r *reader) inheritMacro(it *item) *macro {
	if r.tenant == nil || r.tenant.base.Set.Macros[it.name] == nil {
		return nil
	}
	m := &macro{Macro: &rule.Macro{Pos: it.pos, Name: it.name}, condition: slices.Clone(r.tenant.base.byMacro[it.name].condition)}
	r.byMacro[it.name] = m
	r.Order = append(r.Order, it.name)
	return m
}

// ownList returns a list that may be changed: of one of the base a copy, which takes
// its place for this set.
func (r *reader) ownList(it *item, l *rule.List) *rule.List {
	if r.tenant == nil || l == nil || r.tenant.base.Set.Lists[it.name] != l {
		return l
	}
	own := &rule.List{Pos: it.pos, Name: it.name, Items: slices.Clone(l.Items)}
	for i := range own.Items {
		own.Items[i].Bare = false // it names no list: the base has put these in
	}
	r.Lists[it.name] = own
	return own
}

// finishTenant checks what was read.
func (l *loader) finishTenant(text rule.File) *Tenant {
	if len(l.rules) > tenantRules {
		d := l.rules[tenantRules]
		l.Fail(&rule.Error{Code: rule.CodeTooLarge, Pos: d.Pos, Rule: d.Name, Err: fmt.Errorf("the set has more than %d rules", tenantRules)})
		l.rules = l.rules[:tenantRules]
	}
	l.build()
	for _, d := range l.rules {
		l.bounded(d)
	}
	all := make([]cases, len(l.tenant.order))
	for i, d := range l.tenant.order {
		all[i] = l.buildCases(d)
	}
	check.Run(&l.Input)
	t := &Tenant{file: text, Errors: rule.Tidy(l.Errors), Warnings: rule.Tidy(l.Warnings)}
	if len(t.Errors) > 0 {
		return t
	}
	for _, d := range l.Rules {
		if !d.Foreign && !d.Skipped && !d.Narrows {
			t.Rules = append(t.Rules, d.Rule)
		}
	}
	for _, c := range all {
		if len(c.parts) > 0 {
			t.cases = append(t.cases, c)
		}
	}
	t.Narrowed = len(t.cases)
	return t
}

// bounded refuses a rule whose alerts would be too large.
func (l *loader) bounded(d *draft) {
	tooLarge := func(format string, args ...any) {
		l.Fail(&rule.Error{Code: rule.CodeTooLarge, Pos: d.Pos, Rule: d.Name, Err: fmt.Errorf(format, args...)})
	}
	if len(d.Desc) > tenantText {
		tooLarge("the description is longer than %d bytes", tenantText)
	}
	if n := len(strings.Join(d.Tags, "")); n > tenantText {
		tooLarge("the tags are longer than %d bytes", tenantText)
	}
	if d.Output == nil {
		return
	}
	n := 0
	for i := range d.Output.Parts {
		if d.Output.Parts[i].Field.Text != "" {
			n++
		}
	}
	if n > tenantFields || len(d.Output.Text) > tenantText {
		tooLarge("the output is longer than %d bytes or has more than %d fields", tenantText, tenantFields)
	}
}

// With returns the set of the base together with the rules of tenants, and with the
// cases that they take away from its rules. The tenants must have no errors.
func (b *Base) With(tenants []*Tenant) *rule.Set {
	set := *b.Set
	set.Rules, set.Files = slices.Clone(set.Rules), slices.Clone(set.Files)
	narrowed := map[string][]cases{}
	for _, t := range tenants {
		set.Rules = append(set.Rules, t.Rules...)
		set.Files = append(set.Files, t.file)
		for _, c := range t.cases {
			narrowed[c.rule] = append(narrowed[c.rule], c)
		}
	}
	for i, r := range b.Set.Rules {
		if all := narrowed[r.Name]; all != nil {
			set.Rules[i] = narrow(r, all)
		}
	}
	return &set
}

// narrow returns a rule that is not true for cases.
func narrow(r *rule.Rule, all []cases) *rule.Rule {
	own := *r
	own.Exceptions = slices.Clone(r.Exceptions)
	parts := slices.Clone(conjuncts(r.Condition))
	for _, c := range all {
		own.Exceptions = append(own.Exceptions, c.exceptions...)
		for _, p := range c.parts {
			parts = append(parts, &rule.Not{Pos: p.Position(), X: p})
		}
	}
	own.Condition = &rule.And{Pos: r.Condition.Position(), Parts: parts}
	return &own
}

// conjuncts returns the parts of which all must be true.
func conjuncts(e rule.Expr) []rule.Expr {
	if and, ok := e.(*rule.And); ok {
		return and.Parts
	}
	return []rule.Expr{e}
}
