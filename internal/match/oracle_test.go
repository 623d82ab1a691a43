package match

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// oracle evaluates a condition as it is written, part by part, for each name:
// no graph, no memory, no compiled literals.
func oracle(e rule.Expr, ev *event.Event) result {
	best := isFalse
	for i := range max(ev.Names(), 1) {
		ev.SelectName(i)
		best = max(best, walkTree(e, ev))
	}
	ev.SelectName(0)
	return best
}

func walkTree(e rule.Expr, ev *event.Event) result {
	switch e := e.(type) {
	case *rule.And:
		r := isTrue
		for _, p := range e.Parts {
			r = min(r, walkTree(p, ev))
		}
		return r
	case *rule.Or:
		r := isFalse
		for _, p := range e.Parts {
			r = max(r, walkTree(p, ev))
		}
		return r
	case *rule.Not:
		return isTrue + isFalse - walkTree(e.X, ev)
	case *rule.MacroRef:
		return walkTree(e.Macro.Expr, ev)
	case *rule.Exists:
		return overValues(&e.Field, ev, nil)
	case *rule.Comparison:
		if len(e.Field.Field.Sides()) > 0 && e.Op == rule.OpNe {
			equal := *e
			equal.Op = rule.OpEq
			if overValues(&e.Field, ev, nil) != isTrue {
				return isFalse
			}
			return isTrue + isFalse - walkTree(&equal, ev)
		}
		return overValues(&e.Field, ev, func(v event.Value) bool { return plainCompare(e, v) })
	}
	panic("unknown part")
}

// overValues is the best result over all values of a field.
func overValues(ref *rule.FieldRef, ev *event.Event, holds func(event.Value) bool) result {
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
	best := isFalse
	for _, v := range values {
		switch {
		case v.Presence() == event.Pending:
			best = max(best, isPending)
		case v.IsPresent() && (holds == nil || holds(v)), v.Presence() == event.Unreadable && holds == nil:
			best = isTrue
		}
	}
	return best
}

// plainCompare is true when the operator holds for one literal, or, for !=, for
// none that is equal.
func plainCompare(c *rule.Comparison, v event.Value) bool {
	if c.Op == rule.OpNe {
		equal := *c
		equal.Op = rule.OpEq
		return !plainCompare(&equal, v)
	}
	if v.Type() == event.TypeList {
		hits := 0
		for _, s := range v.List() {
			if slices.ContainsFunc(c.Values, func(l rule.Literal) bool { return l.Text == s }) {
				hits++
			}
		}
		return hits > 0 && (c.Op == rule.OpIntersects || hits == len(v.List()))
	}
	return slices.ContainsFunc(c.Values, func(l rule.Literal) bool {
		if v.Type() != event.TypeString {
			return plainNumber(c.Op, v, l)
		}
		texts := []string{l.Text}
		if c.Field.Field.Path {
			texts = append(texts, plainAliases(c.Op, l.Text)...)
		}
		return slices.ContainsFunc(texts, func(s string) bool { return plainText(c.Op, v.Str(), s) })
	})
}

