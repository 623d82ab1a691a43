package admit

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/zap"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/goshawk-security/goshawk/internal/control/api"
	"github.com/goshawk-security/goshawk/internal/control/trial"
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

// named writes a rule.
func named(name, condition string) string {
	return fmt.Sprintf("- rule: %s\n  desc: D\n  condition: %s\n  output: O\n  priority: Info\n", name, condition)
}

func clusterSet(name, rules string) *api.ClusterRuleSet {
	return &api.ClusterRuleSet{ObjectMeta: metav1.ObjectMeta{Name: name, Generation: 1}, Spec: api.ClusterRuleSetSpec{Rules: rules}}
}

func ruleSet(namespace, name, rules string) *api.RuleSet {
	return &api.RuleSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Generation: 1}, Spec: api.RuleSetSpec{Rules: rules}}
}

// askUpdate asks for an object that takes the place of another.
func askUpdate(t *testing.T, obj, old client.Object) admission.Response {
	t.Helper()
	raw, err := json.Marshal(old)
	if err != nil {
		t.Fatal(err)
	}
	return asked(t, files, admissionv1.Update, runtime.RawExtension{Raw: raw}, obj)
}

// ask asks for an object beside those that are there.
func ask(t *testing.T, text string, op admissionv1.Operation, obj client.Object, there ...client.Object) admission.Response {
	t.Helper()
	return asked(t, text, op, runtime.RawExtension{}, obj, there...)
}

func asked(t *testing.T, text string, op admissionv1.Operation, old runtime.RawExtension, obj client.Object, there ...client.Object) admission.Response {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := api.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	court := trial.New(loader.Config{Shipped: fstest.MapFS{"a.yaml": {Data: []byte(text)}}, Catalogue: field.New(field.Syscall())})
	reader := fake.NewClientBuilder().WithScheme(scheme).WithObjects(there...).Build()
	h := NewRuleSet(court, reader, scheme, zap.NewNop())
	if obj.GetNamespace() == "" {
		h = NewClusterRuleSet(court, reader, scheme, zap.NewNop())
	}
	raw, err := json.Marshal(obj)
	if err != nil {
		t.Fatal(err)
	}
	return h.Handle(t.Context(), admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{
		Operation: op, Namespace: obj.GetNamespace(), Name: obj.GetName(), Object: runtime.RawExtension{Raw: raw}, OldObject: old}})
}

