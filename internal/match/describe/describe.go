package describe

import (
	"fmt"
	"slices"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/match/graph"
	"github.com/goshawk-security/goshawk/internal/match/predicate"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// Description is what becomes of a rule's condition.
type Description struct {
	Rule  string   `json:"rule"`
	File  string   `json:"file"`
	Line  int      `json:"line"`
	Types []string `json:"types"` // what the kernel has to watch for it
	// Cost is a guess at nanoseconds for an event of these types whose condition is
	// looked at, by the kinds of its comparisons and their order; see predicate.Effort.
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

// Rule describes the rule with a name or an id, whether it is enabled or not. Of
// several with one name it is the first.
func Rule(rules []*rule.Rule, name string) (*Description, error) {
	i := slices.IndexFunc(rules, func(r *rule.Rule) bool { return r.ID() == name })
	if i < 0 {
		i = slices.IndexFunc(rules, func(r *rule.Rule) bool { return r.Name == name })
	}
	if i < 0 {
		return nil, fmt.Errorf("no rule %q", name)
	}
	r := *rules[i]
	r.Enabled = true
	g, err := graph.Compile([]*rule.Rule{&r})
	if err != nil {
		return nil, err
	}
	d := describer{graph: g, seen: map[*rule.Macro]bool{}}
	desc := &Description{Rule: r.ID(), File: r.Pos.File, Line: r.Pos.Line, Types: typeNames(g.Types), Left: d.left(), Condition: d.explain(r.Condition)}
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

// describer describes the one rule of a graph.
type describer struct {
	graph *graph.Graph
	seen  map[*rule.Macro]bool
}

// left lists what types leave open, those of which the same is left together.
func (d *describer) left() []Left {
	var list []Left
	byRoot := map[int32]int{}
	for _, t := range d.graph.Types {
		for _, to := range d.graph.ByType[t].Targets {
			i, ok := byRoot[to.Root]
			if !ok {
				i = len(list)
				byRoot[to.Root] = i
				list = append(list, d.leftOf(&to))
			}
			list[i].Types = append(list[i].Types, t.String())
		}
	}
	return list
}

func (d *describer) leftOf(to *graph.Target) Left {
	l := Left{Condition: d.graph.Text(to.Root), Cost: float64(d.graph.Nodes[to.Root].Effort.Cost), Once: len(to.Needs)+len(to.Image) > 0}
	for _, id := range to.Needs {
		l.Needs = append(l.Needs, d.graph.Text(id))
		l.Once = l.Once && d.graph.Nodes[id].Scope == predicate.PerImage
	}
	return l
}

func (d *describer) explain(e rule.Expr) *Explanation {
	pos, n := e.Position(), &d.graph.Nodes[d.graph.Exprs[e]]
	x := &Explanation{File: pos.File, Line: pos.Line, Col: pos.Col, Depends: n.Scope.String(), Cost: float64(n.Effort.Cost)}
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
		x.Kind, x.Text, x.Kernel, x.Aliases = "comparison", e.String(), n.Pred.Kernel().String(), n.Pred.Aliases()
		if n.Pred.IsConstant() || n.Pred.Field.Undelivered != "" {
			x.Depends = "nothing"
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
