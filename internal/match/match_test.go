package match

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/match/predicate"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

// catalogue is the source syscall and rows of each kind of value that no event has
// yet: pending, unreadable or present by the event's CPU, or by the terminal of its
// image.
func catalogue() *field.Catalogue {
	kind := func(i int, present event.Value) event.Value {
		switch i {
		case 1:
			return event.Missing(event.Pending)
		case 2:
			return event.Missing(event.Unreadable)
		case 3:
			return present
		}
		return event.Value{}
	}
	row := func(name string, scope field.Scope, typ event.ValueType, get func(*event.Event) event.Value) field.Field {
		return field.Field{Name: name, Type: typ, Scope: scope, Desc: "For tests.", Source: "tests",
			Get: func(ev *event.Event, _ field.Arg) event.Value { return get(ev) }}
	}
	ofCPU := func(v event.Value) func(*event.Event) event.Value {
		return func(ev *event.Event) event.Value { return kind(int(ev.CPU), v) }
	}
	many := row("test.many", field.PerImage, event.TypeString, nil)
	many.Arg, many.First = field.OptionalIndex, 1
	many.Get = func(ev *event.Event, arg field.Arg) event.Value {
		if im := ev.Image.Ancestor(arg.Index); im != nil {
			return kind(int(im.TTY%3)+1, event.String(im.Comm))
		}
		return event.Value{}
	}
	return field.New(field.Syscall(), []field.Field{many,
		row("test.kind", field.PerEvent, event.TypeString, ofCPU(event.String("present"))),
		row("test.number", field.PerEvent, event.TypeInt, ofCPU(event.Int(-1))),
		row("test.unsigned", field.PerEvent, event.TypeUint, ofCPU(event.Uint(3))),
		row("test.list", field.PerEvent, event.TypeList, ofCPU(event.List([]string{"pipe", "bash"}))),
		row("test.image", field.PerImage, event.TypeString, func(ev *event.Event) event.Value {
			if im := ev.Image; im.TTY == 1 && ev.Seq >= im.Time {
				return event.String("present") // it has come
			}
			return kind(int(ev.Image.TTY), event.String("present"))
		}),
		row("test.name", field.PerName, event.TypeString, func(ev *event.Event) event.Value {
			return kind(len(ev.Name().Text)%4, event.String(ev.Name().Text))
		}),
	})
}

// load reads rules from YAML.
func load(tb testing.TB, text string) []*rule.Rule {
	tb.Helper()
	set, err := loader.FS(fstest.MapFS{"r.yaml": {Data: []byte(text)}}, "r.yaml", catalogue())
	if err != nil {
		tb.Fatal(err)
	}
	return set.Rules
}

// item writes a rule of a condition.
func item(name, condition string) string {
	return fmt.Sprintf("- rule: %s\n  desc: d\n  condition: >\n    %s\n  output: o\n  priority: INFO\n", name, condition)
}

