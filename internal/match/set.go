package match

import (
	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/match/graph"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// Set is the compiled form of rules. It never changes and may be shared.
type Set struct{ graph *graph.Graph }

// Compile joins the conditions of all enabled rules. The rules must be checked
// (loader.Files) and must not change afterwards. An error is a *rule.Error.
func Compile(rules []*rule.Rule) (*Set, error) {
	g, err := graph.Compile(rules)
	if err != nil {
		return nil, err
	}
	return &Set{g}, nil
}

// Types returns the event types that can make some rule true, in order. The
// slice is shared.
func (s *Set) Types() []event.Type { return s.graph.Types }

// Needs returns what conditions and outputs need.
func (s *Set) Needs() field.Needs { return s.graph.Needs }

// Len returns the number of rules.
func (s *Set) Len() int { return len(s.graph.Rules) }

// String lists the compiled set, for people who look into it.
func (s *Set) String() string { return s.graph.String() }
