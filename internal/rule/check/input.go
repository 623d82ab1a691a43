package check

import (
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
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

	Work *int // name comparisons left for suggestions
}

// Draft is a rule being made.
type Draft struct {
	*rule.Rule
	Foreign     bool   // of a source that is not there: not checked, not kept
	NoTypeWarn  bool   // warn_evttypes: false
	SkipUnknown bool   // skip-if-unknown-filter
	Skipped     bool   // for that reason, which Run finds out
	Unread      string // the condition, if it has mistakes of grammar
}

// maxSpace bounds the literals that expanding lists may make in one load.
const maxSpace = 500_000

// Run resolves the names in an input, checks every condition and output, works
// out the event types of the rules, and adds what is wrong to its problems. It takes
// out of Macros what cannot be used.
func Run(in *Input) {
	s := &space{in: in, left: maxSpace, used: map[*rule.List]bool{}}
	s.expandLists()
	newChecker(in, s).run()
}
