package conformance

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/match"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

// leastCases is what the table promises. It only grows.
const leastCases = 1370

// TestConformance runs every case of testdata.
func TestConformance(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	cat := field.New(field.Syscall())
	cases, pending, ran := 0, 0, 0
	used := map[rule.Code]bool{}
	for _, file := range files {
		s := readScript(t, file)
		for i := range s.all {
			if cases++; s.all[i].pending != "" {
				pending++
			}
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			for i := range s.all {
				c := &runner{script: s, section: &s.all[i], cat: cat, used: used}
				t.Run(fmt.Sprintf("%d %s", c.section.line, short(c.section.text)), func(t *testing.T) {
					ran++
					c.run(t)
				})
			}
		})
	}
	t.Logf("%d cases, %d of them pending", cases, pending)
	if cases < leastCases {
		t.Errorf("%d cases, want at least %d", cases, leastCases)
	}
	for _, info := range rule.Codes() {
		if !used[info.Code] && ran == cases { // -run may have left some out
			t.Errorf("no case has the code %s", info.Code)
		}
	}
}

// short cuts a text so that it can be the name of a test.
func short(s string) string {
	s = strings.ReplaceAll(s, "/", "∕") // a slash would begin a test below it
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}

// runner runs one case.
type runner struct {
	script  *script
	section *section
	cat     *field.Catalogue
	used    map[rule.Code]bool
}

func (c *runner) run(t *testing.T) {
	if c.section.pending != "" {
		t.Skip("pending: " + c.section.pending)
	}
	var want, got []string
	switch c.section.kind {
	case "files":
		want, got = c.files(t)
	default:
		for part := range strings.SplitSeq(c.section.want, " ; ") {
			want = append(want, strings.TrimSpace(part))
		}
		got = c.single(t)
	}
	c.compare(t, want, got)
}

// compare holds the expected lines against what there is. Of a mistake the text
// may be a part.
func (c *runner) compare(t *testing.T, want, got []string) {
	t.Helper()
	var missing []string
	for _, w := range want {
		i := slices.IndexFunc(got, func(g string) bool { return g == w || isProblem(w) && sameProblem(w, g) })
		if i < 0 {
			missing = append(missing, w)
		} else {
			got = slices.Delete(got, i, i+1)
		}
	}
	if len(missing)+len(got) > 0 {
		t.Errorf("%s:%d: %s\nwant %s\ngot  %s", c.script.name, c.section.line, c.section.text,
			strings.Join(missing, "\n     "), strings.Join(got, "\n     "))
	}
}

func isProblem(s string) bool {
	return strings.HasPrefix(s, "error ") || strings.HasPrefix(s, "warning ")
}

// sameProblem compares "error PLACE CODE: TEXT", the wanted text being a part.
func sameProblem(want, got string) bool {
	head, text, _ := strings.Cut(want, ": ")
	rest, ok := strings.CutPrefix(got, head+": ")
	return ok && strings.Contains(rest, text)
}

// problems writes mistakes as cases name them. place makes the place of one.
func (c *runner) problems(word string, all []*rule.Error, place func(rule.Pos) string) []string {
	var out []string
	for _, e := range all {
		c.used[e.Code] = true
		text := e.Err.Error()
		if e.Hint != "" {
			text += "; " + e.Hint
		}
		if e.Rule != "" && c.section.kind == "files" {
			kind := e.Kind
			if kind == "" {
				kind = rule.KindRule
			}
			text = kind + " " + strconv.Quote(e.Rule) + ": " + text
		}
		out = append(out, fmt.Sprintf("%s %s %s: %s", word, place(e.Pos), e.Code, text))
	}
	return out
}

// The rule that a condition or an output on one line becomes part of.
const (
	oneFile = "case.yaml"
	oneRule = "- rule: case\n  desc: one\n  priority: Info\n  warn_evttypes: false\n"
	oneLine = 6 // the line of the condition or the output
)

// single runs a condition or an output.
func (c *runner) single(t *testing.T) []string {
	condition, output := c.section.text, "one"
	text := oneRule + "  output: one\n  condition: |-\n    " + condition + "\n"
	if c.section.kind == "output" {
		condition, output = "evt.type exists", c.section.text
		text = oneRule + "  condition: evt.type exists\n  output: |-\n    " + output + "\n"
	}
	texts := []rule.File{{Name: oneFile, Text: text}}
	if c.section.given != "" {
		texts = append([]rule.File{{Name: "given.yaml", Text: c.section.given}}, texts...)
	}
	set, err := loader.Texts(texts, c.cat)
	place := func(p rule.Pos) string {
		if p.File == oneFile {
			return fmt.Sprintf("%d:%d", p.Line-oneLine, p.Col-4)
		}
		return p.String()
	}
	if err != nil {
		return c.problems("error", rule.Errors(err), place)
	}
	warnings := slices.DeleteFunc(set.Warnings, func(e *rule.Error) bool {
		return e.Pos.File == "given.yaml" || c.section.kind == "output" && e.Code == rule.CodeAlwaysTrue
	})
	got := c.problems("warning", warnings, place)
	ev := c.event(t, c.section.event)
	if c.section.kind == "output" {
		return append(got, strconv.Quote(set.Rules[0].Output.Render(ev)))
	}
	return append(got, strconv.FormatBool(len(hits(t, set, ev)) > 0))
}

