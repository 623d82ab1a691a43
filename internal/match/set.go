package match

import (
	"fmt"
	"slices"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// Set is the compiled form of rules. It never changes and may be shared.
type Set struct {
	rules  []compiled
	nodes  []node
	byType [event.TypeCount]dispatch
	exprs  map[rule.Expr]int32 // the node of each part of a condition
	slots  []slot              // the texts that are compared
	types  []event.Type
	env    bool
}

// compiled is one rule and the node of its condition.
type compiled struct {
	rule *rule.Rule
	root int32
}

// Compile joins the conditions of all enabled rules. The rules must be checked
// (loader.Files) and must not change afterwards. An error is a *rule.Error.
func Compile(rules []*rule.Rule) (*Set, error) { return newCompiler().compile(rules) }

func (c *compiler) compile(rules []*rule.Rule) (*Set, error) {
	s := c.set
	for _, r := range rules {
		if !r.Enabled {
			continue
		}
		root, err := c.expr(r.Condition)
		if err != nil {
			return nil, &rule.Error{Pos: r.Condition.Position(), Rule: r.Name, Err: fmt.Errorf("compile condition: %w", err)}
		}
		s.rules = append(s.rules, compiled{rule: r, root: root})
		s.env = s.env || outputNeedsEnv(r.Output)
	}
	c.dispatch()
	return s, nil
}

func outputNeedsEnv(t *rule.Template) bool {
	if t == nil {
		return false
	}
	return slices.ContainsFunc(t.Parts, func(p rule.Part) bool {
		return p.Field.Field != nil && p.Field.Field.NeedsEnv
	})
}

// Types returns the event types that can make some rule true, in order. The
// slice is shared.
func (s *Set) Types() []event.Type { return s.types }

// NeedsEnv tells that a condition or an output asks for the environment.
func (s *Set) NeedsEnv() bool { return s.env }

// Len returns the number of rules.
func (s *Set) Len() int { return len(s.rules) }

// compiler makes a Set.
type compiler struct {
	set    *Set
	nodeOf map[string]int32 // by key: equal parts are one node
	slotOf map[string]int32 // by key of a reference: equal texts have one slot
	macros map[*rule.Macro]int32
	clause map[int32]clause // of nodes for which it was worked out
}

func newCompiler() *compiler {
	return &compiler{
		set:    &Set{exprs: map[rule.Expr]int32{}},
		nodeOf: map[string]int32{},
		slotOf: map[string]int32{},
		macros: map[*rule.Macro]int32{},
		clause: map[int32]clause{},
	}
}

// expr compiles a part of a condition and returns its node.
func (c *compiler) expr(e rule.Expr) (int32, error) {
	id, err := c.build(e)
	if err == nil {
		c.set.exprs[e] = id
	}
	return id, err
}

func (c *compiler) build(e rule.Expr) (int32, error) {
	switch e := e.(type) {
	case *rule.And:
		return c.join(kindAnd, e.Parts...)
	case *rule.Or:
		return c.join(kindOr, e.Parts...)
	case *rule.Not:
		return c.join(kindNot, e.X)
	case *rule.MacroRef:
		return c.macro(e)
	case *rule.Comparison:
		return c.comparison(e)
	case *rule.Exists:
		return c.predicate(&e.Field, refKey(&e.Field)+" exists", func(*pred) error { return nil })
	}
	return 0, fmt.Errorf("part of a condition of type %T", e)
}

// join compiles the parts of and, or and not.
func (c *compiler) join(kind nodeKind, parts ...rule.Expr) (int32, error) {
	kids := make([]int32, 0, len(parts))
	for _, p := range parts {
		id, err := c.expr(p)
		if err != nil {
			return 0, err
		}
		kids = append(kids, id)
	}
	return c.joined(kind, kids), nil
}

// joined returns the and, or or not of nodes, cheap and decisive ones first.
func (c *compiler) joined(kind nodeKind, kids []int32) int32 {
	n := node{kind: kind, kids: kids, scope: perImage}
	for _, id := range kids {
		n.scope = max(n.scope, c.set.nodes[id].scope)
	}
	n.effort = c.arrange(kind, kids)
	return c.add(fmt.Sprint(kind, kids), n)
}

// macro compiles a macro once, however often it is named.
func (c *compiler) macro(ref *rule.MacroRef) (int32, error) {
	if ref.Macro == nil {
		return 0, fmt.Errorf("macro %s is not defined", ref.Name)
	}
	if id, ok := c.macros[ref.Macro]; ok {
		return id, nil
	}
	id, err := c.expr(ref.Macro.Expr)
	if err != nil {
		return 0, fmt.Errorf("macro %s: %w", ref.Name, err)
	}
	c.macros[ref.Macro] = id
	return id, nil
}

// comparison compiles a comparison. != between a field with two sides and anything
// asks that both differ, as in Falco.
func (c *compiler) comparison(e *rule.Comparison) (int32, error) {
	return c.predicate(&e.Field, comparisonKey(e), func(p *pred) error {
		p.source = e
		p.all = p.sides != nil && e.Op == rule.OpNe
		if e.Right == nil {
			return p.compileTest(e)
		}
		right, err := newReader(e.Right)
		if err != nil {
			return err
		}
		p.right = &right
		p.scope = max(p.scope, scopeOf(right.field.Scope))
		c.set.env = c.set.env || right.field.NeedsEnv
		p.pair, err = compilePair(e)
		return err
	})
}

// predicate adds a comparison or exists, once for all that are equal. compile
// fills in the test.
func (c *compiler) predicate(ref *rule.FieldRef, key string, compile func(*pred) error) (int32, error) {
	if id, ok := c.nodeOf[key]; ok {
		return id, nil
	}
	r, err := newReader(ref)
	if err != nil {
		return 0, err
	}
	p := &pred{reader: r, key: key, scope: scopeOf(r.field.Scope)}
	if err := compile(p); err != nil {
		return 0, err
	}
	c.giveSlot(p, ref)
	c.set.env = c.set.env || ref.Field.NeedsEnv
	return c.add(key, node{kind: kindPred, scope: p.scope, pred: p, effort: p.effort()}), nil
}

// giveSlot lets a comparison of texts read its field by way of a slot.
func (c *compiler) giveSlot(p *pred, ref *rule.FieldRef) {
	if p.sides != nil || p.right != nil || p.text.Holds == nil {
		return
	}
	if p.each && (p.invert || p.text.Open) {
		return // asked value by value
	}
	key := refKey(ref)
	i, ok := c.slotOf[key]
	if !ok {
		i = int32(len(c.set.slots))
		c.slotOf[key] = i
		c.set.slots = append(c.set.slots, slot{reader: p.reader, scope: p.scope})
	}
	p.slot, p.slotted = i, true
}

// add returns the node with this key, a new one if there is none.
func (c *compiler) add(key string, n node) int32 {
	if id, ok := c.nodeOf[key]; ok {
		return id
	}
	id := int32(len(c.set.nodes))
	c.set.nodes = append(c.set.nodes, n)
	c.nodeOf[key] = id
	return id
}
