package match

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/match/predicate"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// sets is how many sets of rules TestMatchesOracle tries: 40 are a million pairs of
// a rule and an event.
var sets = flag.Uint64("sets", 40, "number of random sets of rules to compare with the reference")

// The compiled set and the plain walk agree, whatever the rules and events.
func TestMatchesOracle(t *testing.T) {
	pairs, fired, pending := 0, 0, 0
	for seed := range *sets {
		t.Run(fmt.Sprint("set=", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(20, seed))
			for _, rules := range []int{100, 10, 3, 3, 3} { // few, so that little stands in the way of what is left out
				c := newComparer(t, r, rules)
				for range 250 {
					c.next(t)
				}
				pairs, fired, pending = pairs+c.pairs, fired+c.fired, pending+c.pending
			}
		})
	}
	if fired < pairs/10 || pending < pairs/100 {
		t.Errorf("%d true and %d pending of %d pairs: the events are too far from the rules", fired, pending, pairs)
	}
	t.Logf("%d pairs, %d true, %d pending", pairs, fired, pending)
}

// FuzzMatch does the same with rules and events that the fuzzer chooses.
func FuzzMatch(f *testing.F) {
	f.Add([]byte("abc"), uint64(1))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		c := newComparer(t, rand.New(&choices{data, rand.NewPCG(1, seed)}), 10)
		for range 30 {
			c.next(t)
		}
	})
}

// choices is a source of random numbers whose first ones are given.
type choices struct {
	data []byte
	rest *rand.PCG
}

// Uint64 puts a byte where it decides.
func (c *choices) Uint64() uint64 {
	if len(c.data) == 0 {
		return c.rest.Uint64()
	}
	n := uint64(c.data[0])<<56 | 1<<55 - 1
	c.data = c.data[1:]
	return n
}

// comparer compares one matcher with the reference.
type comparer struct {
	r       *rand.Rand
	rules   []*rule.Rule
	matcher *Matcher
	images  []*event.Image // each has several events, whose results it shares
	most    int            // images

	seq uint64

	pairs, fired, pending int
}

func newComparer(t *testing.T, r *rand.Rand, rules int) *comparer {
	c := &comparer{r: r, rules: randomRules(t, r, rules), most: pick(r, 2, 5, 100)}
	if r.IntN(2) == 0 {
		widen(r, c.rules)
	}
	c.matcher = compile(t, c.rules).NewMatcher()
	return c
}

// next makes an event and compares.
func (c *comparer) next(t *testing.T) {
	t.Helper()
	if len(c.images) == 0 || len(c.images) < c.most && c.r.IntN(3) == 0 {
		c.images = append(c.images, randomImage(c.r))
	}
	ev := randomEvent(c.r, pick(c.r, c.images...))
	c.seq++
	ev.Seq = c.seq // until which values of the image are pending
	var want []string
	pending := 0
	for _, x := range c.rules {
		switch oracle(x.Condition, ev) {
		case predicate.True:
			want = append(want, x.Name)
		case predicate.Pending:
			if slices.Contains(x.Types, ev.Type) { // it cannot become true otherwise
				pending++
			}
		}
	}
	var got []string
	for _, h := range c.matcher.Match(ev) {
		got = append(got, h.Rule.Name)
		if len(h.Conditions) == 0 {
			t.Errorf("%s fired without a condition: %s", h.Rule.Name, h.Rule.Condition)
		}
	}
	for _, x := range c.rules {
		if want, got := slices.Contains(want, x.Name), slices.Contains(got, x.Name); got != want {
			t.Fatalf("%s (types %v): %v for %s %q, want %v\n%s", x.Name, x.Types, got, ev.Type, ev.Name().Text, want, x.Condition)
		}
	}
	if !slices.Equal(want, got) {
		t.Fatalf("order of rules: %v, want %v", got, want)
	}
	if c.matcher.Pending() != pending {
		t.Fatalf("%d rules are pending, want %d", c.matcher.Pending(), pending)
	}
	c.pairs, c.fired, c.pending = c.pairs+len(c.rules), c.fired+len(got), c.pending+pending
}

// pick returns one of a list.
func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

var (
	someNames = []string{"bash", "sshd", "nginx", "cron", "BASHful", "b", "ash", "sh -x", "openat"}
	somePaths = []string{"/etc", "/etc/shadow", "/bin", "/bin/bash", "/usr/bin/bash", "/data/x", "/var/run/a", "/run/a", "/run", "/usr/bin", "/tmp", "/", "/etc/", "bin"}
	someGlobs = []string{"/etc/*", "*/b?sh", "/*/*", "?etc*", "*sh", "b*", "*as*", "bash", "*[ab]*", "[!b]*", "*", "/usr/*/bash", "s*d"}
	someHex   = []string{"2f", "62617368", "2f657463", "736864"}
	someRegex = []string{"/etc/.*", ".*sh", ".*as.*", "b.*h", "(bash|sshd)", "(/usr)?/bin/ba?sh", "[a-z]+", "/[^/]*/[a-z]+", "b", ".*[0-9].*", "s(s|h)h?d", "^bash$"}
	textField = []string{"proc.name", "proc.pname", "proc.exepath", "fd.name", "fd.directory", "fd.filename", "fs.path.name", "proc.aname", "proc.aname[1]",
		"proc.cmdline", "test.kind", "test.image", "test.name", "test.many", "test.many[1]", "fd.nameraw", "evt.arg.flags", "toupper(proc.name)", "basename(fd.name)",
		"concat(proc.name, proc.pname)", `join("/", (proc.name, proc.pname))`}
)

