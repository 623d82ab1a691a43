package rule

import (
	"fmt"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

// Rule says what is suspicious and how to report it.
type Rule struct {
	Pos       Pos // of the item
	Name      string
	Desc      string
	Condition Expr
	Output    *Template
	Priority  Priority
	Source    string // syscall
	Enabled   bool
	Tags      []string
	// Types are the event types that can make the condition true, worked out
	// from it by the checker: it cannot be true for others. None if it can never
	// match, as a warning says.
	Types []event.Type
}

// Macro is a named condition.
type Macro struct {
	Pos  Pos
	Name string
	Expr Expr
}

// List is a named list of literals. Items that name another list are expanded
// by the loader.
type List struct {
	Pos   Pos
	Name  string
	Items []Literal
}

// Set is what a load of rule files made: rules in the order of the files, a
// replaced one where the first of its name was.
type Set struct {
	Rules    []*Rule           // also those that are not enabled
	Macros   map[string]*Macro // those that can be used
	Lists    map[string]*List
	Warnings []*Error // what works but is probably not meant
}

// Priority is Falco's severity. Smaller is more severe.
type Priority uint8

// The priorities.
const (
	PriorityEmergency Priority = iota
	PriorityAlert
	PriorityCritical
	PriorityError
	PriorityWarning
	PriorityNotice
	PriorityInformational
	PriorityDebug
)

var Priorities = [...]string{"Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"}

// String returns the name that Falco's output uses.
func (p Priority) String() string {
	if int(p) < len(Priorities) {
		return Priorities[p]
	}
	return fmt.Sprintf("Priority(%d)", p)
}

// ParsePriority reads a priority in any case; Info is Informational.
func ParsePriority(s string) (Priority, error) {
	if strings.EqualFold(s, "info") {
		return PriorityInformational, nil
	}
	for i, name := range Priorities {
		if strings.EqualFold(s, name) {
			return Priority(i), nil
		}
	}
	return 0, fmt.Errorf("unknown priority %q: use one of %s", s, strings.Join(Priorities[:], ", "))
}
