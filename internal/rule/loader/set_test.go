package loader

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// baseRules hold everywhere.
const baseRules = `- list: shells
  items: [sh, bash]
- macro: shell
  condition: proc.name in (shells)
- rule: Shell
  desc: D
  condition: evt.type = execve and shell
  output: O
  priority: Warning
  exceptions:
    - name: by_parent
      fields: [proc.name, "proc.aname[2]"]
      values:
        - [sh, cron]
- rule: Write
  desc: D
  condition: evt.type in (open, openat) and evt.is_open_write = true
  output: O
  priority: Info
`

// sourceOf makes a source: name is team/web, or base for one that holds everywhere.
func sourceOf(name, text string) Source {
	s := Source{Name: name, Text: text}
	if ns, rest, ok := strings.Cut(name, "/"); ok {
		s.Namespace, s.Name = ns, rest
	}
	return s
}

func loadSources(sources ...Source) (*rule.Set, []Result, error) {
	return Load(Config{Shipped: fstest.MapFS{"a.yaml": {Data: []byte(baseRules)}}, Sources: sources, Catalogue: catalogue()})
}

// conditions writes the conditions of rules by their ids.
func conditions(set *rule.Set) map[string]string {
	all := map[string]string{}
	for _, r := range set.Rules {
		all[r.ID()] = r.Condition.String()
	}
	return all
}

func TestTenant(t *testing.T) {
	const own = "- rule: Own\n  desc: D\n  condition: %s\n  output: O\n  priority: Info\n"
	shell := "(evt.type = execve and shell) and not (proc.name = sh and proc.aname[2] = cron)"
	write := "evt.type in (open, openat) and evt.is_open_write = true"
	tests := []struct {
		name, text string
		want       map[string]string // what differs from the base
	}{
		{"a rule of its own holds for its namespace", fmt.Sprintf(own, "evt.type = execve and proc.name = nc"),
			map[string]string{"team/web/Own": "k8s.ns.name = team and evt.type = execve and proc.name = nc"}},
		{"an or is one part", fmt.Sprintf(own, "evt.type = execve or evt.type = connect"),
			map[string]string{"team/web/Own": "k8s.ns.name = team and (evt.type = execve or evt.type = connect)"}},
		{"macros of the base", fmt.Sprintf(own, "evt.type = execve and shell"),
			map[string]string{"team/web/Own": "k8s.ns.name = team and evt.type = execve and shell"}},
		{"the same name as a rule of the base", strings.Replace(fmt.Sprintf(own, "evt.type = connect"), "Own", "Shell", 1),
			map[string]string{"team/web/Shell": "k8s.ns.name = team and evt.type = connect"}},
		{"its own rule may be changed in any way", fmt.Sprintf(own, "evt.type = connect") + "- rule: Own\n  condition: or evt.type = execve\n  enabled: false\n  override: {condition: append, enabled: replace}\n",
			map[string]string{"team/web/Own": "k8s.ns.name = team and (evt.type = connect or evt.type = execve)"}},
		{"a condition is appended", "- rule: Write\n  condition: and not proc.name = git\n  override: {condition: append}\n",
			map[string]string{"Write": write + " and not (k8s.ns.name = team and proc.name = git)"}},
		{"one that is no not", "- rule: Write\n  condition: and proc.name = vi\n  override: {condition: append}\n",
			map[string]string{"Write": write + " and not (k8s.ns.name = team and not proc.name = vi)"}},
		{"one of several parts", "- rule: Write\n  condition: and not proc.name = git and (proc.pid > 5 or proc.pid = 1)\n  append: true\n",
			map[string]string{"Write": write + " and not (k8s.ns.name = team and not (not proc.name = git and (proc.pid > 5 or proc.pid = 1)))"}},
		{"values for an exception that is there", "- rule: Shell\n  exceptions:\n    - name: by_parent\n      values: [[bash, make]]\n  override: {exceptions: append}\n",
			map[string]string{"Shell": shell + " and not (k8s.ns.name = team and proc.name = bash and proc.aname[2] = make)"}},
		{"an exception of its own", "- rule: Shell\n  exceptions:\n    - name: ours\n      fields: proc.name\n      values: [zsh, fish]\n  override: {exceptions: append}\n",
			map[string]string{"Shell": shell + " and not (k8s.ns.name = team and proc.name in (zsh, fish))"}},
	}
	plain, _, err := loadSources()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, results, err := loadSources(sourceOf("team/web", tt.text))
			if err != nil || len(results) != 1 || len(results[0].Errors) > 0 {
				t.Fatalf("%v %v", err, results)
			}
			want := conditions(plain)
			for id, text := range tt.want {
				want[id] = text
			}
			if diff := cmp.Diff(want, conditions(set)); diff != "" {
				t.Error(diff)
			}
			if results[0].Rules+results[0].Narrowed != 1 || results[0].InForce != Current {
				t.Errorf("%+v", results[0])
			}
		})
	}
}