// quoted writes one of a list in quotes.
func quoted(r *rand.Rand, list ...string) string { return `"` + pick(r, list...) + `"` }

// several writes a list of literals.
func several(r *rand.Rand, one func() string) string {
	list := make([]string, 1+r.IntN(3))
	if r.IntN(10) == 0 {
		list = make([]string, 12) // more than are walked
	}
	for i := range list {
		list[i] = one()
	}
	return "(" + strings.Join(list, ", ") + ")"
}

// randomText writes a comparison of a text.
func randomText(r *rand.Rand) string {
	op := pick(r, "=", "!=", "<", ">=", "contains", "icontains", "startswith", "endswith", "glob", "iglob", "regex", "bcontains", "bstartswith", "in", "intersects", "pmatch")
	one := func() string { return quoted(r, append(someNames, somePaths...)...) }
	switch op {
	case "glob", "iglob":
		one = func() string { return quoted(r, someGlobs...) }
	case "regex":
		one = func() string { return quoted(r, someRegex...) }
	case "bcontains", "bstartswith":
		one = func() string { return quoted(r, someHex...) }
	case "pmatch":
		one = func() string { return quoted(r, append(someGlobs, somePaths...)...) }
	}
	left := pick(r, textField...) + " " + op + " "
	switch op {
	case "in", "intersects", "pmatch":
		return left + several(r, one)
	case "<", ">=": // Falco's grammar has numbers alone on the right
		return pick(r, "proc.name", "fd.name", "test.kind") + " " + op + pick(r, " val(proc.name)", " val(proc.pname)", " tolower(fd.name)", " 5")
	}
	if r.IntN(4) == 0 {
		values := several(r, one)
		if op[0] != 'b' && r.IntN(2) == 0 { // so that comparisons differ in the quantifier alone
			left, values = pick(r, "proc.name", "fd.name")+" "+op+" ", `("b", "sh")`
		}
		return left + pick(r, "oneof ", "anyof ", "allof ") + values
	}
	return left + one()
}

// randomPair writes a comparison of a field with a field.
func randomPair(r *rand.Rand) string {
	texts := []string{"val(evt.type)", "val(proc.name)", "val(proc.pname)", "val(fd.name)", "val(proc.exepath)", "val(test.kind)", "val(test.name)", "tolower(proc.pname)", "basename(proc.exepath)", "val(fd.directory)"}
	switch r.IntN(5) {
	case 0:
		return pick(r, "fd.rip", "fd.lip", "fd.cip") + pick(r, " = ", " != ", " in ") + pick(r, "val(fd.sip)", "val(fd.cip)")
	case 1:
		return pick(r, "fd.num", "test.number", "proc.pid") + pick(r, " = ", " != ", " < ", " >= ") + pick(r, "val(test.number)", "val(proc.ppid)", "val(fd.num)")
	case 2:
		return pick(r, "fd.types", "test.list") + pick(r, " in ", " intersects ") + pick(r, "val(test.list)", "val(fd.types)")
	case 3:
		return pick(r, "evt.is_open_read", "evt.is_open_write") + pick(r, " = ", " != ") + pick(r, "val(evt.is_open_write)", "val(evt.failed)")
	}
	left := pick(r, "evt.type", "proc.name", "proc.pname", "fd.name", "test.kind", "toupper(proc.name)", "fd.filename", "proc.exepath")
	return left + " " + pick(r, "=", "!=", "contains", "icontains", "startswith", "endswith", "glob", "iglob", "in", "bcontains") + " " + pick(r, texts...)
}

