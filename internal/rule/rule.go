package rule

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
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
	// Exceptions are the named exceptions, in order. Condition has them already.
	Exceptions []Exception
	// Namespace and Set name the rule set of a namespace that the rule is in: it is
	// true for that namespace alone, as its condition says. Both are empty for a rule
	// that holds everywhere.
	Namespace, Set string
}

// ID names the rule among all that are loaded. A rule set of a namespace may have
// rules of the same names as others: its own are told apart by where they are from.
func (r *Rule) ID() string {
	if r.Namespace == "" {
		return r.Name
	}
	return r.Namespace + "/" + r.Set + "/" + r.Name
}

// Exception is a named case in which a rule is not true.
type Exception struct {
	Pos    Pos
	Name   string
	Fields []string
	Values int  // values or tuples that it has, also from other files
	Expr   Expr // true for the case; nil without values
	// Namespace is the one that alone the exception holds for: its rule set added it
	// to a rule that holds everywhere. It is empty for others.
	Namespace string
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
	Files    []File   // that were read, also if they could not be loaded
}

// File is a text that a set was made of.
type File struct {
	Name      string // as errors name it
	Text      string
	Namespace string // of a rule set of a namespace
}

// Text returns the text of a file, "" if it was not read.
func (s *Set) Text(name string) string {
	for i := range s.Files {
		if s.Files[i].Name == name {
			return s.Files[i].Text
		}
	}
	return ""
}

// Hash names the content of all files in their order, in hexadecimal: two sets
// with the same hash were made of the same texts. Names of files do not count, those
// of namespaces and of their rule sets do.
func (s *Set) Hash() string {
	h := sha256.New()
	for i := range s.Files {
		if f := &s.Files[i]; f.Namespace != "" {
			fmt.Fprintf(h, "%q %q ", f.Namespace, f.Name)
		}
		fmt.Fprintf(h, "%d\n", len(s.Files[i].Text))
		io.WriteString(h, s.Files[i].Text)
	}
	return hex.EncodeToString(h.Sum(nil))
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