// plainAliases are the other names of a path by one link, either way where the
// operator looks from the path's beginning.
func plainAliases(op rule.Op, path string) []string {
	var list []string
	inside := op == rule.OpContains || op == rule.OpIContains || op == rule.OpEndsWith
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

func plainNumber(op rule.Op, v event.Value, l rule.Literal) bool {
	if v.Type() == event.TypeIP {
		return l.Net.Contains(v.Addr())
	}
	order := 0
	switch a, b := v, l.Value; {
	case v.Type() == event.TypeInt && a.Int() < b.Int(), v.Type() != event.TypeInt && a.Uint() < b.Uint():
		order = -1
	case a.Uint() != b.Uint():
		order = 1
	}
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
	case rule.OpContains:
		return strings.Contains(s, literal)
	case rule.OpIContains:
		return strings.Contains(strings.ToLower(s), strings.ToLower(literal))
	case rule.OpStartsWith:
		return strings.HasPrefix(s, literal)
	case rule.OpEndsWith:
		return strings.HasSuffix(s, literal)
	case rule.OpGlob:
		return plainGlob(literal, s)
	case rule.OpPMatch:
		want, have := strings.Split(literal, "/"), strings.Split(s, "/")
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
	return s == literal
}

// plainSets are the sets of a pattern that mean the same in a regular expression:
// letters, digits and classes.
var plainSets = regexp.MustCompile(`\[[!^]?(\[:(alnum|alpha|blank|cntrl|digit|graph|lower|print|punct|space|upper|xdigit):\]|[a-zA-Z0-9_.,])+\]`)

// plainGlob is glob by way of a regular expression, for patterns without
// backslashes and without brackets but for plainSets.
func plainGlob(pattern, s string) bool {
	var re strings.Builder
	plain := func(part string) {
		part = regexp.QuoteMeta(part)
		part = strings.ReplaceAll(part, `\*`, `.*`)
		re.WriteString(strings.ReplaceAll(part, `\?`, `.`))
	}
	end := 0
	for _, set := range plainSets.FindAllStringIndex(pattern, -1) {
		plain(pattern[end:set[0]])
		end = set[1]
		re.WriteString(strings.Replace(pattern[set[0]:end], "[!", "[^", 1))
	}
	plain(pattern[end:])
	return regexp.MustCompile(`(?s)\A(?:` + re.String() + `)\z`).MatchString(s)
}

// pick returns one of a list.
func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// randomCheck writes a comparison.
func randomCheck(r *rand.Rand) string {
	name := func() string { return pick(r, "bash", "sshd", "nginx", "cron") }
	path := func() string {
		return pick(r, "/etc", "/etc/shadow", "/bin", "/bin/bash", "/usr/bin/bash", "/data/x", "/var/run/a", "/run/a", "/run", "/usr/bin", "/tmp")
	}
	switch r.IntN(16) {
	case 0:
		return "evt.type " + pick(r, "= openat", "in (openat, connect)", "!= execve")
	case 1:
		return "proc.name " + pick(r, "=", "!=", "contains", "startswith", "endswith", "icontains") + " " + name()
	case 2:
		return pick(r, "fd.name", "fd.directory", "proc.exepath", "fs.path.name") + " " +
			pick(r, "=", "!=", "startswith", "endswith", "contains") + " " + path()
	case 3:
		return pick(r, "fd.name", "proc.exepath") + " pmatch (" + path() + ", " + path() + ")"
	case 4:
		return pick(r, "fd.name", "proc.exepath") + " glob \"" + pick(r, "/etc/*", "*/b?sh", "/*/*", "?etc*") + "\""
	case 5:
		return pick(r, "proc.aname", "proc.aname[1]", "proc.aname[2]") + pick(r, " = ", " != ", " endswith ") + name()
	case 6:
		return pick(r, "proc.aname", "proc.pname") + " in (" + name() + ", " + name() + ")"
	case 7:
		return "fd.num " + pick(r, "<", "<=", ">", ">=", "=", "!=") + pick(r, " 3", " -1", " 4")
	case 8:
		return pick(r, "fd.ip", "fd.rip", "fd.lip") + pick(r, " = 10.0.0.5", " != 10.0.0.5", " in (1.2.3.4, 10.0.0.5)")
	case 9:
		return pick(r, "fd.net", "fd.rnet") + pick(r, " = \"10.0.0.0/8\"", " != \"1.0.0.0/8\"", " in (\"1.0.0.0/8\", \"2.0.0.0/8\")")
	case 10:
		return pick(r, "fd.port", "fd.sport") + pick(r, " = 443", " != 443", " in (80, 443)", " > 1024")
	case 11:
		return "fd.types " + pick(r, "in", "intersects") + pick(r, " (pipe)", " (pipe, file)", " (ipv4)")
	case 12:
		return "test.kind " + pick(r, "exists", "= present", "!= present")
	case 13:
		return pick(r, "fd.name", "fd.sip", "proc.aname[2]", "proc.aname", "fd.ip") + " exists"
	case 14:
		return pick(r, "evt.is_open_read", "evt.is_open_write") + pick(r, " = true", " != true")
	}
	return "m" + pick(r, "0", "1", "2")
}

// randomCondition writes a condition.
func randomCondition(r *rand.Rand, depth int) string {
	if depth == 0 || r.IntN(4) == 0 {
		return randomCheck(r)
	}
	switch r.IntN(3) {
	case 0:
		return "not (" + randomCondition(r, depth-1) + ")"
	case 1:
		return "(" + randomCondition(r, depth-1) + " and " + randomCondition(r, depth-1) + ")"
	}
	return "(" + randomCondition(r, depth-1) + " or " + randomCondition(r, depth-1) + ")"
}

// randomImage makes a process and its lineage.
func randomImage(r *rand.Rand) *event.Image {
	names := []string{"bash", "sshd", "nginx", "cron", "BASHful"}
	lineage := make([]string, 1+r.IntN(4))
	for i := range lineage {
		lineage[i] = pick(r, names...)
	}
	return image(lineage...)
}

// randomEvent makes an event of an image.
func randomEvent(r *rand.Rand, im *event.Image) *event.Event {
	path := func() string {
		return pick(r, "/etc/shadow", "/usr/bin/bash", "/bin/bash", "/opt/bin/bash", "/data/x", "/run/a", "/var/run/a", "/tmp/bash", "/")
	}
	var ev *event.Event
	switch r.IntN(5) {
	case 0:
		ev = connectedTo(pick(r, "1.2.3.4:443", "10.1.1.1:80", "9.9.9.9:5000"), im)
	case 1:
		ev = executed(im)
	case 2:
		ev = with(event.Event{Type: event.Unlink, Path: event.Path{HasGiven: true, Given: []byte(path())}}, im)
	case 3:
		ev = opened(1, path(), path(), im)
	default:
		ev = opened(pick(r, uint64(0), 1, 2), path(), pick(r, "", path()), im)
		if r.IntN(3) == 0 {
			ev.Result, ev.Path.Resolved = -2, event.Components{}
		}
		ev.Path.GivenUnread = r.IntN(8) == 0
	}
	ev.CPU = uint16(r.IntN(4))
	return ev
}

// seeds is how many sets of rules TestMatchesOracle tries.
var seeds = flag.Uint64("seeds", 5, "number of random sets of rules to compare with the reference")

// The compiled set and the plain walk agree, whatever the rules and events.
func TestMatchesOracle(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { compareWithOracle(t, rand.New(rand.NewPCG(20, seed)), 100, 60) })
	}
}