// manyRules writes n rules.
func manyRules(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "- {rule: R%d, desc: D, condition: evt.type = open and proc.name = a, output: O, priority: Info}\n", i)
	}
	return b.String()
}

// manyValues writes n values of a list.
func manyValues(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "v%d,", i)
	}
	return b.String()
}

// What a set of a namespace cannot do.
func TestTenantRefused(t *testing.T) {
	const whole = "the rule holds everywhere and is not of this set: "
	tests := []struct{ name, text, want string }{
		{"switch off", "- rule: Shell\n  enabled: false\n", `2:3: rule "Shell": ` + whole + "its enabled cannot be changed here"},
		{"switch off by override", "- rule: Shell\n  enabled: false\n  override: {enabled: replace}\n", "2:3: "},
		{"other priority", "- rule: Shell\n  priority: Debug\n  override: {priority: replace}\n", "its priority cannot be changed here; append exceptions, or a condition that begins with and: they hold for namespace team alone"},
		{"tags", "- rule: Shell\n  tags: [x]\n  override: {tags: append}\n", "its tags cannot"},
		{"output", "- rule: Shell\n  output: x\n  override: {output: append}\n", "its output cannot"},
		{"replaced exceptions", "- rule: Shell\n  exceptions: []\n  override: {exceptions: replace}\n", "2:3: "},
		{"replaced condition", "- rule: Shell\n  condition: and proc.name = a\n  override: {condition: replace}\n", "its condition cannot"},
		{"or", "- rule: Write\n  condition: or proc.name = a\n  override: {condition: append}\n", "2:14: " + `rule "Write": ` + whole + "a condition that is appended here must begin with and, not or"},
		{"and with or", "- rule: Write\n  condition: >\n    and not proc.name = a\n    or proc.name = b\n  override: {condition: append}\n", "4:8: " + `rule "Write": ` + whole + "or would make it true for more events"},
		{"no operator", "- rule: Write\n  condition: proc.name = a\n  append: true\n", "must begin with and, not proc.name"},
		{"unknown rule", "- rule: Shel\n  enabled: false\n", `there is no rule of this name to switch before this place; did you mean Shell?`},
		{"unknown macro", "- rule: Write\n  condition: and not shel\n  override: {condition: append}\n", "2:22: rule \"Write\": unknown macro shel; did you mean shell?"},
		{"tuple of another size", "- rule: Shell\n  exceptions:\n    - name: by_parent\n      values: [[bash]]\n  override: {exceptions: append}\n", `exception "by_parent" has 2 fields, and this tuple 1 values`},
		{"fields of an exception that is there", "- rule: Shell\n  exceptions:\n    - name: by_parent\n      fields: [proc.name]\n      values: [[bash]]\n  override: {exceptions: append}\n", `values alone can be appended to exception "by_parent"`},
		{"another's rule", "- rule: Theirs\n  condition: and proc.name = a\n  override: {condition: append}\n", "there is no rule of this name"},
		{"another's macro", "- rule: Own\n  desc: D\n  condition: evt.type = execve and theirs\n  output: O\n  priority: Info\n", "unknown macro theirs"},
		{"all events", "- rule: Own\n  desc: D\n  condition: proc.name = a\n  output: O\n  priority: Info\n  warn_evttypes: false\n", `3:14: rule "Own": the condition may be true for most types of event`},
		{"most events", "- rule: Own\n  desc: D\n  condition: evt.type != open and proc.name = a\n  output: O\n  priority: Info\n", `3:14: rule "Own": the condition may be true for most types of event`},
		{"a long description", strings.Replace(manyRules(1), "desc: D", "desc: "+strings.Repeat("x", 5000), 1), `1:3: rule "R0": the description is longer than 4096 bytes`},
		{"long tags", strings.Replace(manyRules(1), "desc: D", "desc: D, tags: ["+strings.Repeat("x", 5000)+"]", 1), `the tags are longer than 4096 bytes`},
		{"many fields", strings.Replace(manyRules(1), "output: O", "output: '"+strings.Repeat("%proc.name", 51)+"'", 1), `has more than 50 fields`},
		{"many rules", manyRules(501), `the set has more than 500 rules`},
		{"a long list many times", "- list: l\n  items: [" + manyValues(6000) + "]\n" + strings.ReplaceAll(manyRules(9), "proc.name = a", "proc.name in (l)"), `lists stand for more than 50000 values`},
		{"bad YAML", "- rule: [\n", "not valid YAML"},
	}
	theirs := sourceOf("other/set", "- macro: theirs\n  condition: proc.name = x\n- rule: Theirs\n  desc: D\n  condition: evt.type = execve and theirs\n  output: O\n  priority: Info\n")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, results, err := loadSources(theirs, sourceOf("team/web", tt.text))
			if err != nil || len(results) != 2 || results[0].InForce != Current {
				t.Fatalf("%v %+v", err, results)
			}
			if got := lines(results[1].Errors); !strings.Contains(got, tt.want) || !strings.HasPrefix(got, "ruleset/team/web:") {
				t.Errorf("got  %swant %s", got, tt.want)
			}
			if results[1].InForce != None || len(set.Rules) != 3 {
				t.Errorf("%d rules", len(set.Rules))
			}
		})
	}
}

