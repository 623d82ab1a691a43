package compose

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/syntax"
)

// exception is a named exception being put together.
type exception struct {
	pos    rule.Pos
	name   string
	many   bool    // fields are a list, and values tuples
	fields []piece // none in an item that appends values
	comps  []comp
	values []value
}

// exceptions are those of a rule, in order.
type exceptions struct {
	all []*exception
	at  map[string]int // where the first of a name is
}

// add puts one behind the others, and tells whether there was none of its name.
func (l *exceptions) add(ex *exception) bool {
	if l.at == nil {
		l.at = map[string]int{}
	}
	_, twice := l.at[ex.name]
	if !twice {
		l.at[ex.name] = len(l.all)
	}
	l.all = append(l.all, ex)
	return !twice
}

// comp is an operator of an exception.
type comp struct {
	op    rule.Op
	quant rule.Quant
}

func (c comp) takesList() bool { return c.op.TakesList() || c.quant != rule.QuantNone }

// value is an element of an exception's values, or of a tuple in them.
type value struct {
	piece
	list  bool
	items []value
}

// exceptions reads those of an item. adding says that they go to a rule that has
// some: then fields may be left out.
func (r *reader) exceptions(it *item, adding bool) (list exceptions) {
	n := it.value["exceptions"]
	if n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return list
	}
	if n.Kind != yaml.SequenceNode {
		r.wrong(it, n, rule.CodeBadException, "", "exceptions must be a list")
		return list
	}
	for _, c := range n.Content {
		ex := r.exception(it, r.follow(c), adding)
		if ex != nil && !list.add(ex) {
			r.Warn(coded(rule.CodeExceptionNotUnique, r.at(it, c, fmt.Errorf("the rule has two exceptions named %q", ex.name))))
		}
	}
	return list
}

// exception reads one exception, nil if it cannot be used.
func (r *reader) exception(it *item, n *yaml.Node, adding bool) *exception {
	if n.Kind != yaml.MappingNode {
		r.wrong(it, n, rule.CodeBadException, "", "an exception is a mapping with name, fields and values")
		return nil
	}
	ex := &exception{pos: r.pos(n)}
	key := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := r.follow(n.Content[i])
		if !slices.Contains([]string{"name", "fields", "comps", "values"}, k.Value) {
			e := coded(rule.CodeUnknownKey, r.at(it, k, fmt.Errorf("unknown key %q of an exception", k.Value)))
			r.Warn(e)
		} else if key[k.Value] != nil {
			r.wrong(it, k, rule.CodeBadException, "", "key %s of an exception is given twice", k.Value)
			continue
		}
		key[k.Value] = r.follow(n.Content[i+1])
	}
	if name := key["name"]; name == nil || name.Kind != yaml.ScalarNode || name.Value == "" {
		r.wrong(it, n, rule.CodeBadException, "", "the exception has no name")
		return nil
	}
	ex.name = key["name"].Value
	ok := r.exceptionFields(it, n, ex, key["fields"], adding)
	ok = r.exceptionComps(it, ex, key["comps"]) && ok
	ok = r.exceptionValues(it, ex, key["values"]) && ok
	if ok && adding && len(ex.values) == 0 && len(ex.fields) == 0 {
		r.Warn(coded(rule.CodeExceptionNoValues, r.at(it, n, fmt.Errorf("nothing is appended to exception %q: it has no values", ex.name))))
	}
	if !ok {
		return nil
	}
	return ex
}

func (r *reader) exceptionFields(it *item, at *yaml.Node, ex *exception, n *yaml.Node, adding bool) bool {
	switch {
	case n == nil && adding:
		return true
	case n == nil:
		r.wrong(it, at, rule.CodeBadException, "", "exception %q has no fields", ex.name)
		return false
	case n.Kind == yaml.ScalarNode:
		ex.fields = []piece{{r.src, n}}
		return true
	case n.Kind != yaml.SequenceNode || len(n.Content) == 0:
		r.wrong(it, n, rule.CodeBadException, "", "fields of exception %q must be a field or a list of fields", ex.name)
		return false
	}
	ex.many = true
	for _, c := range n.Content {
		c = r.follow(c)
		if c.Kind != yaml.ScalarNode {
			r.wrong(it, c, rule.CodeBadException, "", "fields of exception %q must be a field or a list of fields", ex.name)
			return false
		}
		ex.fields = append(ex.fields, piece{r.src, c})
	}
	return true
}

