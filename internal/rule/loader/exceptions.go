package loader

import (
	"errors"
	"fmt"
	"slices"
	"strings"

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
func (r *reader) exceptions(it *item, adding bool) []*exception {
	n := it.value["exceptions"]
	if n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.wrong(it, n, rule.CodeBadException, "", "exceptions must be a list")
		return nil
	}
	var all []*exception
	for _, c := range n.Content {
		ex := r.exception(it, r.follow(c), adding)
		if ex == nil {
			continue
		}
		if slices.ContainsFunc(all, func(e *exception) bool { return e.name == ex.name }) {
			r.Warn(coded(rule.CodeExceptionNotUnique, r.at(it, c, fmt.Errorf("the rule has two exceptions named %q", ex.name))))
		}
		all = append(all, ex)
	}
	return all
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
	for _, ex := range list {
		i := slices.IndexFunc(d.exceptions, func(e *exception) bool { return e.name == ex.name })
		switch {
		case i < 0 && len(ex.fields) == 0:
			if d.Name != "" {
				e := coded(rule.CodeBadException, r.at(it, nil, fmt.Errorf("the rule has no exception %q to append values to, and a new one needs fields", ex.name)))
				e.Pos = ex.pos
				r.Fail(e)
			}
		case i < 0:
			d.exceptions = append(d.exceptions, ex)
		case len(ex.fields) > 0:
			e := coded(rule.CodeBadException, r.at(it, nil, fmt.Errorf("values alone can be appended to exception %q, which is there at %s", ex.name, d.exceptions[i].pos)))
			e.Pos, e.Hint = ex.pos, "leave fields and comps out"
			r.Fail(e)
		default:
			grown := *d.exceptions[i]
			grown.values = append(grown.values, ex.values...)
			d.exceptions[i] = &grown
		}
	}
}

// except joins a condition to what its exceptions leave of it: and not any tuple
// of one.
func (l *loader) except(d *draft) {
	parts := []rule.Expr{d.Condition}
	for _, ex := range d.exceptions {
		e := rule.Exception{Pos: ex.pos, Name: ex.name, Values: len(ex.values)}
		for _, f := range ex.fields {
			e.Fields = append(e.Fields, f.node.Value)
		}
		if len(ex.values) > 0 {
			if e.Expr = l.tuples(d, ex); e.Expr != nil {
				parts = append(parts, &rule.Not{Pos: ex.pos, X: e.Expr})
			}
		}
		d.Exceptions = append(d.Exceptions, e)
	}
	if len(parts) > 1 && d.Condition != nil {
		d.Condition = &rule.And{Pos: d.Condition.Position(), Parts: parts}
	}
}

// tuples makes the condition of an exception, nil with an error if values do not
// fit.
func (l *loader) tuples(d *draft, ex *exception) rule.Expr {
	if !ex.many {
		return l.oneOf(d, ex)
	}
	var all []rule.Expr
	for _, v := range ex.values {
		switch {
		case !v.list:
			l.badValue(d, v, fmt.Errorf("a value of exception %q must be a tuple: a list with a value for each of its %d fields", ex.name, len(ex.fields)))
			return nil
		case len(v.items) != len(ex.fields):
			l.badValue(d, v, fmt.Errorf("exception %q has %d fields, and this tuple %d values", ex.name, len(ex.fields), len(v.items)))
			return nil
		}
		var parts []rule.Expr
		for i := range ex.fields {
			c := l.compare(d, ex.fields[i], ex.comps[i], v.items[i])
			if c == nil {
				return nil
			}
			parts = append(parts, c)
		}
		all = append(all, joinExpr(parts, func(parts []rule.Expr) rule.Expr { return &rule.And{Pos: parts[0].Position(), Parts: parts} }))
	}
	return joinExpr(all, func(parts []rule.Expr) rule.Expr { return &rule.Or{Pos: parts[0].Position(), Parts: parts} })
}

func joinExpr(parts []rule.Expr, join func([]rule.Expr) rule.Expr) rule.Expr {
	if len(parts) == 1 {
		return parts[0]
	}
	return join(parts)
}

// oneOf compares the field that stands without a list with all values.
func (l *loader) oneOf(d *draft, ex *exception) rule.Expr {
	v := value{piece: ex.values[0].piece, list: true, items: ex.values}
	for _, item := range ex.values {
		if item.list {
			l.badValue(d, item, fmt.Errorf("exception %q has one field without a list, so that its values are texts", ex.name))
			return nil
		}
	}
	if c := l.compare(d, ex.fields[0], ex.comps[0], v); c != nil {
		return c
	}
	return nil
}

func (l *loader) badValue(d *draft, v value, err error) {
	e := &rule.Error{Code: rule.CodeBadException, Pos: rule.Pos{File: v.src.Name, Line: v.node.Line, Col: v.node.Column}, Rule: d.Name, Err: err}
	l.Fail(e)
}

// compare makes one comparison of an exception, nil if it cannot be made. It
// stands where its value does: there is where a person has to edit.
func (l *loader) compare(d *draft, f piece, by comp, v value) *rule.Comparison {
	ref, errs := syntax.ParseField(f.node.Value, f.cursor())
	if len(errs) > 0 {
		l.failAll(d.Name, "", errs)
		return nil
	}
	c := &rule.Comparison{Pos: rule.Pos{File: v.src.Name, Line: v.node.Line, Col: v.node.Column}, Field: ref, Op: by.op, Quant: by.quant}
	switch {
	case v.list && !by.takesList():
		l.badValue(d, v, fmt.Errorf("%s takes one value, and this is a list", by.op))
		return nil
	case v.list:
		for _, item := range v.items {
			if item.list {
				l.badValue(d, item, errors.New("a list in a list of values"))
				return nil
			}
			c.Values = append(c.Values, l.literal(item.piece))
		}
	case by.takesList() && strings.HasPrefix(v.node.Value, "("): // a list as text
		if c.Values, errs = syntax.ParseList(v.node.Value, v.cursor()); len(errs) > 0 {
			l.failAll(d.Name, "", errs)
			return nil
		}
	case !by.takesList() && !strings.ContainsAny(v.node.Value, " \t\n"): // with blanks it is a text
		if c.Right, errs = syntax.ParseRight(v.node.Value, v.cursor()); len(errs) > 0 {
			l.failAll(d.Name, "", errs)
			return nil
		}
		if c.Right != nil {
			c.Text = ref.Text + " " + by.op.String() + " " + v.node.Value
			return c
		}
		fallthrough
	default:
		c.Values = []rule.Literal{l.literal(v.piece)}
	}
	c.Text = comparisonText(ref.Text, by, c.Values)
	return c
}

// comparisonText writes a comparison as a condition would have it.
func comparisonText(field string, by comp, values []rule.Literal) string {
	var texts []string
	for _, v := range values {
		texts = append(texts, rule.Quote(v.Text, v.Bare))
	}
	text := field + " " + by.op.String()
	if by.quant != rule.QuantNone {
		text += " " + by.quant.String()
	}
	if by.takesList() {
		return text + " (" + strings.Join(texts, ", ") + ")"
	}
	return text + " " + strings.Join(texts, ", ")
}