// Names are a namespace's own: what one set hides, others keep.
func TestScopes(t *testing.T) {
	rules := "- rule: Own\n  desc: D\n  condition: evt.type = execve and shell\n  output: O\n  priority: Info\n"
	set, results, err := loadSources(
		sourceOf("a/hides", "- macro: shell\n  condition: proc.name = ash\n"+rules),
		sourceOf("b/appends", "- macro: shell\n  condition: or proc.name = dash\n  override: {condition: append}\n"+rules),
		sourceOf("c/list", "- list: shells\n  items: [ksh]\n  override: {items: append}\n"+strings.ReplaceAll(rules, "shell", "proc.name in (shells)")),
		sourceOf("d/sees", rules),
		sourceOf("d/sees-not", strings.ReplaceAll(rules, "shell", "proc.name in (shells)")),
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if len(r.Errors)+len(r.Warnings) > 0 {
			t.Errorf("%s: %v %v", r.Source.Place(), r.Errors, r.Warnings)
		}
	}
	want := map[string]string{
		"Shell": "sh bash", "a/hides/Own": "ash", "b/appends/Own": "sh bash dash",
		"c/list/Own": "sh bash ksh", "d/sees/Own": "sh bash", "d/sees-not/Own": "sh bash",
	}
	for _, r := range set.Rules {
		if got := strings.Join(programs(r.Condition), " "); r.Name != "Write" && !strings.HasPrefix(got, want[r.ID()]) {
			t.Errorf("%s: %s", r.ID(), got)
		}
	}
	if l := set.Lists["shells"]; len(l.Items) != 2 {
		t.Errorf("the list of the base has %d items", len(l.Items))
	}
}

// programs lists the values that proc.name is compared with.
func programs(e rule.Expr) []string {
	var all []string
	switch e := e.(type) {
	case *rule.And:
		for _, p := range e.Parts {
			all = append(all, programs(p)...)
		}
	case *rule.Or:
		for _, p := range e.Parts {
			all = append(all, programs(p)...)
		}
	case *rule.Not:
		return programs(e.X)
	case *rule.MacroRef:
		return programs(e.Macro.Expr)
	case *rule.Comparison:
		for _, v := range e.Values {
			if e.Field.Name == "proc.name" {
				all = append(all, v.Text)
			}
		}
	}
	return all
}

