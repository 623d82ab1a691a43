package check

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/suggest"
	"github.com/goshawk-security/goshawk/internal/rule/syntax"
)

// checker resolves the names in conditions and outputs and holds them against
// the catalogue. A macro is checked once, however often it is used.
type checker struct {
	*Input
	space *space
	macro map[*rule.Macro]*macroState
	lits  map[sharedKey][]rule.Literal
	open  []*rule.Macro // from a rule's macro to the one at work
	said  map[rule.Expr]verdict

	linted map[lintKey]bool
	words  map[string][]string // by field
	params [event.TypeCount][]string

	macroNames, listNames []string // to suggest

	// Where mistakes and cautions go, and whose they are.
	report, caution func(*rule.Error)
	kind, name      string
	broken          bool // the rule at work has a mistake, or a macro of it
}

// macroState is what is known of a macro.
type macroState struct {
	done     bool
	depth    int // macros below it
	sets     verdict
	mistakes bool
}

// sharedKey names a list converted to a type. Comparisons that have nothing but
// that list share it.
type sharedKey struct {
	list *rule.List
	kind event.ValueType
}

func newChecker(in *Input, s *space) *checker {
	return &checker{
		Input:      in,
		space:      s,
		macro:      map[*rule.Macro]*macroState{},
		lits:       map[sharedKey][]rule.Literal{},
		said:       map[rule.Expr]verdict{},
		linted:     map[lintKey]bool{},
		words:      map[string][]string{},
		params:     field.Params(),
		macroNames: sortedKeys(in.Macros),
		listNames:  sortedKeys(in.Lists),
	}
}

// run checks the rules, then the macros that no rule uses. Those may name what
// is not there, as in Falco: that is a warning.
func (c *checker) run() {
	c.report, c.caution = c.Fail, c.Warn
	for _, d := range c.Rules {
		if !d.Foreign {
			c.rule(d)
		}
	}
	c.unused()
}

// unused checks what no rule uses, and takes away what cannot be used.
func (c *checker) unused() {
	// What only rules of other sources use cannot be checked here.
	c.report = func(*rule.Error) {}
	c.caution = c.report
	for _, d := range c.Rules {
		if d.Foreign && d.Condition != nil {
			c.expr(d.Condition)
		}
	}
	unusable := map[string]bool{}
	for name, m := range c.Macros {
		if s := c.macro[m]; s != nil && s.mistakes {
			unusable[name] = true
		}
	}
	c.report, c.caution = c.Warn, c.Warn
	for _, d := range c.Replaced {
		if !d.Foreign {
			c.rule(d)
		}
	}
	for _, m := range c.OldMacros {
		c.checkMacro(m)
	}
	for _, name := range c.Order {
		if s := c.checkMacro(c.Macros[name]); s.mistakes {
			unusable[name] = true
		}
	}
	for name := range unusable {
		delete(c.Macros, name) // an error was reported, or no rule uses it
	}
}

// rule checks one rule and works out its types.
func (c *checker) rule(d *Draft) {
	c.kind, c.name, c.broken = "", d.Name, false
	if d.Output != nil {
		for i := range d.Output.Parts {
			if f := &d.Output.Parts[i].Field; f.Text != "" {
				c.field(f)
			}
		}
	}
	if d.Condition == nil {
		return // reported
	}
	v := c.expr(d.Condition)
	if d.Unread != "" {
		c.named(d.Unread)
		return
	}
	if c.broken {
		return // what is said of the types would mislead
	}
	d.Types = v.yes.types()
	switch {
	case v.yes == (typeSet{}):
		c.Warn(c.at(d.Condition.Position(), c.neverMatches(d.Condition)))
	case v.yes == allTypes && !d.NoTypeWarn:
		e := c.at(d.Condition.Position(), errors.New("no event type restricts the condition: it is tried on every event"))
		e.Hint = "begin it with evt.type in (...)"
		c.Warn(e)
	}
	c.context(d.Condition, allTypes, false)
}

// at makes an error of what is being checked.
func (c *checker) at(pos rule.Pos, err error) *rule.Error {
	return &rule.Error{Pos: pos, Kind: c.kind, Rule: c.name, Err: err}
}