// event makes an event that the file describes.
func (c *runner) event(t *testing.T, name string) *event.Event {
	t.Helper()
	spec := c.script.events[name]
	if spec == nil {
		t.Fatalf("%s:%d: there is no event %q", c.script.name, c.section.line, name)
	}
	ev, err := spec.build()
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// hits returns the names of the rules that an event makes true.
func hits(t *testing.T, set *rule.Set, ev *event.Event) []string {
	t.Helper()
	m, err := match.Compile(set.Rules)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, h := range m.NewMatcher().Match(ev) {
		names = append(names, h.Rule.Name)
	}
	return names
}

// files runs a case of rule files.
func (c *runner) files(t *testing.T) (want, got []string) {
	set, root, err := c.load(t)
	place := func(p rule.Pos) string {
		p.File = strings.TrimPrefix(p.File, root)
		return p.String()
	}
	clean := func(lines []string) []string {
		for i := range lines {
			lines[i] = strings.ReplaceAll(lines[i], root, "")
		}
		return lines
	}
	got = append(got, clean(c.problems("error", rule.Errors(err), place))...)
	got = append(got, clean(c.problems("warning", set.Warnings, place))...)
	for _, l := range c.section.expect {
		key, value, ok := strings.Cut(l.text, ": ")
		switch {
		case isProblem(l.text):
			want = append(want, l.text)
		case l.text == "ok" && err == nil:
		case l.text == "ok":
			want = append(want, "ok")
		case !ok:
			t.Fatalf("%s:%d: expected KEY: VALUE", c.script.name, l.number)
		default:
			want = append(want, key+": "+value)
			got = append(got, key+": "+c.fact(t, set, key, l.number))
		}
	}
	return want, got
}

// load loads the files of a case: the directory as a whole, or what order names
// as arguments of a command.
func (c *runner) load(t *testing.T) (set *rule.Set, root string, err error) {
	if c.section.order == nil {
		fsys := fstest.MapFS{}
		for _, f := range c.section.files {
			fsys[f.name] = &fstest.MapFile{Data: []byte(f.text)}
		}
		set, err = loader.FS(fsys, ".", c.cat)
		return set, "\x00", err
	}
	dir := t.TempDir()
	for _, f := range c.section.files {
		path := filepath.Join(dir, f.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(f.text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var paths []string
	for _, name := range c.section.order {
		paths = append(paths, filepath.Join(dir, name))
	}
	set, err = loader.Files(paths, c.cat)
	return set, dir + "/", err
}

// fact says what a loaded set is like: "rules", "match EVENT", "list NAME",
// "macro NAME", or "KEY of RULE".
func (c *runner) fact(t *testing.T, set *rule.Set, key string, number int) string {
	t.Helper()
	word, name, _ := strings.Cut(key, " ")
	switch word {
	case "rules":
		var names []string
		for _, r := range set.Rules {
			names = append(names, r.Name)
		}
		return list(names)
	case "lists":
		return list(slices.Sorted(maps.Keys(set.Lists)))
	case "match":
		return list(hits(t, set, c.event(t, name)))
	case "output":
		return c.outputOf(t, set, name)
	case "macro":
		if m := set.Macros[name]; m != nil {
			return m.Expr.String()
		}
		return "none"
	case "list":
		var items []string
		if l := set.Lists[name]; l != nil {
			for _, i := range l.Items {
				items = append(items, i.Text)
			}
		}
		return list(items)
	}
	what, of, ok := strings.Cut(key, " of ")
	i := slices.IndexFunc(set.Rules, func(r *rule.Rule) bool { return r.Name == of })
	if !ok || i < 0 {
		return fmt.Sprintf("%s:%d: there is no rule of this name", c.script.name, number)
	}
	return factOf(set.Rules[i], what)
}

// outputOf renders the output of a rule for an event: "RULE on EVENT".
func (c *runner) outputOf(t *testing.T, set *rule.Set, name string) string {
	name, ev, _ := strings.Cut(name, " on ")
	for _, r := range set.Rules {
		if r.Name == name {
			return strconv.Quote(r.Output.Render(c.event(t, ev)))
		}
	}
	return "no rule"
}

func factOf(r *rule.Rule, what string) string {
	switch what {
	case "condition":
		return r.Condition.String()
	case "template":
		return strconv.Quote(r.Output.Text)
	case "desc":
		return strconv.Quote(r.Desc)
	case "priority":
		return r.Priority.String()
	case "source":
		return r.Source
	case "enabled":
		return strconv.FormatBool(r.Enabled)
	case "tags":
		return list(r.Tags)
	case "types":
		var names []string
		for _, t := range r.Types {
			names = append(names, t.String())
		}
		return list(names)
	case "exceptions":
		var all []string
		for _, e := range r.Exceptions {
			all = append(all, fmt.Sprintf("%s (%s) %d", e.Name, strings.Join(e.Fields, " "), e.Values))
		}
		return list(all)
	}
	return "no such key"
}

func list(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}

// TestWords reads what stands in the lines of events.
func TestWords(t *testing.T) {
	got, err := words(`/bin/sh -c  "a b\n" x`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/bin/sh", "-c", "a b\n", "x"}, got); diff != "" {
		t.Errorf("words differ (-want +got):\n%s", diff)
	}
}
