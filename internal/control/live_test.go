package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/goshawk-security/goshawk/internal/control/api"
	"github.com/goshawk-security/goshawk/internal/control/follow"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

const files = `- macro: shell
  condition: proc.name in (sh, bash)
- rule: Shell
  desc: D
  condition: evt.type = execve and shell
  output: O
  priority: Info
`

// ruleFiles is what controller and agents load beside the sets.
func ruleFiles() loader.Config {
	return loader.Config{Shipped: fstest.MapFS{"a.yaml": {Data: []byte(files)}}, Catalogue: field.New(field.Syscall())}
}

// cluster is an API server with what an installation makes, and a controller.
type cluster struct {
	*server
	client.Client // the administrator's
	warnings      *warnings
	webhook       int // port
	health        int
}

// warnings keeps what the API server warns of.
type warnings struct {
	mu  sync.Mutex
	all []string
}

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext.
func (w *warnings) HandleWarningHeaderWithContext(_ context.Context, _ int, _, text string) {
	w.mu.Lock()
	w.all = append(w.all, text)
	w.mu.Unlock()
}

func (w *warnings) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := strings.Join(w.all, "\n")
	w.all = nil
	return text
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{server: newServer(t), warnings: &warnings{}, webhook: freePort(t), health: freePort(t)}
	config := c.config(admin)
	config.WarningHandlerWithContext = c.warnings
	until(t, "API server", func() error {
		var err error
		if c.Client, err = client.New(config, client.Options{Scheme: newScheme()}); err != nil {
			return err
		}
		return c.Get(t.Context(), types.NamespacedName{Name: "default"}, &corev1.Namespace{})
	})
	crds, err := filepath.Glob("../../deploy/crds/*.yaml")
	if err != nil || len(crds) != 3 {
		t.Fatal(crds, err)
	}
	for _, name := range crds {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c.apply(t, string(text))
	}
	for _, name := range []string{"goshawk", "team", "other"} {
		c.make(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	c.permissions(t)
	c.install(t)
	return c
}

// apply creates the objects of a text.
func (c *cluster) apply(t *testing.T, text string) {
	t.Helper()
	for _, doc := range strings.Split(text, "\n---\n") {
		var u unstructured.Unstructured
		if err := yaml.Unmarshal([]byte(doc), &u.Object); err != nil {
			t.Fatal(err)
		}
		c.make(t, &u)
	}
}

func (c *cluster) make(t *testing.T, obj client.Object) {
	t.Helper()
	if err := c.Create(t.Context(), obj); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
}

// permissions gives controller and agent what the manual says, and nothing else.
func (c *cluster) permissions(t *testing.T) {
	t.Helper()
	manual, err := os.ReadFile("../../docs/rulesets.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(manual), "\n## Permissions\n")
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(section, -1)
	if !found || len(blocks) != 2 {
		t.Fatalf("%d blocks of permissions", len(blocks))
	}
	for _, b := range blocks {
		c.apply(t, b[1])
	}
	bind := func(kind, role, user, namespace string) {
		text := fmt.Sprintf("apiVersion: rbac.authorization.k8s.io/v1\nkind: %sBinding\nmetadata: {name: %s, namespace: %q}\n"+
			"roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: %s}\nsubjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %s}]\n", kind, role, namespace, kind, role, user)
		c.apply(t, text)
	}
	bind("ClusterRole", "goshawk-agent-rulesets", "agent", "")
	bind("ClusterRole", "goshawk-controller", "controller", "")
	bind("Role", "goshawk-controller", "controller", "goshawk")
}

// install makes what the Helm chart does for the controller. The API server finds the
// webhook under the name of its Service, here on the same machine.
func (c *cluster) install(t *testing.T) {
	t.Helper()
	c.make(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "goshawk", Name: "goshawk-controller-certificate"}})
	c.apply(t, "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: goshawk-controller, namespace: goshawk}\n")
	c.make(t, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "goshawk", Name: "goshawk-controller"},
		Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"}})
	hooks := &admissionv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "goshawk-controller"}}
	fail, none, port := admissionv1.Fail, admissionv1.SideEffectClassNone, int32(c.webhook)
	for _, resource := range []string{api.RuleSets, api.ClusterRuleSets} {
		path := "/validate/" + resource
		hooks.Webhooks = append(hooks.Webhooks, admissionv1.ValidatingWebhook{
			Name: resource + ".goshawk.dev", FailurePolicy: &fail, SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
			ClientConfig: admissionv1.WebhookClientConfig{Service: &admissionv1.ServiceReference{Namespace: "goshawk", Name: "goshawk-controller", Path: &path, Port: &port}},
			Rules: []admissionv1.RuleWithOperations{{Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update},
				Rule: admissionv1.Rule{APIGroups: []string{"goshawk.dev"}, APIVersions: []string{"v1alpha1"}, Resources: []string{resource}}}},
			ObjectSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: "goshawk.dev/admission", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"skip"}}}},
		})
	}
	c.make(t, hooks)
}