// randomCheck writes a comparison.
func randomCheck(r *rand.Rand) string {
	switch r.IntN(16) {
	case 0:
		return "evt.type " + pick(r, "= openat", "in (openat, connect)", "!= execve")
	case 1:
		return pick(r, "fd.num", "test.number") + pick(r, " <", " <=", " >", " >=", " =", " !=") + pick(r, " 3", " -1", " 4")
	case 2:
		return pick(r, "fd.ip", "fd.rip", "fd.lip") + pick(r, " = 10.0.0.5", " != 10.0.0.5", " in (1.2.3.4, 10.0.0.5)", " != allof (1.2.3.4, 10.0.0.5)", " = oneof (10.0.0.5, 10.0.0.6)")
	case 3:
		return pick(r, "fd.net", "fd.rnet") + pick(r, ` = "10.0.0.0/8"`, ` != "1.0.0.0/8"`, ` in ("1.0.0.0/8", "2.0.0.0/8")`, ` = oneof ("10.0.0.0/8", "10.0.0.0/16")`)
	case 4:
		return pick(r, "fd.port", "fd.sport") + pick(r, " = 443", " != 443", " in (80, 443)", " > 1024", " in (1, 2, 3, 4, 5, 6, 7, 8, 9, 80)", " != anyof (80, 443)", " <= 80")
	case 5:
		return pick(r, "fd.types", "test.list") + pick(r, " in", " intersects") + pick(r, " (pipe)", " (pipe, file)", " (ipv4)", " (pipe, bash)")
	case 6:
		return pick(r, append(textField, "fd.sip", "fd.ip", "fd.num", "test.list", "test.number")...) + " exists"
	case 7:
		return pick(r, "evt.is_open_read", "evt.is_open_write") + pick(r, " = true", " != true", " in (true, false)")
	case 8, 9:
		return randomPair(r)
	case 10, 11:
		return "m" + pick(r, "0", "1", "2", "3")
	}
	return randomText(r)
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

// randomRules makes n rules and the macros that they name.
func randomRules(t *testing.T, r *rand.Rand, n int) []*rule.Rule {
	t.Helper()
	var b strings.Builder
	macros := []string{"proc.name = bash", "m0 or " + randomCondition(r, 1), "m0 and m1", "not m2 and " + randomCondition(r, 2)}
	for i, body := range macros {
		for later := i; later < len(macros); later++ { // no circles
			body = strings.ReplaceAll(body, fmt.Sprint("m", later), "m0")
		}
		if i == 0 {
			body = macros[0]
		}
		fmt.Fprintf(&b, "- macro: m%d\n  condition: >\n    %s\n", i, body)
	}
	for i := range n {
		b.WriteString(item(fmt.Sprint("r", i), randomCondition(r, 4)))
	}
	list := load(t, b.String())
	if len(list) != n {
		t.Fatalf("%d rules, want %d", len(list), n)
	}
	return list
}

// widen puts fields with several values on both sides of comparisons of fields,
// which rule files cannot have, and numbers of other types.
func widen(r *rand.Rand, rules []*rule.Rule) {
	rows := catalogue()
	other := map[event.ValueType][]string{event.TypeString: {"proc.aname", "test.many"}, event.TypeIP: {"fd.ip", "fd.net"},
		event.TypeInt: {"fd.port", "proc.apid", "test.unsigned"}, event.TypeList: {"test.list"}, event.TypeBool: {"evt.failed"}}
	change := func(ref *rule.FieldRef) {
		if list := other[ref.Field.Type]; len(list) > 0 && r.IntN(2) == 0 {
			name := pick(r, list...)
			*ref = rule.FieldRef{Text: name, Name: name, Field: rows.Find(name), Arg: field.Arg{}}
		}
	}
	var walk func(rule.Expr)
	walk = func(e rule.Expr) {
		switch e := e.(type) {
		case *rule.And:
			for _, p := range e.Parts {
				walk(p)
			}
		case *rule.Or:
			for _, p := range e.Parts {
				walk(p)
			}
		case *rule.Not:
			walk(e.X)
		case *rule.MacroRef:
			walk(e.Macro.Expr)
		case *rule.Comparison:
			if e.Right != nil {
				change(&e.Field)
				change(e.Right)
			}
		}
	}
	for _, x := range rules {
		walk(x.Condition)
		x.Types = event.Types() // those that the checker found are of other fields
	}
}

// randomImage makes a process and its lineage.
func randomImage(r *rand.Rand) *event.Image {
	lineage := make([]string, 1+r.IntN(4))
	for i := range lineage {
		lineage[i] = pick(r, someNames...)
	}
	im := image(lineage...)
	for i := im; i != nil; i = i.Parent {
		i.TTY, i.Time = uint32(r.IntN(4)), uint64(r.IntN(250))
		if r.IntN(8) == 0 {
			i.Comm = "" // unreadable as an ancestor
		}
	}
	return im
}

// randomEvent makes an event of an image.
func randomEvent(r *rand.Rand, im *event.Image) *event.Event {
	path := func() string {
		return pick(r, "/etc/shadow", "/usr/bin/bash", "/bin/bash", "/opt/bin/bash", "/data/x", "/run/a", "/var/run/a", "/tmp/bash", "/", "/etc", "/etcetera", "bash", "/bash")
	}
	var ev *event.Event
	switch r.IntN(5) {
	case 0:
		ev = connectedTo(pick(r, "1.2.3.4:443", "10.1.1.1:80", "9.9.9.9:5000", "10.0.0.5:443"), im)
	case 1:
		ev = executed(im)
	case 2:
		ev = with(event.Event{Type: event.Unlink, Path: event.Path{HasGiven: true, Given: []byte(path())}}, im)
	case 3:
		ev = opened(1, path(), path(), im)
	default:
		ev = opened(pick(r, uint64(0), 1, 2), path(), pick(r, "", path(), "//etc//shadow", "\nbash"), im)
		if r.IntN(3) == 0 {
			ev.Result, ev.Path.Resolved = -2, event.Components{}
		}
		ev.Path.GivenUnread = r.IntN(8) == 0
	}
	ev.CPU = uint16(r.IntN(4))
	return ev
}
