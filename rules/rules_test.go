package rules

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/match"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/format"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

// load reads the rules that are shipped.
func load(t testing.TB) *rule.Set {
	t.Helper()
	set, err := loader.FS(FS, ".", field.New(field.Syscall()))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range set.Warnings {
		t.Errorf("warning: %v", w)
	}
	return set
}

// files lists the rule files, or the test files.
func files(t *testing.T, tests bool) []string {
	t.Helper()
	all, err := filepath.Glob("*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(name string) bool { return strings.HasSuffix(name, ".test.yaml") != tests })
}

func TestEveryFileIsEmbedded(t *testing.T) {
	entries, err := FS.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff(files(t, false), got); diff != "" {
		t.Errorf("embedded files (-want +got):\n%s", diff)
	}
}

// TestCases runs every case, and checks that each rule has one that fires it.
func TestCases(t *testing.T) {
	set := load(t)
	compiled, err := match.Compile(set.Rules)
	if err != nil {
		t.Fatal(err)
	}
	matcher := compiled.NewMatcher()
	fired := map[string]int{}
	for _, file := range files(t, true) {
		for _, c := range readCases(t, file) {
			t.Run(file+"/"+c.Name, func(t *testing.T) {
				ev, err := c.Event.build()
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, hit := range matcher.Match(ev) {
					got = append(got, hit.Rule.Name)
					ev.SelectName(hit.Name)
					checkHit(t, hit, hit.Rule.Output.Render(ev))
				}
				want := slices.Clone(c.Expect)
				slices.Sort(want)
				slices.Sort(got)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("rules that fire (-want +got):\n%s", diff)
				}
				for _, name := range got {
					fired[name]++
				}
			})
		}
	}
	for _, r := range set.Rules {
		if fired[r.Name] == 0 {
			t.Errorf("%s: rule %q fires in no case", r.Pos, r.Name)
		}
	}
}

// objectMissing finds what a rule is about and its event does not have.
var objectMissing = regexp.MustCompile(`\b(file|from|to|link|target|source|moved|argv0|connection|address|socket|device|given|result)=<NA>`)

// checkHit checks that a hit tells an analyst something.
func checkHit(t *testing.T, hit match.Hit, output string) {
	t.Helper()
	if len(hit.Conditions) == 0 {
		t.Errorf("rule %q fires without a condition that was true", hit.Rule.Name)
	}
	if strings.Contains(output, "command=<NA>") || strings.Contains(output, "user=<NA>") {
		t.Errorf("output of %q says neither who nor what: %s", hit.Rule.Name, output)
	}
	if m := objectMissing.FindString(output); m != "" {
		t.Errorf("output of %q asks for what the event lacks, %s: %s", hit.Rule.Name, m, output)
	}
}

// TestNegativeCases checks that each rule has a case that comes near to it and
// does not fire it.
func TestNegativeCases(t *testing.T) {
	quiet := map[string]bool{}
	for _, file := range files(t, true) {
		for _, c := range readCases(t, file) {
			if slices.Contains(c.Expect, c.Near) {
				t.Errorf("%s: case %q expects the rule that it only comes near to", file, c.Name)
			}
			quiet[c.Near] = true
		}
	}
	delete(quiet, "")
	for _, r := range load(t).Rules {
		if !quiet[r.Name] {
			t.Errorf("%s: no case comes near to rule %q", r.Pos, r.Name)
		}
		delete(quiet, r.Name)
	}
	for name := range quiet {
		t.Errorf("a case comes near to a rule that does not exist: %q", name)
	}
}

var (
	techniqueTag = regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)
	stageTag     = regexp.MustCompile(`^kill_chain_(reconnaissance|weaponization|delivery|exploitation|installation|command_and_control|actions_on_objectives)$`)
	tacticTag    = regexp.MustCompile(`^mitre_(initial_access|execution|persistence|privilege_escalation|defense_evasion|credential_access|discovery|lateral_movement|collection|command_and_control|exfiltration|impact)$`)
)

// TestRulesAreComplete checks what every rule has to say about itself.
func TestRulesAreComplete(t *testing.T) {
	set := load(t)
	if len(set.Rules) < 24 {
		t.Errorf("%d rules, want at least 24", len(set.Rules))
	}
	for _, r := range set.Rules {
		if len(r.Desc) < 80 || !strings.HasSuffix(strings.TrimSpace(r.Desc), ".") {
			t.Errorf("%s: rule %q: the description does not say enough: %q", r.Pos, r.Name, r.Desc)
		}
		for what, re := range map[string]*regexp.Regexp{"technique": techniqueTag, "kill-chain": stageTag, "tactic": tacticTag,
			"place": regexp.MustCompile(`^(host|container)$`)} {
			if !slices.ContainsFunc(r.Tags, re.MatchString) {
				t.Errorf("%s: rule %q has no %s tag", r.Pos, r.Name, what)
			}
		}
		for _, tag := range r.Tags {
			if !techniqueTag.MatchString(tag) && !stageTag.MatchString(tag) && !tacticTag.MatchString(tag) &&
				tag != "host" && tag != "container" {
				t.Errorf("%s: rule %q: unknown tag %q", r.Pos, r.Name, tag)
			}
		}
		for _, f := range []string{"%user.name", "%proc.cmdline", "%proc.exepath", "%container.id"} {
			if !strings.Contains(r.Output.Text, f) {
				t.Errorf("%s: output of rule %q has no %s", r.Pos, r.Name, f)
			}
		}
	}
}

// TestFormatted: the rules stand in the layout of goshawk rules fmt.
func TestFormatted(t *testing.T) {
	names, err := fs.Glob(FS, "*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatal("no rules", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(FS, name)
		if err != nil {
			t.Fatal(err)
		}
		switch want, errs := format.File(name, string(text)); {
		case len(errs) > 0:
			t.Error(errs)
		case want != string(text):
			t.Errorf("%s is not formatted: run goshawk rules fmt -w %[1]s", name)
		}
	}
}
