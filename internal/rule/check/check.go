package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/lint"
	"github.com/goshawk-security/goshawk/internal/rule/literal"
	"github.com/goshawk-security/goshawk/internal/rule/suggest"
	"github.com/goshawk-security/goshawk/internal/rule/syntax"
	"github.com/goshawk-security/goshawk/internal/rule/verdict"
)

// checker resolves the names in conditions and outputs and holds them against
// the catalogue. A macro is checked once, however often it is used.
type checker struct {
	*Input
	space  *space
	macro  map[*rule.Macro]*macroState
	shared map[sharedKey][]rule.Literal
	open   []*rule.Macro // from a rule's macro to the one at work
	said   map[rule.Expr]verdict.Verdict
	rows   map[string]*field.Field // of transformers, by their text
	calls  int                     // transformers around the one at work

	lint   *lint.Linter
	params [event.TypeCount][]string
	lits   literal.Reader

	usedMacro map[*rule.Macro]bool
	usedList  map[*rule.List]bool

	macroNames, listNames []string // to suggest

	// Where mistakes and cautions go, and whose they are.
	report     func(*rule.Error)
	hold       *[]*rule.Error
	kind, name string
	saidField  map[[3]string]bool // of whom, and which
	broken     bool               // the rule at work has a mistake, or a macro of it
	skipped    *rule.Error        // an unknown name in a macro of it
}

// macroState is what is known of a macro.
type macroState struct {
	done     bool
	depth    int // macros below it
	sets     verdict.Verdict
	mistakes bool
	unknown  *rule.Error // its mistake, if that is a name that another version may know
	held     []*rule.Error
	needed   bool // a rule that can match uses it
	idle     bool // a rule that can never match uses it
}

// sharedKey names a list converted to a type. Comparisons that have nothing but
// that list share it.
type sharedKey struct {
	list *rule.List
	kind event.ValueType
	form literal.Form
}

func newChecker(in *Input, s *space) *checker {
	return &checker{
		Input:      in,
		space:      s,
		macro:      map[*rule.Macro]*macroState{},
		shared:     map[sharedKey][]rule.Literal{},
		said:       map[rule.Expr]verdict.Verdict{},
		rows:       map[string]*field.Field{},
		lint:       lint.New(in.Catalogue, in.Work),
		usedMacro:  map[*rule.Macro]bool{},
		usedList:   s.used,
		saidField:  map[[3]string]bool{},
		params:     field.Params(),
		macroNames: sortedKeys(in.Macros),
		listNames:  sortedKeys(in.Lists),
	}
}

// at makes an error of what is being checked.
func (c *checker) at(pos rule.Pos, code rule.Code, err error) *rule.Error {
	return &rule.Error{Code: code, Pos: pos, Kind: c.kind, Rule: c.name, Err: err}
}

// warn adds a warning of what is being checked.
func (c *checker) warn(pos rule.Pos, code rule.Code, hint, format string, args ...any) {
	e := c.at(pos, code, fmt.Errorf(format, args...))
	e.Hint = hint
	*c.hold = append(*c.hold, e)
}

// wrong reports a mistake.
func (c *checker) wrong(pos rule.Pos, code rule.Code, hint string, err error) {
	e := c.at(pos, code, err)
	e.Hint = hint
	c.report(e)
	if len(c.open) == 0 {
		c.broken = true
		return
	}
	s := c.macro[c.open[len(c.open)-1]]
	s.mistakes = true
	if s.unknown == nil && isUnknownName(code) {
		s.unknown = e
	}
}

// isUnknownName tells mistakes that skip-if-unknown-filter passes over.
func isUnknownName(code rule.Code) bool {
	return code == rule.CodeUnknownField || code == rule.CodeUnknownEventType
}

// expr checks a condition and returns for which event types it may be true,
// and for which false. What it said of each part is kept.
func (c *checker) expr(e rule.Expr) verdict.Verdict {
	v := c.judge(e)
	c.said[e] = v
	return v
}

// saidOf returns what was said of a part of a condition, here or in the outer scope.
func (c *checker) saidOf(e rule.Expr) verdict.Verdict {
	v, here := c.said[e]
	if !here && c.Outer != nil {
		v = c.Outer.said[e]
	}
	return v
}

// scope is what was found out.
func (c *checker) scope() *Scope {
	s := &Scope{macros: c.macro, lists: map[*rule.List]bool{}, said: c.said}
	for _, l := range c.Lists {
		s.lists[l] = true
	}
	return s
}

func (c *checker) judge(e rule.Expr) verdict.Verdict {
	switch e := e.(type) {
	case *rule.And:
		v := verdict.Always()
		for _, p := range e.Parts {
			v = v.And(c.expr(p))
		}
		return v
	case *rule.Or:
		v := verdict.Never()
		for _, p := range e.Parts {
			v = v.Or(c.expr(p))
		}
		return v
	case *rule.Not:
		return c.expr(e.X).Not()
	case *rule.MacroRef:
		return c.macroRef(e)
	case *rule.Exists:
		if !c.field(&e.Field) {
			return verdict.Maybe()
		}
		return verdict.Exists(&e.Field)
	case *rule.Comparison:
		return c.comparison(e)
	}
	return verdict.Maybe()
}

