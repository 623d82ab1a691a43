package match

import (
	"fmt"
	"slices"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// Description is what becomes of a rule's condition: for authors, and as JSON.
type Description struct {
	Rule  string   `json:"rule"`
	File  string   `json:"file"`
	Line  int      `json:"line"`
	Types []string `json:"types"` // what the kernel has to watch for it
	// Cost is a guess at nanoseconds for an event of these types whose condition is
	// looked at, by the kinds of its comparisons and their order; see effort.
	Cost      float64      `json:"cost_ns"`
	Left      []Left       `json:"left"`
	Condition *Explanation `json:"condition"`
}

// Left is what events of some types leave open: the rest of the condition was
// decided when rules were compiled.
type Left struct {
	Types     []string `json:"types"`
	Condition string   `json:"condition"` // "" if nothing is left: each of them is a hit
	// Needs are the comparisons of which one must be true before the condition is
	// looked at; none if it is looked at for every event.
	Needs []string `json:"needs,omitempty"`
	// Once says that the program decides Needs, or, without them, a part of the
	// condition: it is not looked at for the events of others.
	Once bool    `json:"once_per_program"`
	Cost float64 `json:"cost_ns"`
}

// Explanation is a part of a condition.
type Explanation struct {
	Kind string `json:"kind"` // and, or, not, macro, comparison
	Text string `json:"text"` // a macro's name, a comparison as written
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
	// Depends says what has to change for the result to: nothing (the type decides),
	// image, event or name.
	Depends string `json:"depends"`
	// Kernel says by what the kernel could decide a comparison, as field.KernelTest
	// does; "" for other parts.
	Kernel  string   `json:"kernel,omitempty"`
	Aliases []string `json:"aliases,omitempty"` // other names that literals stand for
	Cost    float64  `json:"cost_ns"`
	// Above says that the macro was explained before and Parts are left out.
	Above bool           `json:"above,omitempty"`
	Parts []*Explanation `json:"parts,omitempty"`
}

// Describe explains the rule with a name, whether it is enabled or not.
func Describe(rules []*rule.Rule, name string) (*Description, error) {
	i := slices.IndexFunc(rules, func(r *rule.Rule) bool { return r.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("no rule %q", name)
	}
	r := *rules[i]
	r.Enabled = true
	c := newCompiler()
	s, err := c.compile([]*rule.Rule{&r})
	if err != nil {
		return nil, err
	}
	d := describer{compiler: c, set: s, seen: map[*rule.Macro]bool{}}
	desc := &Description{Rule: r.Name, File: r.Pos.File, Line: r.Pos.Line, Types: typeNames(s.types), Left: d.left(), Condition: d.explain(r.Condition)}
	for _, l := range desc.Left {
		desc.Cost = max(desc.Cost, l.Cost)
	}
	return desc, nil
}

func typeNames(types []event.Type) []string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.String()
	}
	return names
}

// describer describes the one rule of a set.
type describer struct {
	compiler *compiler
	set      *Set
	seen     map[*rule.Macro]bool
}

// left lists what types leave open, those of which the same is left together.
func (d *describer) left() []Left {
	var list []Left
	byRoot := map[int32]int{}
	for _, t := range d.set.types {
		for _, to := range d.set.byType[t].targets {
			i, ok := byRoot[to.root]
			if !ok {
				i = len(list)
				byRoot[to.root] = i
				l := Left{Condition: d.set.text(to.root), Cost: float64(d.set.nodes[to.root].effort.cost)}
				needs := d.compiler.clauseOf(to.root).preds
				l.Once = len(needs) > 0 || len(to.image) > 0
				for _, id := range needs {
					l.Needs = append(l.Needs, d.set.text(id))
					l.Once = l.Once && d.set.nodes[id].scope == perImage
				}
				list = append(list, l)
			}
			list[i].Types = append(list[i].Types, t.String())
		}
	}
	return list
}

func (d *describer) explain(e rule.Expr) *Explanation {
	pos, n := e.Position(), &d.set.nodes[d.set.exprs[e]]
	x := &Explanation{File: pos.File, Line: pos.Line, Col: pos.Col, Depends: n.scope.String(), Cost: float64(n.effort.cost)}
	switch e := e.(type) {
	case *rule.And:
		x.Kind, x.Parts = "and", d.explainAll(e.Parts)
	case *rule.Or:
		x.Kind, x.Parts = "or", d.explainAll(e.Parts)
	case *rule.Not:
		x.Kind, x.Parts = "not", d.explainAll([]rule.Expr{e.X})
	case *rule.MacroRef:
		x.Kind, x.Text, x.Above = "macro", e.Name, d.seen[e.Macro]
		if !x.Above {
			d.seen[e.Macro] = true
			x.Parts = d.explainAll([]rule.Expr{e.Macro.Expr})
		}
	default:
		x.Kind, x.Text, x.Kernel = "comparison", e.String(), n.pred.kernel().String()
		if n.pred.isConstant() {
			x.Depends = "nothing"
		}
		if c := n.pred.source; c != nil && c.Right == nil && n.pred.field.Path {
			x.Aliases = aliases(c)
		}
	}
	return x
}

func (d *describer) explainAll(parts []rule.Expr) []*Explanation {
	var list []*Explanation
	for _, p := range parts {
		list = append(list, d.explain(p))
	}
	return list
}

// aliases lists the other names that the literals of a path stand for.
func aliases(c *rule.Comparison) []string {
	var list []string
	for _, l := range c.Values {
		for _, s := range spellings(c.Op, l.Text) {
			if s != l.Text && !slices.Contains(list, s) {
				list = append(list, s)
			}
		}
	}
	return list
}

// String names a scope by what has to change for a result to.
func (s scope) String() string { return [...]string{"image", "event", "name"}[s] }

// isConstant tells that the type of an event decides the predicate.
func (p *pred) isConstant() bool {
	return p.field.OfType && (p.right == nil || p.right.field.OfType) || p.field.Undelivered != ""
}

// kernel says by what the kernel could decide the predicate.
func (p *pred) kernel() field.KernelTest {
	if p.right != nil && !p.isConstant() {
		if p.scope == perImage {
			return field.KernelProcess
		}
		return field.NotInKernel
	}
	return p.field.InKernel()
}
