package match

import (
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/match/predicate"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// oracle evaluates a condition as it is written, part by part, for each name:
// no graph, no memory, no compiled literals.
func oracle(e rule.Expr, ev *event.Event) predicate.Result {
	best := predicate.False
	for i := range max(ev.Names(), 1) {
		ev.SelectName(i)
		best = max(best, walkTree(e, ev))
	}
	ev.SelectName(0)
	return best
}

func walkTree(e rule.Expr, ev *event.Event) predicate.Result {
	switch e := e.(type) {
	case *rule.And:
		r := predicate.True
		for _, p := range e.Parts {
			r = min(r, walkTree(p, ev))
		}
		return r
	case *rule.Or:
		r := predicate.False
		for _, p := range e.Parts {
			r = max(r, walkTree(p, ev))
		}
		return r
	case *rule.Not:
		return predicate.True + predicate.False - walkTree(e.X, ev)
	case *rule.MacroRef:
		return walkTree(e.Macro.Expr, ev)
	case *rule.Exists:
		r := predicate.False
		for _, v := range plainValues(&e.Field, ev) {
			r = max(r, map[event.Presence]predicate.Result{event.Absent: predicate.False, event.Unreadable: predicate.True, event.Present: predicate.True, event.Pending: predicate.Pending}[v.Presence()])
		}
		return r
	case *rule.Comparison:
		return plainLeaf(e, ev)
	}
	panic("unknown part")
}

// plainValues lists the values of a field.
func plainValues(ref *rule.FieldRef, ev *event.Event) []event.Value {
	var values []event.Value
	switch f := ref.Field; {
	case len(f.Sides()) > 0:
		for _, side := range f.Sides() {
			values = append(values, side.Get(ev, ref.Arg))
		}
	case f.Arg == field.OptionalIndex && !ref.Arg.Given:
		for i := f.First; f.Get(ev, field.Arg{Given: true, Index: i}).Presence() != event.Absent; i++ {
			values = append(values, f.Get(ev, field.Arg{Given: true, Index: i}))
		}
	default:
		values = append(values, f.Get(ev, ref.Arg))
	}
	return values
}

// known leaves out the values that are as good as not there.
func known(values []event.Value) []event.Value {
	return slices.DeleteFunc(values, func(v event.Value) bool {
		return v.Presence() == event.Absent || v.Presence() == event.Unreadable
	})
}

// plainLeaf is the result of a comparison: of all values for != of a field with two
// sides, of any otherwise; false if there are none.
func plainLeaf(c *rule.Comparison, ev *event.Event) predicate.Result {
	var results []predicate.Result
	for _, v := range known(plainValues(&c.Field, ev)) {
		switch {
		case c.Right != nil:
			var pairs []predicate.Result
			for _, w := range known(plainValues(c.Right, ev)) {
				if v.IsPresent() && w.IsPresent() {
					pairs = append(pairs, predicate.Truth(plainPair(c.Op, v, w)))
				} else {
					pairs = append(pairs, predicate.Pending)
				}
			}
			results = append(results, combine(pairs, c.Op == rule.OpNe && len(c.Right.Field.Sides()) > 0))
		case !v.IsPresent():
			results = append(results, predicate.Pending)
		default:
			results = append(results, predicate.Truth(plainCompare(c, v)))
		}
	}
	return combine(results, c.Op == rule.OpNe && len(c.Field.Field.Sides()) > 0)
}

func combine(results []predicate.Result, all bool) predicate.Result {
	switch {
	case len(results) == 0:
		return predicate.False
	case all:
		return slices.Min(results)
	}
	return slices.Max(results)
}

// plainCompare counts the literals for which the operator holds.
func plainCompare(c *rule.Comparison, v event.Value) bool {
	if v.Type() == event.TypeList {
		hits := 0
		for _, s := range v.List() {
			if slices.ContainsFunc(c.Values, func(l rule.Literal) bool { return l.Text == s }) {
				hits++
			}
		}
		return hits > 0 && (c.Op == rule.OpIntersects || hits == len(v.List()))
	}
	n := 0
	for _, l := range c.Values {
		if plainHolds(c, v, l) {
			n++
		}
	}
	switch c.Quant {
	case rule.QuantOneOf:
		return n == 1
	case rule.QuantAllOf:
		return n > 0 && n == len(c.Values)
	}
	return n > 0
}

// plainHolds compares a value with one literal.
func plainHolds(c *rule.Comparison, v event.Value, l rule.Literal) bool {
	switch {
	case c.Op == rule.OpNe:
		equal := *c
		equal.Op = rule.OpEq
		return !plainHolds(&equal, v, l)
	case v.Type() == event.TypeIP:
		return l.Net.Contains(v.Addr())
	case v.Type() != event.TypeString:
		return plainOrder(c.Op, plainNumber(v, l.Value))
	case c.Op == rule.OpBContains || c.Op == rule.OpBStartsWith:
		b, err := hex.DecodeString(l.Text)
		if err != nil {
			panic(err)
		}
		return plainText(c.Op, v.Str(), string(b))
	}
	texts := []string{l.Text}
	if c.Field.Field.Path {
		texts = append(texts, plainAliases(c.Op, l.Text)...)
	}
	return slices.ContainsFunc(texts, func(s string) bool { return plainText(c.Op, v.Str(), s) })
}

// plainPair compares two values.
func plainPair(op rule.Op, a, b event.Value) bool {
	elements := func(v event.Value) []string {
		if v.Type() == event.TypeList {
			return v.List()
		}
		return []string{v.Str()}
	}
	switch {
	case op == rule.OpNe:
		return !plainPair(rule.OpEq, a, b)
	case a.Type() == event.TypeList || b.Type() == event.TypeList:
		shared := 0
		for _, s := range elements(a) {
			if slices.Contains(elements(b), s) {
				shared++
			}
		}
		return shared > 0 && (op == rule.OpIntersects || shared == len(elements(a)))
	case a.Type() == event.TypeString:
		return plainText(op, a.Str(), b.Str())
	case a.Type() == event.TypeIP:
		return a.Addr() == b.Addr()
	}
	return plainOrder(op, plainNumber(a, b))
}

// plainAliases are the other names of a path by one link, either way where the
// operator looks from the path's beginning.
func plainAliases(op rule.Op, path string) []string {
	var list []string
	inside := op == rule.OpContains || op == rule.OpIContains || op == rule.OpEndsWith
	switch op {
	case rule.OpRegex, rule.OpLt, rule.OpLe, rule.OpGt, rule.OpGe:
		return nil
	}
	for _, pair := range []string{"/bin /usr/bin", "/sbin /usr/sbin", "/lib /usr/lib", "/var/run /run", "/var/lock /run/lock"} {
		link, target, _ := strings.Cut(pair, " ")
		if strings.HasPrefix(path+"/", link+"/") {
			list = append(list, target+path[len(link):])
		}
		if !inside && strings.HasPrefix(path+"/", target+"/") {
			list = append(list, link+path[len(target):])
		}
	}
	return list
}

// plainNumber is the order of two numbers, of which a signed one may be negative.
func plainNumber(a, b event.Value) int {
	float := func(v event.Value) float64 {
		if v.Type() == event.TypeInt {
			return float64(v.Int())
		}
		return float64(v.Uint())
	}
	x, y := float(a), float(b) // small numbers
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func plainOrder(op rule.Op, order int) bool {
	switch op {
	case rule.OpLt:
		return order < 0
	case rule.OpLe:
		return order <= 0
	case rule.OpGt:
		return order > 0
	case rule.OpGe:
		return order >= 0
	}
	return order == 0
}

func plainText(op rule.Op, s, literal string) bool {
	switch op {
	case rule.OpContains, rule.OpBContains:
		return strings.Contains(s, literal)
	case rule.OpIContains:
		return strings.Contains(strings.ToLower(s), strings.ToLower(literal))
	case rule.OpStartsWith, rule.OpBStartsWith:
		return strings.HasPrefix(s, literal)
	case rule.OpEndsWith:
		return strings.HasSuffix(s, literal)
	case rule.OpGlob:
		return plainGlob(literal, s)
	case rule.OpIGlob:
		return plainGlob(strings.ToLower(literal), strings.ToLower(s))
	case rule.OpRegex:
		return expression(`\A(?m:` + literal + `)\z`).MatchString(s)
	case rule.OpPMatch:
		return plainPath(literal, s)
	case rule.OpLt, rule.OpLe, rule.OpGt, rule.OpGe:
		return plainOrder(op, strings.Compare(s, literal))
	}
	return s == literal
}

// plainPath compares paths component by component.
func plainPath(path, s string) bool {
	slash := func(r rune) bool { return r == '/' }
	want, have := strings.FieldsFunc(path, slash), strings.FieldsFunc(s, slash)
	if len(want) > len(have) {
		return false
	}
	for i := range want {
		if !plainGlob(want[i], have[i]) {
			return false
		}
	}
	return true
}

// expressions keeps what was compiled, since that is all that takes time.
var expressions = map[string]*regexp.Regexp{}

func expression(pattern string) *regexp.Regexp {
	if expressions[pattern] == nil {
		expressions[pattern] = regexp.MustCompile(pattern)
	}
	return expressions[pattern]
}

// plainGlob is glob by way of a regular expression, for patterns without
// backslashes and with sets of letters alone.
func plainGlob(pattern, s string) bool {
	var re strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			re.WriteString(`.*`)
		case '?':
			re.WriteString(`.`)
		case '[':
			end := i + strings.IndexByte(pattern[i:], ']')
			re.WriteString(strings.Replace(pattern[i:end+1], "[!", "[^", 1))
			i = end
		default:
			re.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return expression(`(?s)\A` + re.String() + `\z`).MatchString(s)
}