func compile(tb testing.TB, rules []*rule.Rule) *Set {
	tb.Helper()
	s, err := Compile(rules)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// image makes a process and its lineage, given as names, itself first.
func image(names ...string) *event.Image {
	if len(names) == 0 {
		return nil
	}
	name := names[0]
	return &event.Image{PID: uint32(100 * len(names)), VPID: uint32(100 * len(names)), Comm: name, ExePath: "/usr/bin/" + name,
		Argv: event.WordsOf(name, "-x"), CmdLine: name + " -x", Parent: image(names[1:]...),
		Creds: event.Creds{LoginUID: event.LoginUnset}, Stdio: [3]event.Stdio{{Kind: event.FilePipe}, {Kind: event.FileCharDevice}, {Kind: event.FileCharDevice}}}
}

// with gives an event its process.
func with(ev event.Event, im *event.Image) *event.Event {
	ev.PID, ev.TID, ev.Image = im.PID, im.PID, im
	ev.HasResult = true
	return &ev
}

// walked makes the kernel's form of a path.
func walked(path string) event.Components {
	var b []byte
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i := len(parts) - 1; i >= 0; i-- {
		b = append(append(b, parts[i]...), '/')
	}
	return event.Components{Bytes: b, Valid: true}
}

// opened makes a successful openat; given may be empty.
func opened(flags uint64, resolved, given string, im *event.Image) *event.Event {
	ev := event.Event{Type: event.Openat, Result: 3, File: event.File{Kind: event.FileRegular}}
	ev.Args[2] = flags
	ev.Path.Resolved = walked(resolved)
	if given != "" {
		ev.Path.HasGiven, ev.Path.Given = true, []byte(given)
	}
	return with(ev, im)
}

func connectedTo(remote string, im *event.Image) *event.Event {
	return with(event.Event{Type: event.Connect, Socket: event.Socket{Family: event.FamilyIPv4, Type: 1, Proto: 6,
		Local: netip.MustParseAddrPort("10.0.0.5:40000"), Remote: netip.MustParseAddrPort(remote)}}, im)
}

func executed(im *event.Image) *event.Event {
	return with(event.Event{Type: event.Execve, Task: event.Task{PID: im.PID}}, im)
}

func TestCondition(t *testing.T) {
	bash := image("bash", "sshd", "systemd")
	shadow := opened(0, "/etc/shadow", "", bash)
	pending, unreadable, absent := opened(0, "/a", "", bash), opened(0, "/a", "", bash), opened(0, "/a", "", bash)
	pending.CPU, unreadable.CPU = 1, 2
	testConditions(t, []conditionTest{
		{"equal", `fd.name = /etc/shadow`, shadow, true},
		{"not equal", `fd.name != /etc/shadow`, shadow, false},
		{"in", `fd.name in (/etc/passwd, /etc/shadow)`, shadow, true},
		{"contains", `fd.name contains shad`, shadow, true},
		{"icontains", `fd.name icontains SHADOW`, shadow, true},
		{"startswith", `fd.name startswith /etc/`, shadow, true},
		{"endswith", `fd.name endswith shadow`, shadow, true},
		{"glob crosses slashes", `fd.name glob "/*s?adow"`, shadow, true},
		{"pmatch", `fd.name pmatch (/usr, /etc)`, shadow, true},
		{"pmatch wants components", `fd.name pmatch (/etc/sha)`, shadow, false},
		{"pmatch with pattern", `fd.name pmatch (/e*c)`, shadow, true},
		{"number", `fd.num >= 3 and fd.num < 4 and not fd.num > 3 and fd.num <= 3`, shadow, true},
		{"number in", `fd.num in (1, 3)`, shadow, true},
		{"bool", `evt.is_open_read = true`, shadow, true},
		{"any ancestor", `proc.aname = systemd`, shadow, true},
		{"any ancestor in", `proc.aname in (cron, sshd)`, shadow, true},
		{"itself is no ancestor", `proc.aname = bash`, shadow, false},
		{"one ancestor", `proc.aname[2] = systemd`, shadow, true},
		{"ancestor that is not", `proc.aname[3] exists`, shadow, false},
		{"list intersects", `fd.types intersects (pipe, ipv4)`, shadow, true},
		{"list in", `fd.types in (pipe, file)`, shadow, true},
		{"list not in", `fd.types in (pipe)`, shadow, false},
		{"exists", `fd.name exists`, shadow, true},
		{"absent exists not", `fd.sport exists`, shadow, false},
		{"absent is false", `fd.sport != 3`, shadow, false},
		{"not of absent", `not fd.sport = 3`, shadow, true},
		{"pending", `test.kind = x`, pending, false},
		{"not of pending", `not test.kind = x`, pending, false},
		{"pending or true", `test.kind = x or fd.num = 3`, pending, true},
		{"pending exists", `test.kind exists`, pending, false},
		{"unreadable exists", `test.kind exists`, unreadable, true},
		{"unreadable", `test.kind != x`, unreadable, false},
		{"absent", `test.kind exists`, absent, false},
		{"either side", `fd.ip = 10.0.0.5 and fd.ip = 1.2.3.4`, connectedTo("1.2.3.4:443", bash), true},
		{"either side differs", `fd.ip != 10.0.0.5`, connectedTo("1.2.3.4:443", bash), false},
		{"neither side equal", `fd.ip != 9.9.9.9`, connectedTo("1.2.3.4:443", bash), true},
		{"no side there", `fd.ip != 9.9.9.9`, shadow, false},
		{"network", `fd.rnet in ("1.0.0.0/8")`, connectedTo("1.2.3.4:443", bash), true},
		{"port", `fd.port in (443, 80) and fd.rport = 443`, connectedTo("1.2.3.4:443", bash), true},
		{"parameter", `evt.arg.flags contains O_RDONLY and evt.rawarg.flags = 0`, shadow, true},
	})
}

// Path literals stand for their other names where the operator allows it.
func TestConditionAliases(t *testing.T) {
	bash := image("bash", "sshd", "systemd")
	shadow := opened(0, "/etc/shadow", "", bash)
	removed := with(event.Event{Type: event.Unlink, Path: event.Path{HasGiven: true, Given: []byte("/bin/ls")}}, bash)
	testConditions(t, []conditionTest{
		{"alias", `proc.exepath = /bin/bash`, shadow, true},
		{"alias of a prefix", `proc.exepath startswith /bin/`, shadow, true},
		{"alias of not equal", `proc.exepath != /bin/bash`, shadow, false},
		{"alias by way of the link", `fs.path.name = /usr/bin/ls`, removed, true},
		{"alias of a prefix by way of it", `fs.path.name startswith /usr/bin/`, removed, true},
		{"alias of pmatch by way of it", `fs.path.name pmatch (/usr/bin)`, removed, true},
		{"alias of glob by way of it", `fs.path.name glob "/usr/bin/l?"`, removed, true},
		{"no alias inside a path", `fs.path.name contains /usr/bin/`, removed, false},
		{"no alias of an end", `fs.path.name endswith /usr/bin/ls`, removed, false},
	})
}

// conditionTest is a condition and whether an event makes it true.
type conditionTest struct {
	name, condition string
	ev              *event.Event
	want            bool
}

// testConditions asks the matcher and the reference.
func testConditions(t *testing.T, tests []conditionTest) {
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rules := load(t, item("r", tt.condition))
			got := compile(t, rules).NewMatcher().Match(tt.ev)
			if (len(got) == 1) != tt.want {
				t.Errorf("%s: %d hits, want %v", tt.condition, len(got), tt.want)
			}
			if ref := oracle(rules[0].Condition, tt.ev) == predicate.True; ref != tt.want {
				t.Errorf("%s: the reference says %v, want %v", tt.condition, ref, tt.want)
			}
		})
	}
}

