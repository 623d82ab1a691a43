package check

import (
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/verdict"
)

// Input is what a loader read and Run checks.
type Input struct {
	*rule.Problems
	Catalogue *field.Catalogue
	Rules     []*Draft // in the order of their first definition
	Macros    map[string]*rule.Macro
	Lists     map[string]*rule.List
	Order     []string // macros in the order of their first definition
	Files     int      // that were read

	// What a later item of the same file replaces, and macros that only change
	// another: not used, but checked.
	Replaced  []*Draft
	OldMacros []*rule.Macro
	Unread    map[*rule.Macro]string // conditions with mistakes of grammar

	Work  *int // name comparisons left for suggestions
	Space int  // literals that expanding lists may make; 0 for MaxSpace

	// Outer is the scope that this one stands on: Macros and Lists have its names
	// too, as far as they are not hidden by others. nil if there is none.
	Outer *Scope
}

// Draft is a rule being made.
type Draft struct {
	*rule.Rule
	Foreign     bool   // of a source that is not there: not checked, not kept
	NoTypeWarn  bool   // warn_evttypes: false
	SkipUnknown bool   // skip-if-unknown-filter
	Skipped     bool   // for that reason, which Run finds out
	Unread      string // the condition, if it has mistakes of grammar
	// Narrows says that this is no rule, but a case that is taken away from a rule of
	// the outer scope. Its condition begins with a reference to a macro that stands
	// for that rule: Macro is set and has the rule's condition.
	Narrows bool
}

// MaxSpace bounds the literals that expanding lists may make in one load.
const MaxSpace = 500_000

// Scope is what was found out of macros, lists and rules, for what stands on them.
// It never changes.
type Scope struct {
	macros map[*rule.Macro]*macroState
	lists  map[*rule.List]bool
	said   map[rule.Expr]verdict.Verdict
}

// macro returns what is known of a macro of the scope, the caller's own; nil if it is
// of another.
func (s *Scope) macro(m *rule.Macro) *macroState {
	if s == nil || s.macros[m] == nil {
		return nil
	}
	known := s.macros[m]
	return &macroState{done: true, depth: known.depth, sets: known.sets}
}

// has tells a list of the scope.
func (s *Scope) has(l *rule.List) bool { return s != nil && s.lists[l] }

// Run resolves the names in an input, checks every condition and output, works
// out the event types of the rules, and adds what is wrong to its problems. It takes
// out of Macros what cannot be used, and returns what others can stand on.
func Run(in *Input) *Scope {
	if in.Space == 0 {
		in.Space = MaxSpace
	}
	s := &space{in: in, left: in.Space, used: map[*rule.List]bool{}}
	s.expandLists()
	c := newChecker(in, s)
	c.run()
	return c.scope()
}
