package graph

import (
	"fmt"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/match/predicate"
	"github.com/goshawk-security/goshawk/internal/match/text"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// Graph is the compiled form of rules. It never changes and may be shared.
type Graph struct {
	Rules  []Rule
	Nodes  []Node
	ByType [event.TypeCount]Dispatch
	Exprs  map[rule.Expr]int32 // the node of each part of a condition
	Slots  []Slot              // the texts that are compared
	Types  []event.Type        // that can make some rule true, in order
	Needs  field.Needs         // of conditions and outputs
}

// Rule is one rule and the node of its condition.
type Rule struct {
	Rule *rule.Rule
	Root int32
}

// Kind says how a node is evaluated.
type Kind uint8

// The kinds of node.
const (
	Comparison Kind = iota
	And
	Or
	Not
)

// String names a kind as conditions do.
func (k Kind) String() string { return [...]string{"comparison", "and", "or", "not"}[k] }

// Node is a part of one or more conditions.
type Node struct {
	Kind   Kind
	Scope  predicate.Scope
	Kids   []int32              // of and, or and not
	Pred   *predicate.Predicate // of a comparison
	Effort predicate.Effort

	// Slot is the text that a comparison reads, NoNode for one that reads none; Bit
	// is its number in the slot's index, NoNode if it is not in it.
	Slot, Bit int32
}

// NoNode stands for the number of a node, slot or bit that there is none of.
const NoNode = -1

// Slot is a text that comparisons ask for: a field with its argument, or all values
// of a field that has one for each index.
type Slot struct {
	predicate.Reader
	Scope predicate.Scope
	Bits  int // how many comparisons its index serves
	Index *text.Index
}

// Compile joins the conditions of all enabled rules. The rules must be checked
// (loader.Files) and must not change afterwards. An error is a *rule.Error.
func Compile(rules []*rule.Rule) (*Graph, error) {
	c := &compiler{
		graph:  &Graph{Exprs: map[rule.Expr]int32{}},
		nodeOf: map[string]int32{},
		slotOf: map[string]int32{},
		macros: map[*rule.Macro]int32{},
		clause: map[int32]clause{},
	}
	g := c.graph
	for _, r := range rules {
		if !r.Enabled {
			continue
		}
		root, err := c.expr(r.Condition)
		if err != nil {
			return nil, &rule.Error{Pos: r.Condition.Position(), Rule: r.Name, Err: fmt.Errorf("compile condition: %w", err)}
		}
		g.Rules = append(g.Rules, Rule{Rule: r, Root: root})
		g.Needs |= outputNeeds(r.Output)
	}
	c.dispatch()
	return g, nil
}

func outputNeeds(t *rule.Template) (needs field.Needs) {
	if t == nil {
		return 0
	}
	for i := range t.Parts {
		if f := t.Parts[i].Field.Field; f != nil {
			needs |= f.Needs
		}
	}
	return needs
}

// compiler makes a Graph.
type compiler struct {
	graph  *Graph
	nodeOf map[string]int32 // by key: equal parts are one node
	slotOf map[string]int32 // by key of a reference: equal texts have one slot
	macros map[*rule.Macro]int32
	clause map[int32]clause // of nodes for which it was worked out
}

// expr compiles a part of a condition and returns its node.
func (c *compiler) expr(e rule.Expr) (int32, error) {
	id, err := c.build(e)
	if err == nil {
		c.graph.Exprs[e] = id
	}
	return id, err
}

func (c *compiler) build(e rule.Expr) (int32, error) {
	switch e := e.(type) {
	case *rule.And:
		return c.join(And, e.Parts...)
	case *rule.Or:
		return c.join(Or, e.Parts...)
	case *rule.Not:
		return c.join(Not, e.X)
	case *rule.MacroRef:
		return c.macro(e)
	case *rule.Comparison:
		return c.comparison(e)
	case *rule.Exists:
		return c.predicate(predicate.ExistsKey(&e.Field), &e.Field, func() (*predicate.Predicate, error) { return predicate.Exists(&e.Field) })
	}
	return 0, fmt.Errorf("part of a condition of type %T", e)
}

// join compiles the parts of and, or and not.
func (c *compiler) join(kind Kind, parts ...rule.Expr) (int32, error) {
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
func (c *compiler) joined(kind Kind, kids []int32) int32 {
	n := Node{Kind: kind, Kids: kids, Scope: predicate.PerImage, Slot: NoNode}
	for _, id := range kids {
		n.Scope = max(n.Scope, c.graph.Nodes[id].Scope)
	}
	n.Effort = c.arrange(kind, kids)
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

func (c *compiler) comparison(e *rule.Comparison) (int32, error) {
	return c.predicate(predicate.Key(e), &e.Field, func() (*predicate.Predicate, error) { return predicate.Compare(e) })
}

// predicate adds a comparison or exists, once for all that are equal.
func (c *compiler) predicate(key string, ref *rule.FieldRef, compile func() (*predicate.Predicate, error)) (int32, error) {
	if id, ok := c.nodeOf[key]; ok {
		return id, nil
	}
	p, err := compile()
	if err != nil {
		return 0, err
	}
	c.graph.Needs |= p.Needs()
	return c.add(key, Node{Kind: Comparison, Scope: p.Scope, Pred: p, Effort: p.Effort(), Slot: c.slot(p, ref)}), nil
}

// slot returns the slot by way of which a comparison reads its text, NoNode for one
// that does not.
func (c *compiler) slot(p *predicate.Predicate, ref *rule.FieldRef) int32 {
	if !p.IsText() || p.Each && (p.Invert || p.Text.Open) { // asked value by value
		return NoNode
	}
	key := predicate.RefKey(ref)
	i, ok := c.slotOf[key]
	if !ok {
		i = int32(len(c.graph.Slots))
		c.slotOf[key] = i
		c.graph.Slots = append(c.graph.Slots, Slot{Reader: p.Reader, Scope: p.Scope})
	}
	return i
}

// add returns the node with this key, a new one if there is none.
func (c *compiler) add(key string, n Node) int32 {
	if id, ok := c.nodeOf[key]; ok {
		return id
	}
	id := int32(len(c.graph.Nodes))
	n.Bit = NoNode
	c.graph.Nodes = append(c.graph.Nodes, n)
	c.nodeOf[key] = id
	return id
}