// Exceptions of several namespaces hold for each alone, and are listed with it.
func TestNarrowedBySeveral(t *testing.T) {
	text := "- rule: Shell\n  exceptions:\n    - name: by_parent\n      values: [[%[1]s, %[1]s]]\n  override: {exceptions: append}\n"
	set, _, err := loadSources(sourceOf("a/x", fmt.Sprintf(text, "p")), sourceOf("b/x", fmt.Sprintf(text, "q")))
	if err != nil {
		t.Fatal(err)
	}
	shell := set.Rules[0]
	want := "(evt.type = execve and shell) and not (proc.name = sh and proc.aname[2] = cron)" +
		" and not (k8s.ns.name = a and proc.name = p and proc.aname[2] = p) and not (k8s.ns.name = b and proc.name = q and proc.aname[2] = q)"
	if got := shell.Condition.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var of []string
	for _, e := range shell.Exceptions {
		of = append(of, e.Name+" "+e.Namespace)
	}
	if !slices.Equal(of, []string{"by_parent ", "by_parent a", "by_parent b"}) {
		t.Error(of)
	}
}

// A warning for a set that does not do what it looks like.
func TestTenantWarnings(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"name of the base", "- rule: Shell\n  desc: D\n  condition: evt.type = execve\n  output: O\n  priority: Info\n",
			`1:9: rule "Shell": the rule at a.yaml:5:3 has the same name and holds everywhere: this one is beside it and does not replace it`},
		{"a case that never is", "- rule: Shell\n  condition: and not fd.name = /x\n  override: {condition: append}\n",
			"no event of execve has the field fd.name"},
		{"unused macro", "- macro: m\n  condition: proc.name = a\n- rule: Write\n  condition: and not proc.name = git\n  override: {condition: append}\n",
			`1:3: macro "m": no rule and no macro uses it`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, results, err := loadSources(sourceOf("team/web", tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := lines(results[0].Warnings); strings.Count(got, "\n") != 1 || !strings.Contains(got, tt.want) {
				t.Errorf("got  %swant %s", got, tt.want)
			}
		})
	}
}

// A set that is broken takes no other with it, and leaves what was in force before.
func TestSourcesApart(t *testing.T) {
	good := func(name string) string {
		return "- rule: " + name + "\n  desc: D\n  condition: evt.type = connect\n  output: O\n  priority: Info\n"
	}
	bad := "- rule: Bad\n  desc: D\n  condition: evt.type = \n  output: O\n  priority: Info\n"
	uses := strings.Replace(good("Uses"), "evt.type = connect", "evt.type = connect and later", 1)
	tests := []struct {
		name    string
		sources []Source
		rules   string // besides those of the base
		inForce string // of each source, in order
	}{
		{"none", nil, "", ""},
		{"one of each", []Source{sourceOf("t/b", good("T")), sourceOf("x", good("X"))}, "X t/b/T", "x:2 t/b:2"},
		{"a broken one of a namespace", []Source{sourceOf("t/a", bad), sourceOf("t/b", good("T"))}, "t/b/T", "t/a:0 t/b:2"},
		{"a broken one that holds everywhere", []Source{sourceOf("a", bad), sourceOf("b", good("B")), sourceOf("t/b", good("T"))}, "B t/b/T", "a:0 b:2 t/b:2"},
		{"what was in force before", []Source{{Name: "a", Text: bad, Last: good("A")}, {Namespace: "t", Name: "b", Text: bad, Last: good("T")}}, "A t/b/T", "a:1 t/b:1"},
		{"broken before as well", []Source{{Name: "a", Text: bad, Last: bad + "#"}}, "", "a:0"},
		{"a name that a later one defines", []Source{sourceOf("a", uses), sourceOf("b", "- macro: later\n  condition: proc.name = x\n"), sourceOf("c", bad)}, "Uses", "a:2 b:2 c:0"},
		{"a name that only a broken one defines", []Source{sourceOf("a", uses), sourceOf("b", bad+"- macro: later\n  condition: proc.name = x\n"), sourceOf("c", good("C"))}, "C", "a:0 b:0 c:2"},
		{"in order", []Source{{Name: "a", Order: 1, Text: good("A")}, {Name: "b", Text: good("B")}}, "B A", "b:2 a:2"},
		{"one that breaks the files", []Source{sourceOf("a", good("A")), sourceOf("b", "- macro: shell\n  condition: other\n- macro: other\n  condition: shell\n"), sourceOf("c", good("C"))}, "A C", "a:2 b:0 c:2"},
		{"one that breaks another is not its fault", []Source{sourceOf("a", good("A")), sourceOf("b", "- rule: A\n  condition: and (\n  override: {condition: append}\n")}, "A", "a:2 b:0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, results, err := loadSources(tt.sources...)
			if err != nil {
				t.Fatal(err)
			}
			var rules, inForce []string
			for _, r := range set.Rules[2:] {
				rules = append(rules, r.ID())
			}
			for _, r := range results {
				inForce = append(inForce, fmt.Sprintf("%s:%d", strings.TrimPrefix(strings.TrimPrefix(r.Source.Place(), "cluster"), "ruleset/"), r.InForce))
				if (r.InForce == Current) != (len(r.Errors) == 0) {
					t.Errorf("%s: %v", r.Source.Place(), r.Errors)
				}
			}
			if got := strings.Join(rules, " "); got != tt.rules {
				t.Errorf("rules %s, want %s", got, tt.rules)
			}
			if got := strings.Join(inForce, " "); got != tt.inForce {
				t.Errorf("in force %s, want %s", got, tt.inForce)
			}
		})
	}
}