// macroRef resolves a macro's name.
func (c *checker) macroRef(e *rule.MacroRef) verdict.Verdict {
	if e.Macro != nil && c.Outer != nil { // it stands for a rule of the outer scope
		return c.saidOf(e.Macro.Expr)
	}
	m := c.Macros[e.Name]
	if m == nil {
		hint := ""
		if c.Lists[e.Name] != nil {
			hint = "there is a list of this name: use it behind in"
		} else {
			hint = suggest.DidYouMean(e.Name, c.macroNames, c.Work)
		}
		if hint == "" && c.Files == 1 && c.Outer == nil {
			hint = "if another file defines it, name that file first"
		}
		c.wrong(e.Pos, rule.CodeUnknownMacro, hint, fmt.Errorf("%w %s", rule.ErrUnknownMacro, e.Name))
		return verdict.Maybe()
	}
	switch i := slices.Index(c.open, m); {
	case i >= 0:
		var names []string
		for _, m := range c.open[i:] {
			names = append(names, m.Name)
		}
		c.wrong(e.Pos, rule.CodeCircle, "", fmt.Errorf("macros name each other in a circle: %s", circleText(names)))
		return verdict.Maybe()
	case len(c.open) >= rule.MaxDepth:
		c.wrong(e.Pos, rule.CodeTooLarge, "", fmt.Errorf("macros are nested more than %d deep", rule.MaxDepth))
		return verdict.Maybe()
	}
	e.Macro = m
	c.usedMacro[m] = true
	s := c.checkMacro(m)
	if len(c.open) == 0 {
		c.broken = c.broken || s.mistakes
		if c.skipped == nil {
			c.skipped = s.unknown
		}
	} else {
		outer := c.macro[c.open[len(c.open)-1]]
		if outer.unknown == nil {
			outer.unknown = s.unknown
		}
		outer.depth = max(outer.depth, s.depth+1)
		outer.mistakes = outer.mistakes || s.mistakes
		if outer.depth > rule.MaxDepth {
			c.wrong(e.Pos, rule.CodeTooLarge, "", fmt.Errorf("macros are nested more than %d deep", rule.MaxDepth))
		}
	}
	return s.sets
}

// checkMacro checks a macro unless that was done.
func (c *checker) checkMacro(m *rule.Macro) *macroState {
	s := c.macro[m]
	if s == nil {
		if s = c.Outer.macro(m); s == nil {
			s = &macroState{sets: verdict.Maybe()}
		}
		c.macro[m] = s
	}
	if s.done || m.Expr == nil {
		s.mistakes = s.mistakes || m.Expr == nil
		return s
	}
	s.done = true
	kind, name, hold := c.kind, c.name, c.hold
	c.kind, c.name, c.hold = rule.KindMacro, m.Name, &s.held
	c.open = append(c.open, m)
	s.sets = c.expr(m.Expr)
	if text := c.Unread[m]; text != "" {
		s.mistakes = true
		c.named(text)
	}
	c.open = c.open[:len(c.open)-1]
	if !s.mistakes {
		c.context(m.Expr, verdict.All(), false)
	}
	c.kind, c.name, c.hold = kind, name, hold
	return s
}

// named checks the macros that a condition names which could not be read to
// its end, so that their mistakes come out in the same run.
func (c *checker) named(text string) {
	if len(c.open) > rule.MaxDepth {
		return
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return r >= 128 || !syntax.IsWordByte(byte(r)) })
	slices.Sort(words)
	for _, word := range slices.Compact(words) {
		if m := c.Macros[word]; m != nil {
			c.checkMacro(m)
		}
	}
}

// field resolves a field's name and argument.
func (c *checker) field(f *rule.FieldRef) bool {
	if f.Call != nil {
		return c.call(f)
	}
	row := c.find(f)
	if row == nil {
		c.wrong(f.Pos, rule.CodeUnknownField, c.fieldHint(f), fmt.Errorf("%w %s", rule.ErrUnknownField, f.Name))
		return false
	}
	hint, err := resolveArg(f, row)
	if err != nil {
		c.wrong(f.Pos, rule.CodeBadArgument, hint, err)
		return false
	}
	f.Name, f.Field = row.Name, row
	c.delivered(f)
	return true
}

// maxFieldName is longer than the name of any field: a text of many dots would
// be looked up at each.
const maxFieldName = 128

// find returns the row of a field. evt.arg.name is the field evt.arg with the
// argument name.
func (c *checker) find(f *rule.FieldRef) *field.Field {
	if row := c.Catalogue.Find(f.Name); row != nil || f.Arg.Given {
		return row
	}
	for name := f.Name; ; {
		i := strings.LastIndexByte(name, '.')
		if i < 0 {
			return nil
		}
		name = name[:i]
		if len(name) > maxFieldName {
			continue
		}
		row := c.Catalogue.Find(name)
		if row != nil && (row.Arg == field.OptionalKey || row.Arg == field.RequiredKey) && f.Name[i+1:] != "" {
			f.Arg = field.Arg{Given: true, Name: f.Name[i+1:]}
			return row
		}
	}
}

func (c *checker) fieldHint(f *rule.FieldRef) string {
	if *c.Work <= 0 {
		return ""
	}
	rows := c.Catalogue.All()
	names := make([]string, len(rows))
	for i := range rows {
		names[i] = rows[i].Name
	}
	return suggest.DidYouMean(f.Name, names, c.Work)
}