// A rule fires once, with the first name for which it is true.
func TestNames(t *testing.T) {
	bash := image("bash")
	ev := opened(1, "/data/x", "/etc/cron.d/x", bash)
	ev.Path.Dir = event.Components{Valid: true}
	m := compile(t, load(t, item("given", `fd.name startswith /etc/`)+item("both", `fd.filename = x`)+
		item("none", `proc.name = bash`)+item("mixed", `fd.name startswith /data and fd.name startswith /etc`))).NewMatcher()
	type hit struct {
		Rule string
		Name int
		Form string
	}
	var got []hit
	for _, h := range m.Match(ev) {
		ev.SelectName(h.Name)
		got = append(got, hit{h.Rule.Name, h.Name, h.Conditions[0].Name})
	}
	want := []hit{{"given", 1, "given"}, {"both", 0, "resolved"}, {"none", 0, ""}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestConditions(t *testing.T) {
	text := `
- list: shells
  items: [bash, sh]
- macro: shell
  condition: proc.name in (shells)
- macro: spawned
  condition: evt.type in (execve, execveat) and shell
` + item("r", `spawned and (proc.pname = nginx or proc.aname = httpd) and shell and not (proc.tty != 0 or not proc.args contains -x)`)
	hits := compile(t, load(t, text)).NewMatcher().Match(executed(image("bash", "php", "httpd", "systemd")))
	if len(hits) != 1 {
		t.Fatalf("%d hits, want 1", len(hits))
	}
	want := []alert.Condition{
		{Text: "evt.type in (execve, execveat)", Field: "evt.type", Value: "execve"},
		{Text: "proc.name in (shells)", Field: "proc.name", Value: "bash"},
		{Text: "proc.aname = httpd", Field: "proc.aname", Value: "httpd"},
		{Text: "not proc.tty != 0", Field: "proc.tty", Value: uint64(0)},
		{Text: "proc.args contains -x", Field: "proc.args", Value: "-x"},
	}
	if diff := cmp.Diff(want, hits[0].Conditions); diff != "" {
		t.Error(diff)
	}
}

// Equal parts are one node, and text that doubles at each level does not grow
// the graph.
func TestGraph(t *testing.T) {
	var b strings.Builder
	b.WriteString("- macro: m0\n  condition: proc.name = a or proc.pname = b\n")
	for i := 1; i <= 40; i++ {
		fmt.Fprintf(&b, "- macro: m%d\n  condition: m%d and (m%d or proc.name = a)\n", i, i-1, i-1)
	}
	s := compile(t, load(t, b.String()+item("deep", "evt.type = open and m40")+item("flat", "proc.name = a or proc.pname = b")))
	if n := len(s.graph.Nodes); n > 100 {
		t.Errorf("%d nodes, want at most 100", n)
	}
	ev := with(event.Event{Type: event.Open}, image("a"))
	if hits := s.NewMatcher().Match(ev); len(hits) != 2 {
		t.Errorf("%d hits, want 2", len(hits))
	}

	small := compile(t, load(t, item("one", `evt.type = open and fd.name = /a`)+item("two", `not evt.type = open and fd.name = /a`)))
	want := `   0   evt.type = "open"
   1 * fd.name = "/a"
   2 * and [0 1]
   3   not [0]
   4 * and [3 1]
rule "one": 2
rule "two": 4
`
	if diff := cmp.Diff(want, small.String()); diff != "" {
		t.Error(diff)
	}
}

func TestSet(t *testing.T) {
	text := item("open", `evt.type in (openat, open) and fd.name = /a`) + item("env", `evt.type = connect and proc.env[X] = y`) +
		item("off", `evt.type = bind`) + "  enabled: false\n"
	s := compile(t, load(t, text))
	if diff := cmp.Diff([]event.Type{event.Open, event.Openat, event.Connect}, s.Types()); diff != "" {
		t.Error(diff)
	}
	if s.Needs() != field.NeedEnviron || s.Len() != 2 {
		t.Errorf("Needs %v, Len %d; want the environment, 2", s.Needs(), s.Len())
	}
	if compile(t, load(t, item("r", "evt.type = open"))).Needs() != 0 {
		t.Error("needs something without a field that does")
	}
	if got := s.NewMatcher().Match(&event.Event{Type: 60000}); got != nil {
		t.Errorf("unknown type: %v", got)
	}
}

func TestCompileError(t *testing.T) {
	known := &field.Field{Name: "x.y", Type: event.TypeBool, Get: func(*event.Event, field.Arg) event.Value { return event.Value{} }}
	pos := rule.Pos{File: "r.yaml", Line: 3, Col: 4}
	tests := []struct {
		name string
		expr rule.Expr
		want string
	}{
		{"macro", &rule.MacroRef{Pos: pos, Name: "m"}, `r.yaml:3:4: rule "r": compile condition: macro m is not defined`},
		{"field", &rule.Exists{Pos: pos, Field: rule.FieldRef{Text: "a.b"}}, `r.yaml:3:4: rule "r": compile condition: field a.b is not known`},
		{"operator", &rule.Comparison{Pos: pos, Op: rule.OpGlob, Field: rule.FieldRef{Text: "x.y", Field: known}, Values: []rule.Literal{{Text: "true"}}},
			`r.yaml:3:4: rule "r": compile condition: r.yaml:3:4: operator glob is not for field x.y`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Compile([]*rule.Rule{{Name: "r", Enabled: true, Condition: tt.expr}})
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		})
	}
}

// Exceptions that other namespaces take for themselves are no reason for an alert.
func TestConditionsElsewhere(t *testing.T) {
	text := item("r", `proc.name = bash and not (k8s.ns.name = shop and proc.args contains -x) and not (k8s.ns.name = test and proc.args contains -y)`)
	ev := executed(image("bash"))
	ev.Container = &event.Container{Info: &event.ContainerInfo{PodNamespace: "test"}}
	hits := compile(t, load(t, text)).NewMatcher().Match(ev)
	if len(hits) != 1 {
		t.Fatalf("%d hits, want 1", len(hits))
	}
	want := []alert.Condition{
		{Text: "proc.name = bash", Field: "proc.name", Value: "bash"},
		{Text: "not proc.args contains -y", Field: "proc.args", Value: "-x"},
	}
	if diff := cmp.Diff(want, hits[0].Conditions); diff != "" {
		t.Error(diff)
	}
}

// What was matched and is to be matched again counts once.
func TestTakeBack(t *testing.T) {
	m := compile(t, load(t, item("r", "evt.type = openat and proc.name = bash"))).NewMatcher()
	ev := opened(0, "/a", "", image("bash"))
	m.Match(ev)
	m.TakeBack()
	m.TakeBack() // of nothing
	if hits := m.Match(ev); len(hits) != 1 {
		t.Fatalf("%d hits, want 1", len(hits))
	}
	if s := m.Stats()[0]; s.Evaluated != 1 || s.Matched != 1 {
		t.Errorf("stats %+v", s)
	}
}
