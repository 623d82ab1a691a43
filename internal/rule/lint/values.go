package lint

import (
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

// Warn reports what was found.
type Warn func(pos rule.Pos, code rule.Code, hint, format string, args ...any)

// Linter looks at comparisons whose names were resolved. It remembers the lists
// that it looked at.
type Linter struct {
	cat    *field.Catalogue
	work   *int // name comparisons left for suggestions
	linted map[lintKey]bool
	words  map[string][]string // by field
}

// New makes a linter of one load.
func New(cat *field.Catalogue, work *int) *Linter {
	return &Linter{cat: cat, work: work, linted: map[lintKey]bool{}, words: map[string][]string{}}
}

// Comparison warns of values that a field cannot have, and of those that say
// nothing, or in another way than they could.
func (l *Linter) Comparison(e *rule.Comparison, warn Warn) {
	if t := e.Field.Field.Type; t != event.TypeString && t != event.TypeList || len(e.Values) == 0 {
		return
	}
	key := lintKey{&e.Values[0], len(e.Values), e.Field.Name + " " + e.Field.Arg.Name, e.Op}
	if l.linted[key] {
		return
	}
	l.linted[key] = true
	v := values{Linter: l, e: e, words: l.fieldWords(e.Field.Name), warn: warn}
	for i := range e.Values {
		v.value(&e.Values[i])
	}
}

// fieldWords returns the words that a field can have.
func (l *Linter) fieldWords(name string) []string {
	words, ok := l.words[name]
	if !ok {
		words = field.Words(name)
		l.words[name] = words
	}
	return words
}

// values looks at the values of one comparison.
type values struct {
	*Linter
	e     *rule.Comparison
	words []string
	warn  Warn
}

// value looks at a value: what is wrong with it is said once.
func (l *values) value(v *rule.Literal) {
	op, name := l.e.Op, l.e.Field.Name
	switch {
	case v.Text == "" && isPart(op):
		l.warn(v.Pos, rule.CodeAlwaysTrue, "", "%s %s \"\" is true for every value", l.e.Field.Text, op)
	case v.Text == "" || op == rule.OpBContains || op == rule.OpBStartsWith:
	case op == rule.OpRegex:
		l.simpler(v)
	case op == rule.OpGlob && !strings.ContainsAny(v.Text, `*?[\`):
		l.warn(v.Pos, rule.CodeSimplerOperator, fmt.Sprintf("write %s = %s", l.e.Field.Text, quoted(v.Text)),
			"the pattern has no * or ?, so that it stands for itself")
	case v.Text == "<NA>":
		l.notAvailable(v)
	case l.misused(v):
	case op == rule.OpGlob || op == rule.OpIGlob:
		l.link(v)
	case isOrder(op):
		l.order(v)
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

func isPart(op rule.Op) bool {
	switch op {
	case rule.OpContains, rule.OpIContains, rule.OpStartsWith, rule.OpEndsWith, rule.OpBContains, rule.OpBStartsWith:
		return true
	}
	return false
}

func isOrder(op rule.Op) bool { return op >= rule.OpLt && op <= rule.OpGe }

// fits tells whether a known word makes the comparison true.
func (l *values) fits(text, known string) bool {
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
func (l *values) word(v *rule.Literal) {
	if l.e.Field.Name == "evt.res" && v.Text[0] == '-' {
		return // an error without a name
	}
	if slices.ContainsFunc(l.words, func(known string) bool { return l.fits(v.Text, known) }) {
		return
	}
	l.warn(v.Pos, rule.CodeImpossibleValue, suggest.DidYouMean(v.Text, l.words, l.work), "%s is never %q", l.e.Field.Text, v.Text)
}

// part looks at one of several words in a value. What has no name is a number
// behind the prefix.
func (l *values) part(v *rule.Literal, what, word, prefix string, known []string) {
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
	l.warn(v.Pos, rule.CodeImpossibleValue, suggest.DidYouMean(word, known, l.work), "unknown %s %s: it never matches", what, word)
}

// commFields hold what the kernel keeps of the name of a process.
var commFields = []string{"proc.name", "proc.pname", "proc.aname", "proc.sname", "proc.pgid.name", "proc.vpgid.name"}

const maxComm = 15

// comm looks at the name of a process.
func (l *values) comm(v *rule.Literal) {
	if len(v.Text) <= maxComm || l.e.Op == rule.OpPMatch {
		return
	}
	hint := ""
	if op := l.e.Op; op != rule.OpContains && op != rule.OpIContains && op != rule.OpEndsWith {
		hint = fmt.Sprintf("did you mean %s?", strings.ToValidUTF8(v.Text[:maxComm], ""))
	}
	l.warn(v.Pos, rule.CodeImpossibleValue, hint, "%s has %d bytes, and the kernel keeps %d of the name of a process: it never matches", v.Text, len(v.Text), maxComm)
}

// path looks at the path of a file.
func (l *values) path(v *rule.Literal) {
	op, name, text := l.e.Op, l.e.Field.Text, v.Text
	whole := op == rule.OpEq || op == rule.OpNe || op == rule.OpIn || op == rule.OpIntersects
	switch {
	case strings.ContainsAny(text, "*?") && (whole || op == rule.OpStartsWith || op == rule.OpEndsWith):
		l.warn(v.Pos, rule.CodeImpossibleValue, fmt.Sprintf("did you mean %s glob \"%s\"?", name, text), "%s takes %q as it stands, and not as a pattern", op, text)
	case (op == rule.OpPMatch || op == rule.OpStartsWith) && text[0] != '/' && l.looksLikePath(text):
		l.warn(v.Pos, rule.CodeImpossibleValue, fmt.Sprintf("did you mean /%s?", strings.TrimLeft(text, "./")), "%s is no absolute path, and %s has absolute ones", text, name)
	case l.e.Field.Name == "fd.directory" && len(text) > 1 && text[len(text)-1] == '/' && (whole || op == rule.OpEndsWith):
		l.warn(v.Pos, rule.CodeImpossibleValue, fmt.Sprintf("did you mean %s?", strings.TrimRight(text, "/")), "fd.directory never ends in /, as %s does", text)
	default:
		l.link(v)
	}
}

// looksLikePath tells a relative path from other names that files have: the
// ends of a connection, pipe:[1], (unreachable), and .../ of a path that was cut.
func (l *values) looksLikePath(text string) bool {
	rest := strings.TrimPrefix(strings.TrimPrefix(text, "."), "./")
	if rest == "" || !syntax.IsWordByte(rest[0]) || rest[0] == '.' || strings.Contains(text, ":") {
		return false
	}
	mixed := l.e.Field.Name == "fd.name" || strings.HasPrefix(l.e.Field.Name, "proc.std")
	return !mixed || strings.Contains(text, "/") || l.e.Op == rule.OpPMatch
}