// compareWithOracle compares one matcher with the reference.
func compareWithOracle(t *testing.T, r *rand.Rand, rules, events int) {
	list := randomRules(t, r, rules)
	m := compile(t, list).NewMatcher()
	fired := 0
	var images []*event.Image // each has several events, whose results it shares
	for range events {
		if len(images) == 0 || r.IntN(3) == 0 {
			images = append(images, randomImage(r))
		}
		ev := randomEvent(r, pick(r, images...))
		want := map[string]bool{}
		for _, x := range list {
			if oracle(x.Condition, ev) == isTrue {
				want[x.Name] = true
			}
		}
		for _, h := range m.Match(ev) {
			if !want[h.Rule.Name] {
				t.Fatalf("%s fired for %s: %s", h.Rule.Name, ev.Type, h.Rule.Condition)
			}
			if len(h.Conditions) == 0 {
				t.Errorf("%s fired without a condition: %s", h.Rule.Name, h.Rule.Condition)
			}
			delete(want, h.Rule.Name)
			fired++
		}
		for name := range want {
			i := slices.IndexFunc(list, func(x *rule.Rule) bool { return x.Name == name })
			t.Fatalf("%s did not fire for %s (types %v): %s", name, ev.Type, list[i].Types, list[i].Condition)
		}
	}
	if fired < rules*events/10 {
		t.Errorf("%d hits of %d pairs: the events are too far from the rules", fired, rules*events)
	}
}

// randomRules makes n rules and the macros that they name.
func randomRules(t *testing.T, r *rand.Rand, n int) []*rule.Rule {
	var b strings.Builder
	for i, body := range []string{randomCondition(r, 0), "m0 or " + randomCondition(r, 1), "m0 and m1"} {
		if i == 0 {
			body = "proc.name = bash"
		}
		if i == 1 {
			body = strings.ReplaceAll(body, "m1", "m0") // no circles
		}
		b.WriteString("- macro: m" + string(rune('0'+i)) + "\n  condition: >\n    " + strings.ReplaceAll(body, "m2", "m0") + "\n")
	}
	for i := range n {
		b.WriteString(item("r"+string(rune('a'+i%26))+strings.Repeat("x", i/26), randomCondition(r, 4)))
	}
	list := load(t, b.String())
	if len(list) != n {
		t.Fatalf("%d rules, want %d", len(list), n)
	}
	return list
}