// A namespace cannot take the room of others.
func TestSourceLimits(t *testing.T) {
	large := "#" + strings.Repeat("x", MaxSource-1)
	sources := []Source{sourceOf("x", large+"y"), sourceOf("t/a", large), sourceOf("t/b", large), sourceOf("t/c", "#"), sourceOf("u/a", large)}
	_, results, err := loadSources(sources...)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"larger than 256 KiB", "", "", "of namespace t are larger than 512 KiB together", ""} {
		if got := lines(results[i].Errors); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %s", results[i].Source.Place(), got)
		}
	}
}

// What cannot be compiled is refused as what has a mistake is.
func TestCompile(t *testing.T) {
	rules := "- rule: Rule %[1]s\n  desc: D\n  condition: evt.type = execve and proc.name = %[1]s\n  output: O\n  priority: Info\n"
	compile := func(all []*rule.Rule) error {
		for _, r := range all {
			if strings.Contains(r.Condition.String(), "bad") {
				return &rule.Error{Pos: r.Condition.Position(), Rule: r.Name, Err: errors.New("too large")}
			}
		}
		return nil
	}
	sources := []Source{sourceOf("x", fmt.Sprintf(rules, "bad")), sourceOf("y", fmt.Sprintf(rules, "good")), sourceOf("t/a", fmt.Sprintf(rules, "bad")), sourceOf("t/b", fmt.Sprintf(rules, "good"))}
	files := fstest.MapFS{"a.yaml": {Data: []byte(baseRules)}}
	set, results, err := Load(Config{Shipped: files, Sources: sources, Catalogue: catalogue(), Compile: compile})
	if err != nil || len(set.Rules) != 4 {
		t.Fatalf("%v %v", err, set.Rules)
	}
	for i, want := range []Version{None, Current, None, Current} {
		if results[i].InForce != want {
			t.Errorf("%s: %v %v", results[i].Source.Place(), results[i].InForce, results[i].Errors)
		}
	}
	files["a.yaml"].Data = append(files["a.yaml"].Data, fmt.Sprintf(rules, "bad")...)
	if _, _, err := Load(Config{Shipped: files, Sources: sources, Catalogue: catalogue(), Compile: compile}); err == nil {
		t.Error("files that cannot be compiled were loaded")
	}
}

// Mistakes in files are nobody else's: nothing is loaded.
func TestBrokenFiles(t *testing.T) {
	set, results, err := Load(Config{Shipped: fstest.MapFS{"a.yaml": {Data: []byte("- rule: x\n")}}, Sources: []Source{sourceOf("x", "")}, Catalogue: catalogue()})
	if err == nil || results != nil || len(set.Rules) > 0 {
		t.Errorf("%v %v %v", set.Rules, results, err)
	}
}

// Sets with the same texts in other namespaces are others.
func TestHashOfSources(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"a/x", "a/y", "b/x"} {
		set, _, err := loadSources(sourceOf(name, "- macro: m\n  condition: proc.name = a\n"))
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := seen[set.Hash()]; twice {
			t.Errorf("%s and %s have the same hash", name, other)
		}
		seen[set.Hash()] = name
	}
}
