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

// lintKey names values that were looked at for a field and an operator: lists
// that many comparisons share are looked at once.
type lintKey struct {
	first *rule.Literal
	n     int
	field string
	op    rule.Op
}

// lint warns of values that a field cannot have, and of those that say nothing.
func (c *checker) lint(e *rule.Comparison) {
	if t := e.Field.Field.Type; t != event.TypeString && t != event.TypeList || len(e.Values) == 0 {
		return
	}
	key := lintKey{&e.Values[0], len(e.Values), e.Field.Name + " " + e.Field.Arg.Name, e.Op}
	if c.linted[key] {
		return
	}
	c.linted[key] = true
	l := linter{checker: c, e: e, words: c.fieldWords(e.Field.Name)}
	for i := range e.Values {
		l.value(&e.Values[i])
	}
}

// fieldWords returns the words that a field can have.
func (c *checker) fieldWords(name string) []string {
	words, ok := c.words[name]
	if !ok {
		words = field.Words(name)
		c.words[name] = words
	}
	return words
}

// linter looks at the values of one comparison.
type linter struct {
	*checker
	e     *rule.Comparison
	words []string
}

// warnOf warns of a value.
func (l *linter) warnOf(v *rule.Literal, hint, format string, args ...any) {
	e := l.at(v.Pos, fmt.Errorf(format, args...))
	e.Hint = hint
	l.caution(e)
}

func (l *linter) value(v *rule.Literal) {
	op, name := l.e.Op, l.e.Field.Name
	switch {
	case v.Text == "" && (op == rule.OpContains || op == rule.OpIContains || op == rule.OpStartsWith || op == rule.OpEndsWith):
		l.warnOf(v, "", "%s %s \"\" is true for every value", l.e.Field.Text, op)
	case v.Text == "" || op == rule.OpGlob:
	case l.words != nil:
		l.word(v)
	case strings.HasPrefix(name, "thread.cap_"):
		for _, word := range strings.Fields(v.Text) {
			l.part(v, "capability", word, "CAP_", field.Capabilities())
		}
	case name == "evt.arg" && l.e.Field.Arg.Name == "flags":
		for _, word := range strings.Split(v.Text, "|") {
			if strings.HasPrefix(word, "O_") {
				l.part(v, "flag", word, "O_", field.OpenFlags())
			}
		}
	case slices.Contains(commFields, name):
		l.comm(v)
	case l.e.Field.Field.Path:
		l.path(v)
	}
}

// fits tells whether a known word makes the comparison true.
func (l *linter) fits(text, known string) bool {
	switch l.e.Op {
	case rule.OpContains:
		return strings.Contains(known, text)
	case rule.OpIContains:
		return strings.Contains(strings.ToLower(known), strings.ToLower(text))
	case rule.OpStartsWith:
		return strings.HasPrefix(known, text)
	case rule.OpEndsWith:
		return strings.HasSuffix(known, text)
	}
	return known == text
}

// word looks at a value of a field of words.
func (l *linter) word(v *rule.Literal) {
	if l.e.Field.Name == "evt.res" && v.Text[0] == '-' {
		return // an error without a name
	}
	if slices.ContainsFunc(l.words, func(known string) bool { return l.fits(v.Text, known) }) {
		return
	}
	l.warnOf(v, suggest.DidYouMean(v.Text, l.words, l.Work), "%s is never %q", l.e.Field.Text, v.Text)
}

// part looks at one of several words in a value. What has no name is a number
// behind the prefix.
func (l *linter) part(v *rule.Literal, what, word, prefix string, known []string) {
	op := l.e.Op
	if op == rule.OpIContains {
		word = strings.ToUpper(word)
	}
	if rest, ok := strings.CutPrefix(word, prefix); ok && strings.Trim(rest, "0123456789") == "" {
		return
	}
	whole := op == rule.OpEq || op == rule.OpNe || op == rule.OpIn || op == rule.OpIntersects
	if slices.ContainsFunc(known, func(k string) bool { return k == word || !whole && strings.Contains(k, word) }) {
		return
	}
	l.warnOf(v, suggest.DidYouMean(word, known, l.Work), "unknown %s %s: it never matches", what, word)
}

// commFields hold what the kernel keeps of the name of a process.
var commFields = []string{"proc.name", "proc.pname", "proc.aname", "proc.sname", "proc.pgid.name", "proc.vpgid.name"}

const maxComm = 15

// comm looks at the name of a process.
func (l *linter) comm(v *rule.Literal) {
	if len(v.Text) <= maxComm || l.e.Op == rule.OpPMatch {
		return
	}
	hint := ""
	if op := l.e.Op; op != rule.OpContains && op != rule.OpIContains && op != rule.OpEndsWith {
		hint = fmt.Sprintf("did you mean %s?", strings.ToValidUTF8(v.Text[:maxComm], ""))
	}
	l.warnOf(v, hint, "%s has %d bytes, and the kernel keeps %d of the name of a process: it never matches", v.Text, len(v.Text), maxComm)
}