// control runs a controller for the time of the test, and waits until it is ready.
func (c *cluster) control(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	log := zaptest.NewLogger(t, zaptest.Level(zap.InfoLevel))
	cfg := Config{Rest: c.config(controllerToken), Rules: ruleFiles(), Namespace: "goshawk", Service: "goshawk-controller", Secret: "goshawk-controller-certificate",
		Webhook: "goshawk-controller", Listen: fmt.Sprintf("127.0.0.1:%d", c.webhook), Health: fmt.Sprintf("127.0.0.1:%d", c.health), Metrics: "0", Lead: true}
	go func() { done <- Run(ctx, cfg, log) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("controller: %v", err)
		}
	})
	until(t, "controller ready", func() error {
		select {
		case err := <-done:
			t.Fatalf("the controller ended: %v", err)
		default:
		}
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/readyz", c.health))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %s", resp.Status)
		}
		return nil
	})
}

// agent follows the sets as an agent does, for the time of the test.
func (c *cluster) agent(t *testing.T, node string) *follow.Follower {
	t.Helper()
	c.make(t, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: node}})
	f, err := follow.New(follow.Config{Rest: c.config(agentToken), Node: node, Version: "test", Settle: 10 * time.Millisecond, Spread: 10 * time.Millisecond}, zaptest.NewLogger(t, zaptest.Level(zap.InfoLevel)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{}, 2)
	go func() { f.Run(ctx); done <- struct{}{} }()
	load := func() {
		cfg := ruleFiles()
		cfg.Sources = f.Sources()
		set, results, err := loader.Load(cfg)
		f.Tell(follow.Report{Hash: set.Hash(), Rules: len(set.Rules), Results: results, Err: err})
	}
	go func() {
		defer func() { done <- struct{}{} }()
		for load(); ; load() {
			select {
			case <-ctx.Done():
				return
			case <-f.Changed():
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done; <-done })
	return f
}

// named writes a rule.
func named(name, condition string) string {
	return fmt.Sprintf("- rule: %s\n  desc: D\n  condition: %s\n  output: O\n  priority: Info\n", name, condition)
}

func ruleSet(namespace, name, rules string) *api.RuleSet {
	return &api.RuleSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: api.RuleSetSpec{Rules: rules}}
}

func clusterSet(name, rules string) *api.ClusterRuleSet {
	return &api.ClusterRuleSet{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: api.ClusterRuleSetSpec{Rules: rules}}
}

// expect waits for the conditions of a rule set: "Accepted=True InForce=False/Refused".
func (c *cluster) expect(t *testing.T, namespace, name, nodes, want string) api.RuleSetStatus {
	t.Helper()
	var s api.RuleSet
	until(t, name+" "+want, func() error {
		if err := c.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: name}, &s); err != nil {
			return err
		}
		got := ""
		for _, kind := range []string{api.Accepted, api.InForce} {
			if cond := meta.FindStatusCondition(s.Status.Conditions, kind); cond != nil && cond.ObservedGeneration == s.Generation {
				got += fmt.Sprintf("%s=%s/%s ", kind, cond.Status, cond.Reason)
			}
		}
		if strings.TrimSpace(got) != want || s.Status.Nodes != nodes {
			return fmt.Errorf("%s, nodes %s: %+v", got, s.Status.Nodes, s.Status.Conditions)
		}
		return nil
	})
	return s.Status
}

