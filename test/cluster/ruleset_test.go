//go:build cluster

package cluster

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// ruleSet is a team's: one rule of its own and an exception from one of the tests'.
const ruleSet = `
apiVersion: goshawk.dev/v1alpha1
kind: RuleSet
metadata: {name: web, namespace: %[1]s}
spec:
  rules: |
    - macro: marked
      condition: evt.type in (execve, execveat) and proc.name = true and proc.args contains goshawk-set
    - rule: Ours in %[1]s
      desc: A marked program of the team.
      condition: marked
      output: "%%proc.cmdline"
      priority: Notice
    - rule: Test program
      exceptions:
        - name: ours
          fields: [proc.cmdline]
          values: [["true goshawk-test except"]]
      override: {exceptions: append}
`

// inForce waits until a set is, on every node.
func inForce(t *testing.T, args ...string) {
	t.Helper()
	kubectl(t, append([]string{"wait", "--for=condition=InForce", "--timeout=60s"}, args...)...)
}

// refused applies what must not be taken, and wants all of some words in the answer.
func refused(t *testing.T, yaml string, words ...string) {
	t.Helper()
	var out string
	waitFor(t, "it is refused", 30*time.Second, func() error {
		text, err := kube.Apply(t.Context(), yaml)
		if err == nil {
			return fmt.Errorf("it was taken")
		}
		out = text + err.Error()
		return nil
	})
	for _, w := range words {
		if !strings.Contains(out, w) {
			t.Errorf("no %q in the answer:\n%s", w, out)
		}
	}
}

// TestRuleSet has rules of two teams: each sees its own namespace, and excepts in its own.
func TestRuleSet(t *testing.T) {
	kubectl(t, "-n", "goshawk", "rollout", "status", "deployment/goshawk-controller", "--timeout=2m")
	spaces := []string{namespace(t, "team-one"), namespace(t, "team-two"), namespace(t, "team-none")}
	for _, ns := range spaces {
		pod(t, ns, "app")
	}
	began := time.Now()
	for _, ns := range spaces[:2] {
		apply(t, ruleSet, ns)
		inForce(t, "-n", ns, "ruleset/web")
	}
	t.Logf("in force after %v", time.Since(began).Round(time.Millisecond))
	for _, ns := range spaces {
		sh(t, ns, "app", "/bin/true goshawk-set "+ns+"; /bin/true goshawk-test except; "+mark("end-"+ns))
	}
	for i, ns := range spaces {
		arrive(t, 1, of("Test program", "end-"+ns)) // what came before it has come, too
		for j, rule := range spaces[:2] {
			want := 0
			if i == j {
				want = 1
			}
			if got := hec.all(of("Ours in "+rule, ns)); len(got) != want {
				t.Errorf("%d alerts of %s's rule in %s, want %d", len(got), rule, ns, want)
			}
		}
		want := 0
		if i == 2 {
			want = 1
		}
		if got := hec.all(inNamespace(ns, of("Test program", "except"))); len(got) != want {
			t.Errorf("%d alerts in %s of what teams one and two except, want %d", len(got), ns, want)
		}
	}
	t.Run("taken away", func(t *testing.T) {
		ns := spaces[0]
		kubectl(t, "-n", ns, "delete", "ruleset", "web")
		waitFor(t, "its exception ends", 30*time.Second, func() error {
			sh(t, ns, "app", "/bin/true goshawk-test except")
			if len(hec.all(inNamespace(ns, of("Test program", "except")))) == 0 {
				return fmt.Errorf("no alert")
			}
			return nil
		})
	})
}

// TestRuleSetRefused applies sets that must not be taken: with a mistake, with reach
// beyond the namespace, and one for the cluster with a mistake.
func TestRuleSetRefused(t *testing.T) {
	kubectl(t, "-n", "goshawk", "rollout", "status", "deployment/goshawk-controller", "--timeout=2m")
	ns := namespace(t, "team-wrong")
	head := "apiVersion: goshawk.dev/v1alpha1\nkind: RuleSet\nmetadata: {name: bad, namespace: " + ns + "}\nspec:\n  rules: |\n"
	refused(t, head+`
    - rule: Netcat
      desc: There is a mistake in it.
      condition: evt.type = execve and proc.nmae = nc
      output: It was %proc.name
      priority: Warning
`, "ruleset/"+ns+"/bad:", "unknown field proc.nmae", "^^^^^^^^^", "did you mean proc.name?")
	refused(t, head+`
    - rule: Test program
      enabled: false
      override: {enabled: replace}
`, "Test program")
	refused(t, head+`
    - rule: Test program
      condition: or evt.type = execve
      override: {condition: append}
`, "Test program")
	refused(t, strings.Replace(head, "RuleSet\nmetadata: {name: bad, namespace: "+ns+"}", "ClusterRuleSet\nmetadata: {name: bad}", 1)+`
    - macro: wrong
      condition: evt.type = (
`, "clusterruleset/bad:")
}

// TestClusterRuleSet has rules for all namespaces, from kubectl.
func TestClusterRuleSet(t *testing.T) {
	ns := namespace(t, "cluster-rules")
	pod(t, ns, "app")
	apply(t, `
apiVersion: goshawk.dev/v1alpha1
kind: ClusterRuleSet
metadata: {name: company}
spec:
  rules: |
    - rule: Everywhere
      desc: A marked program in any namespace.
      condition: test_program and proc.args contains everywhere
      output: "%%proc.cmdline"
      priority: Notice
`)
	t.Cleanup(func() {
		_, _ = kube.Kubectl(context.Background(), "delete", "clusterruleset", "company", "--ignore-not-found")
	})
	inForce(t, "clusterruleset/company")
	sh(t, ns, "app", mark("everywhere"))
	arrive(t, 1, of("Everywhere", "everywhere"))
	if got := kubectl(t, "get", "agentstatuses", "-o", "jsonpath={.items[*].metadata.name}"); got != "node1" {
		t.Errorf("statuses of %q, want node1", got)
	}
}