// path looks at the path of a file.
func (l *linter) path(v *rule.Literal) {
	op, name, text := l.e.Op, l.e.Field.Text, v.Text
	whole := op == rule.OpEq || op == rule.OpNe || op == rule.OpIn || op == rule.OpIntersects
	switch {
	case strings.ContainsAny(text, "*?") && (whole || op == rule.OpStartsWith || op == rule.OpEndsWith):
		l.warnOf(v, fmt.Sprintf("did you mean %s glob \"%s\"?", name, text), "%s takes %q as it stands, and not as a pattern", op, text)
	case (op == rule.OpPMatch || op == rule.OpStartsWith) && text[0] != '/' && l.looksLikePath(text):
		l.warnOf(v, fmt.Sprintf("did you mean /%s?", strings.TrimLeft(text, "./")), "%s is no absolute path, and %s has absolute ones", text, name)
	case l.e.Field.Name == "fd.directory" && len(text) > 1 && text[len(text)-1] == '/' && (whole || op == rule.OpEndsWith):
		l.warnOf(v, fmt.Sprintf("did you mean %s?", strings.TrimRight(text, "/")), "fd.directory never ends in /, as %s does", text)
	}
}

// looksLikePath tells a relative path from other names that files have: the
// ends of a connection, pipe:[1], (unreachable), and .../ of a path that was cut.
func (l *linter) looksLikePath(text string) bool {
	rest := strings.TrimPrefix(strings.TrimPrefix(text, "."), "./")
	if rest == "" || !syntax.IsWordByte(rest[0]) || rest[0] == '.' || strings.Contains(text, ":") {
		return false
	}
	mixed := l.e.Field.Name == "fd.name" || strings.HasPrefix(l.e.Field.Name, "proc.std")
	return !mixed || strings.Contains(text, "/") || l.e.Op == rule.OpPMatch
}

// empty warns of a list that is written and has nothing in it. One that has a
// name is for others to fill.
func (c *checker) empty(e *rule.Comparison) {
	if e.Op.TakesList() && len(e.Values) == 0 {
		c.caution(c.at(e.Pos, fmt.Errorf("the list is empty: %s is never true", rule.OneLine(e.Text))))
	}
}

// hasParam warns of a parameter that no event of these types has.
func (c *checker) hasParam(f *rule.FieldRef, ctx typeSet) {
	name := f.Arg.Name
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		return // by position
	}
	var known []string
	for _, t := range ctx.types() {
		known = append(known, c.params[t]...)
		for _, a := range t.Info().Args {
			known = append(known, a.Name)
		}
	}
	if slices.Contains(known, name) {
		return
	}
	where := "of " + ctx.names() + " "
	if ctx == allTypes {
		where = ""
	}
	w := c.at(f.Pos, fmt.Errorf("no event %shas a parameter %s: the comparison is always false here", where, name))
	w.Hint = suggest.DidYouMean(name, known, c.Work)
	c.caution(w)
}

// pathFields are fields that name files, each for events of other types.
var pathFields = []string{"fd.name", "fs.path.name", "fs.path.source", "fs.path.target"}

// insteadOf suggests a field for one that no event of these types has.
func (c *checker) insteadOf(f *rule.FieldRef, ctx typeSet) string {
	class := strings.HasPrefix(f.Name, "fs.path.") || strings.HasPrefix(f.Name, "fd.name") || f.Name == "fd.directory" || f.Name == "fd.filename"
	if !class || *c.Work <= 0 {
		return ""
	}
	*c.Work -= len(pathFields)
	var use []string
	for _, name := range pathFields {
		if row := c.Catalogue.Find(name); row != nil && row.Types != nil && ctx.and(setOf(row.Types)) == ctx {
			use = append(use, name)
		}
	}
	execs := setOf([]event.Type{event.Execve, event.Execveat})
	if row := c.Catalogue.Find("proc.exepath"); row != nil && ctx.and(execs) == ctx {
		use = append(use, row.Name)
	}
	if len(use) == 0 {
		return ""
	}
	return "use " + strings.Join(use, " or ")
}

// neverMatches says why a condition can never match.
func (c *checker) neverMatches(e rule.Expr) error {
	if why := c.reason(e); why != "" {
		return errors.New("the condition can never match: " + why)
	}
	return errors.New("the condition can never match")
}

// reason finds the part that no event can make true, beside those before it.
func (c *checker) reason(e rule.Expr) string {
	switch e := e.(type) {
	case *rule.And:
		ctx := allTypes
		for _, p := range e.Parts {
			yes := c.said[p].yes
			switch {
			case yes == typeSet{}:
				return c.reason(p)
			case ctx.and(yes) == typeSet{}:
				return fmt.Sprintf("%s needs an event of %s, and what stands before it one of %s", short(p.String()), yes.names(), ctx.names())
			}
			ctx = ctx.and(yes)
		}
		return ""
	case *rule.Or:
		return "none of the parts of the or can be true"
	case *rule.MacroRef:
		if why := c.reason(e.Macro.Expr); why != "" {
			return fmt.Sprintf("in macro %s, %s", e.Name, why)
		}
		return ""
	}
	return short(e.String()) + " is never true"
}

// short cuts a long text for a message.
func short(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