// A cluster with a controller and two agents, each with the permissions of the manual.
func TestCluster(t *testing.T) {
	c := newCluster(t)
	ctx := t.Context()
	if err := c.Create(ctx, ruleSet("team", "early", "")); err == nil || !strings.Contains(err.Error(), "failed calling webhook") {
		t.Errorf("without a controller a set came through: %v", err)
	}
	skipped := ruleSet("team", "skipped", "nonsense")
	skipped.Labels = map[string]string{"goshawk.dev/admission": "skip"}
	if err := c.Create(ctx, skipped); err != nil {
		t.Errorf("with the label: %v", err)
	}
	c.control(t)

	t.Run("a broken set is refused, with the line", func(t *testing.T) {
		err := c.Create(ctx, ruleSet("team", "web", named("R", "evt.type = execve and proc.nmae = nc")))
		want := "denied the request: ruleset/team/web:3:36: error[unknown-field]: rule \"R\": unknown field proc.nmae\n" +
			" 3 |   condition: evt.type = execve and proc.nmae = nc\n   |                                    ^^^^^^^^^\n   = did you mean proc.name?"
		if err == nil || !strings.Contains(err.Error(), want) || !apierrors.IsInvalid(err) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	})
	c.make(t, ruleSet("team", "web", named("R", "evt.type = execve and shell")))
	c.make(t, clusterSet("tools", "- macro: tools\n  condition: proc.name = nc\n"))
	c.expect(t, "team", "web", "0/0", "Accepted=True/Loads InForce=Unknown/NoAgents")

	one, two := c.agent(t, "node1"), c.agent(t, "node2")
	if s := c.expect(t, "team", "web", "2/2", "Accepted=True/Loads InForce=True/EveryNode"); s.Rules != 1 {
		t.Errorf("%+v", s)
	}
	t.Run("what agents write", func(t *testing.T) {
		var a api.AgentStatus
		if err := c.Get(ctx, types.NamespacedName{Name: "node1"}, &a); err != nil {
			t.Fatal(err)
		}
		if len(a.OwnerReferences) != 1 || a.OwnerReferences[0].Name != "node1" || a.OwnerReferences[0].UID == "" || a.Status.Version != "test" || a.Status.RulesHash == "" {
			t.Errorf("%+v", a)
		}
	})
	t.Run("a set that was let through is refused by the agents", func(t *testing.T) {
		s := c.expect(t, "team", "skipped", "0/2", "Accepted=False/Mistakes InForce=False/Refused")
		if m := meta.FindStatusCondition(s.Conditions, api.InForce).Message; !strings.Contains(m, "refused by node1, node2: ruleset/team/skipped:1:1: a rule file is a list") {
			t.Error(m)
		}
	})
	t.Run("a set that uses another", func(t *testing.T) {
		c.make(t, ruleSet("team", "uses", named("Uses", "evt.type = execve and tools")))
		c.expect(t, "team", "uses", "2/2", "Accepted=True/Loads InForce=True/EveryNode")
		c.warnings.take()
		var tools api.ClusterRuleSet
		if err := c.Get(ctx, types.NamespacedName{Name: "tools"}, &tools); err != nil {
			t.Fatal(err)
		}
		tools.Spec.Rules = "- macro: other\n  condition: proc.name = nc\n"
		if err := c.Update(ctx, &tools); err != nil {
			t.Fatal(err)
		}
		if w := c.warnings.take(); !strings.Contains(w, "this breaks ruleset/team/uses: ruleset/team/uses:3:36") {
			t.Errorf("warnings: %s", w)
		}
		c.expect(t, "team", "uses", "0/2", "Accepted=False/Mistakes InForce=False/Refused")
		c.expect(t, "team", "web", "2/2", "Accepted=True/Loads InForce=True/EveryNode")
	})
	t.Run("a change reaches every node", func(t *testing.T) {
		var web api.RuleSet
		if err := c.Get(ctx, types.NamespacedName{Namespace: "team", Name: "web"}, &web); err != nil {
			t.Fatal(err)
		}
		web.Spec.Rules += "- rule: Shell\n  condition: and not proc.pid = 1\n  override: {condition: append}\n"
		if err := c.Update(ctx, &web); err != nil {
			t.Fatal(err)
		}
		if s := c.expect(t, "team", "web", "2/2", "Accepted=True/Loads InForce=True/EveryNode"); s.Narrowed != 1 {
			t.Errorf("%+v", s)
		}
		if err := c.Delete(ctx, &web); err != nil {
			t.Fatal(err)
		}
		until(t, "gone", func() error {
			for _, f := range []*follow.Follower{one, two} {
				if s := f.Sources(); len(s) != 3 {
					return fmt.Errorf("%d sets", len(s))
				}
			}
			return nil
		})
	})
	for _, f := range []*follow.Follower{one, two} {
		if err := f.Health(); err != nil {
			t.Error(err)
		}
	}
}

// A cluster without the definitions: the controller says so, an agent waits for them.
func TestNotInstalled(t *testing.T) {
	s := newServer(t)
	until(t, "API server", func() error {
		c, err := client.New(s.config(admin), client.Options{Scheme: newScheme()})
		if err != nil {
			return err
		}
		return c.Get(t.Context(), types.NamespacedName{Name: "default"}, &corev1.Namespace{})
	})
	f, err := follow.New(follow.Config{Rest: s.config(admin), Node: "node1"}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); f.Run(ctx) }()
	until(t, "not installed", func() error {
		if err := f.Health(); !errors.Is(err, follow.ErrNotInstalled) {
			return fmt.Errorf("health: %w", err)
		}
		return nil
	})
	cancel()
	<-done
	cfg := Config{Rest: s.config(admin), Rules: ruleFiles(), Namespace: "default", Service: "s", Secret: "s", Listen: fmt.Sprintf("127.0.0.1:%d", freePort(t)),
		Health: fmt.Sprintf("127.0.0.1:%d", freePort(t)), Metrics: "0"}
	ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := Run(ctx, cfg, zap.NewNop()); err == nil || !strings.Contains(err.Error(), "deploy/crds") {
		t.Errorf("%v", err)
	}
}