// wrong reports a mistake.
func (c *checker) wrong(pos rule.Pos, hint string, err error) {
	e := c.at(pos, err)
	e.Hint = hint
	c.report(e)
	if len(c.open) > 0 {
		c.macro[c.open[len(c.open)-1]].mistakes = true
	} else {
		c.broken = true
	}
}

// expr checks a condition and returns for which event types it may be true,
// and for which false. What it said of each part is kept.
func (c *checker) expr(e rule.Expr) verdict {
	v := c.judge(e)
	c.said[e] = v
	return v
}

func (c *checker) judge(e rule.Expr) verdict {
	switch e := e.(type) {
	case *rule.And:
		v := always
		for _, p := range e.Parts {
			v = v.and(c.expr(p))
		}
		return v
	case *rule.Or:
		v := never
		for _, p := range e.Parts {
			v = v.or(c.expr(p))
		}
		return v
	case *rule.Not:
		return c.expr(e.X).not()
	case *rule.MacroRef:
		return c.macroRef(e)
	case *rule.Exists:
		if !c.field(&e.Field) {
			return maybe
		}
		return existsVerdict(&e.Field)
	case *rule.Comparison:
		return c.comparison(e)
	}
	return maybe
}

// macroRef resolves a macro's name.
func (c *checker) macroRef(e *rule.MacroRef) verdict {
	m := c.Macros[e.Name]
	if m == nil {
		hint := ""
		if c.Lists[e.Name] != nil {
			hint = "there is a list of this name: use it behind in"
		} else {
			hint = suggest.DidYouMean(e.Name, c.macroNames, c.Work)
		}
		if hint == "" && c.Files == 1 {
			hint = "if another file defines it, name that file first"
		}
		c.wrong(e.Pos, hint, fmt.Errorf("%w %s", rule.ErrUnknownMacro, e.Name))
		return maybe
	}
	switch i := slices.Index(c.open, m); {
	case i >= 0:
		var names []string
		for _, m := range c.open[i:] {
			names = append(names, m.Name)
		}
		c.wrong(e.Pos, "", fmt.Errorf("macros name each other in a circle: %s", circleText(names)))
		return maybe
	case len(c.open) >= rule.MaxDepth:
		c.wrong(e.Pos, "", fmt.Errorf("macros are nested more than %d deep", rule.MaxDepth))
		return maybe
	}
	e.Macro = m
	s := c.checkMacro(m)
	if len(c.open) == 0 {
		c.broken = c.broken || s.mistakes
	} else {
		outer := c.macro[c.open[len(c.open)-1]]
		outer.depth = max(outer.depth, s.depth+1)
		outer.mistakes = outer.mistakes || s.mistakes
		if outer.depth > rule.MaxDepth {
			c.wrong(e.Pos, "", fmt.Errorf("macros are nested more than %d deep", rule.MaxDepth))
		}
	}
	return s.sets
}

// checkMacro checks a macro unless that was done.
func (c *checker) checkMacro(m *rule.Macro) *macroState {
	s := c.macro[m]
	if s == nil {
		s = &macroState{sets: maybe}
		c.macro[m] = s
	}
	if s.done || m.Expr == nil {
		s.mistakes = s.mistakes || m.Expr == nil
		return s
	}
	s.done = true
	kind, name := c.kind, c.name
	c.kind, c.name = rule.KindMacro, m.Name
	c.open = append(c.open, m)
	s.sets = c.expr(m.Expr)
	if text := c.Unread[m]; text != "" {
		s.mistakes = true
		c.named(text)
	}
	c.open = c.open[:len(c.open)-1]
	if !s.mistakes {
		c.context(m.Expr, allTypes, false)
	}
	c.kind, c.name = kind, name
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
	row := c.find(f)
	if row == nil {
		c.wrong(f.Pos, c.fieldHint(f), fmt.Errorf("%w %s", rule.ErrUnknownField, f.Name))
		return false
	}
	hint, err := resolveArg(f, row)
	if err != nil {
		c.wrong(f.Pos, hint, err)
		return false
	}
	f.Name, f.Field = row.Name, row
	return true
}

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