func TestHandle(t *testing.T) {
	uses := ruleSet("team", "uses", named("Uses", "evt.type = execve and tools"))
	tools := clusterSet("tools", "- macro: tools\n  condition: proc.name = nc\n")
	tests := []struct {
		name     string
		obj      client.Object
		there    []client.Object
		refused  string // a part of the message; "" if it is let through
		warnings string // parts of the warnings, with | between them
	}{
		{"a good set", ruleSet("team", "web", named("R", "evt.type = execve and shell")), nil, "", ""},
		{"a mistake, with the line", ruleSet("team", "web", named("R", "evt.type = execve and shel")), nil,
			"ruleset/team/web:3:36: error[unknown-macro]: rule \"R\": unknown macro shel\n" +
				" 3 |   condition: evt.type = execve and shel\n   |                                    ^^^^\n   = did you mean shell?", ""},
		{"what is not its own", ruleSet("team", "web", "- rule: Shell\n  enabled: false\n"), nil, "error[not-own]: rule \"Shell\"", ""},
		{"a warning", ruleSet("team", "web", named("R", "evt.type = execve and proc.name in (nc, nc)")), nil, "", `ruleset/team/web:3:54: rule "R": nc is in the list already`},
		{"a macro of a cluster set", uses, []client.Object{tools}, "", ""},
		{"a macro that is not there", uses, nil, "unknown macro tools", ""},
		{"a broken set that is there", ruleSet("team", "web", named("R", "evt.type = execve")), []client.Object{clusterSet("x", "- rule: [\n"), ruleSet("team", "other", "nonsense")}, "", ""},
		{"a cluster set", tools, nil, "", ""},
		{"a cluster set with a mistake", clusterSet("x", "- macro: m\n"), nil, `clusterruleset/x:1:3: error[bad-item]: macro "m": the macro has no condition`, ""},
		{"a cluster set that breaks one of a namespace", clusterSet("tools", "- macro: other\n  condition: proc.name = nc\n"), []client.Object{tools, uses}, "", `this breaks ruleset/team/uses: ruleset/team/uses:3:36: rule "Uses": unknown macro tools`},
		{"a cluster set that breaks another", clusterSet("tools", ""), []client.Object{tools, clusterSet("uses", named("Uses", "evt.type = execve and tools"))},
			"the rules would break clusterruleset/uses: change that first\nclusterruleset/uses:3:36: error[unknown-macro]", ""},
		{"a cluster set that breaks the files", clusterSet("x", "- macro: shell\n  condition: other\n- macro: other\n  condition: shell\n"), nil, "circle", ""},
		{"too large", ruleSet("team", "web", "# "+strings.Repeat("x", loader.MaxSource)), nil, "larger than 256 KiB", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, op := range []admissionv1.Operation{admissionv1.Create, admissionv1.Update} {
				got := ask(t, files, op, tt.obj, tt.there...)
				if got.Allowed != (tt.refused == "") {
					t.Fatalf("allowed %v: %v", got.Allowed, got.Result)
				}
				if !got.Allowed && (!strings.Contains(got.Result.Message, tt.refused) || got.Result.Code != 422) {
					t.Errorf("got  %s\nwant %s", got.Result.Message, tt.refused)
				}
				all := strings.Join(got.Warnings, "|")
				for _, want := range strings.Split(tt.warnings, "|") {
					if !strings.Contains(all, want) || (tt.warnings == "") != (all == "") {
						t.Errorf("warnings %q, want %q", all, want)
					}
				}
			}
		})
	}
}

// A controller that cannot check lets through: agents check as well.
func TestNotChecked(t *testing.T) {
	got := ask(t, "- rule: x\n", admissionv1.Create, ruleSet("team", "web", "nonsense"))
	if !got.Allowed || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "not checked") {
		t.Errorf("%+v", got)
	}
}

// A change that leaves the rules alone is let through, however they are: labels, and
// finalizers, without which a broken set could not be removed.
func TestUnchanged(t *testing.T) {
	now, old := ruleSet("team", "web", "nonsense"), ruleSet("team", "web", "nonsense")
	now.Labels = map[string]string{"a": "b"}
	if got := askUpdate(t, now, old); !got.Allowed {
		t.Errorf("%+v", got)
	}
	old.Spec.Rules = "other nonsense"
	if got := askUpdate(t, now, old); got.Allowed {
		t.Error("a change to rules with a mistake was let through")
	}
	now.DeletionTimestamp = &metav1.Time{Time: time.Now()}
	if got := askUpdate(t, now, old); !got.Allowed {
		t.Errorf("%+v", got)
	}
}

func TestDelete(t *testing.T) {
	if got := ask(t, files, admissionv1.Delete, ruleSet("team", "web", "nonsense")); !got.Allowed {
		t.Errorf("%+v", got)
	}
}

// Many mistakes are not all told.
func TestManyMistakes(t *testing.T) {
	var rules strings.Builder
	for i := range 50 {
		rules.WriteString(named(fmt.Sprintf("R%d", i), "proc.nmae = a"))
	}
	got := ask(t, files, admissionv1.Create, ruleSet("team", "web", rules.String()))
	if got.Allowed || strings.Count(got.Result.Message, "error[") != maxErrors || !strings.HasSuffix(got.Result.Message, "and 40 more mistakes: goshawk rules check shows all") {
		t.Errorf("%v", got.Result)
	}
}
