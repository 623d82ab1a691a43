package loader

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/rule"
)

const manifest = `# what the team looks for
apiVersion: v1
kind: Namespace
metadata: {name: team}
---
apiVersion: goshawk.dev/v1alpha1
kind: ClusterRuleSet
metadata:
  name: base
spec:
  rules: |
    - macro: shell
      condition: proc.name in (sh, bash)

    - rule: Shell
      desc: D
      condition: >
        evt.type = execve
        and shell
      output: O
      priority: Info
---
apiVersion: goshawk.dev/v1alpha1
kind: RuleSet
metadata:
  name: web
  namespace: team
spec:
  rules: | # a comment
    - rule: Netcat
      desc: D
      condition: evt.type = execve and proc.name = nc
      output: O
      priority: Info
    - rule: Shell
      condition: and not proc.pid = 1
      override: {condition: append}
`

// The sets of a manifest hold as they do in a cluster.
func TestManifest(t *testing.T) {
	set, err := Texts([]rule.File{{Name: "team.yaml", Text: manifest}}, catalogue())
	if err != nil || len(set.Warnings) > 0 {
		t.Fatal(err, set.Warnings)
	}
	want := map[string]string{
		"Shell":           "evt.type = execve and shell and not (k8s.ns.name = team and proc.pid = 1)",
		"team/web/Netcat": "k8s.ns.name = team and evt.type = execve and proc.name = nc",
	}
	if diff := cmp.Diff(want, conditions(set)); diff != "" {
		t.Error(diff)
	}
	if set.Text("team.yaml") != manifest {
		t.Error("the text of the file is not its own")
	}
	if r := set.Rules[1]; r.Pos != (rule.Pos{File: "team.yaml", Line: 30, Col: 7}) || r.Namespace != "team" || r.Set != "web" {
		t.Errorf("%v %s %s", r.Pos, r.Namespace, r.Set)
	}
}

// Places are those of the manifest.
func TestManifestMistakes(t *testing.T) {
	swap := func(old, text string) string { return strings.Replace(manifest, old, text, 1) }
	tests := []struct{ name, text, want string }{
		{"a field of the first", swap("proc.name in", "proc.nmae in"), `team.yaml:13:18: macro "shell": unknown field proc.nmae; did you mean proc.name?`},
		{"on a folded line", swap("and shell", "and shel"), `team.yaml:19:13: rule "Shell": unknown macro shel; did you mean shell?`},
		{"a field of the second", swap("proc.name = nc", "proc.name == nc and"), `team.yaml:32:59: rule "Netcat": `},
		{"of what is not its own", swap("condition: and not proc.pid", "condition: or proc.pid"), `team.yaml:36:18: rule "Shell": the rule holds everywhere`},
		{"no name", swap("  name: web\n", ""), "team.yaml:23:1: the RuleSet has no metadata.name"},
		{"no rules", swap("  rules: |\n    - macro", "  rulez: |\n    - macro"), "team.yaml:6:1: the ClusterRuleSet has no spec.rules"},
		{"rules that are a list", swap("  rules: |\n    - macro", "  rules:\n    - macro"), "team.yaml:12:5: spec.rules of the ClusterRuleSet must be a text"},
		{"in quotes", "apiVersion: goshawk.dev/v1alpha1\nkind: RuleSet\nmetadata: {name: a}\nspec: {rules: \"- rule: R\\n\"}\n", `team.yaml (spec.rules):1:3: rule "R": the rule has no condition`},
		{"no YAML", swap("kind: RuleSet", "kind: ["), "team.yaml:26:3: not valid YAML"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Texts([]rule.File{{Name: "team.yaml", Text: tt.text}}, catalogue())
			if got := lines(rule.Errors(err)); !strings.Contains(got, tt.want) {
				t.Errorf("got  %swant %s", got, tt.want)
			}
		})
	}
}

// A file of rules that mentions the group is one of rules.
func TestNoManifest(t *testing.T) {
	set, err := Texts([]rule.File{{Name: "a.yaml", Text: "# see goshawk.dev/v1alpha1\n" + baseRules}}, catalogue())
	if err != nil || len(set.Rules) != 2 {
		t.Error(err)
	}
}