// exceptionComps reads how fields are compared: with = each, and in for one field
// that stands without a list, unless it is said.
func (r *reader) exceptionComps(it *item, ex *exception, n *yaml.Node) bool {
	switch {
	case n == nil && !ex.many:
		ex.comps = []comp{{op: rule.OpIn}}
		return true
	case n == nil:
		ex.comps = slices.Repeat([]comp{{op: rule.OpEq}}, len(ex.fields))
		return true
	case len(ex.fields) == 0:
		r.wrong(it, n, rule.CodeBadException, "leave comps out", "values alone can be appended to exception %q", ex.name)
		return false
	case n.Kind == yaml.ScalarNode && ex.many, n.Kind == yaml.SequenceNode && !ex.many, n.Kind == yaml.MappingNode:
		r.wrong(it, n, rule.CodeBadException, "", "fields and comps of exception %q must both be lists, or neither", ex.name)
		return false
	}
	list := []*yaml.Node{n}
	if ex.many {
		list = n.Content
	}
	if len(list) != len(ex.fields) {
		r.wrong(it, n, rule.CodeBadException, "", "exception %q has %d fields and %d comps", ex.name, len(ex.fields), len(list))
		return false
	}
	for _, c := range list {
		c = r.follow(c)
		op, quant, err := syntax.ParseOperator(c.Value)
		if err != nil {
			e := coded(rule.CodeBadException, r.at(it, c, err.Err))
			e.Hint = err.Hint
			r.Fail(e)
			return false
		}
		if !ex.many && !op.TakesList() && quant == rule.QuantNone {
			r.wrong(it, c, rule.CodeBadException, "write fields and comps as lists, or use in, pmatch, intersects, or an operator with oneof, anyof or allof",
				"exception %q has one field without a list, and %s compares with one value", ex.name, op)
			return false
		}
		ex.comps = append(ex.comps, comp{op, quant})
	}
	return true
}

func (r *reader) exceptionValues(it *item, ex *exception, n *yaml.Node) bool {
	if n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return true
	}
	if n.Kind != yaml.SequenceNode {
		r.wrong(it, n, rule.CodeBadException, "", "values of exception %q must be a list", ex.name)
		return false
	}
	for _, c := range n.Content {
		v, bad := r.value(r.follow(c), 0)
		if bad != nil {
			r.wrong(it, bad, rule.CodeBadException, "", "a value of exception %q must be a text or a list of texts", ex.name)
			return false
		}
		ex.values = append(ex.values, v)
	}
	return true
}

// value reads a value; bad is what is none. Tuples hold texts and lists of texts.
func (r *reader) value(n *yaml.Node, depth int) (v value, bad *yaml.Node) {
	v.piece = piece{r.src, n}
	switch {
	case n.Kind == yaml.ScalarNode && n.Value != "":
		return v, nil
	case n.Kind != yaml.SequenceNode || depth > 1:
		return v, n
	}
	v.list = true
	for _, c := range n.Content {
		inner, bad := r.value(r.follow(c), depth+1)
		if bad != nil {
			return v, bad
		}
		v.items = append(v.items, inner)
	}
	return v, nil
}

// changeExceptions replaces the exceptions of a rule, or adds to them: new ones,
// and values to those that are there.
func (r *reader) changeExceptions(it *item, d *draft, way string) {
	list := r.exceptions(it, way == wayAppend)
	if way != wayAppend {
		d.exceptions = list
		return
	}
	for _, ex := range list.all {
		i, found := d.exceptions.at[ex.name]
		switch {
		case !found && len(ex.fields) == 0:
			if d.Name != "" {
				e := coded(rule.CodeBadException, r.at(it, nil, fmt.Errorf("the rule has no exception %q to append values to, and a new one needs fields", ex.name)))
				e.Pos = ex.pos
				r.Fail(e)
			}
		case !found:
			d.exceptions.add(ex)
		case len(ex.fields) > 0:
			e := coded(rule.CodeBadException, r.at(it, nil, fmt.Errorf("values alone can be appended to exception %q, which is there at %s", ex.name, d.exceptions.all[i].pos)))
			e.Pos, e.Hint = ex.pos, "leave fields and comps out"
			r.Fail(e)
		default:
			old := d.exceptions.all[i]
			old.values = append(old.values, ex.values...)
		}
	}
}
