package status

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/goshawk-security/goshawk/internal/control/api"
	"github.com/goshawk-security/goshawk/internal/control/trial"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

const place = "ruleset/team/web"

// agent says which generation of the set is in force on a node, 0 for none, and which
// it refuses.
func agent(name string, inForce, refused int64, silent time.Duration) api.AgentStatus {
	a := api.AgentStatus{ObjectMeta: metav1.ObjectMeta{Name: name}}
	a.Status.Heartbeat = metav1.NewTime(now.Add(-silent))
	if inForce > 0 {
		a.Status.InForce = map[string]int64{place: inForce}
	}
	if refused > 0 {
		a.Status.Refused = []api.Refusal{{Set: "ruleset/other/x", Generation: refused}, {Set: place, Generation: refused, Message: "unknown field of " + name}}
	}
	return a
}

func TestSummary(t *testing.T) {
	good := loader.Result{InForce: loader.Current, Rules: 3, Narrowed: 1, Warnings: []*rule.Error{{Pos: rule.Pos{File: place, Line: 1, Col: 1}, Err: errors.New("odd")}}}
	bad := loader.Result{Errors: []*rule.Error{{Err: errors.New("one")}, {Err: errors.New("two")}, {Err: errors.New("three")}, {Err: errors.New("four")}}}
	tests := []struct {
		name              string
		set               set
		agents            []api.AgentStatus
		nodes             string
		accepted, inForce string // status, reason and a part of the message
	}{
		{"everywhere", set{place, 2, good, true}, []api.AgentStatus{agent("a", 2, 0, 0), agent("b", 2, 0, time.Minute)}, "2/2", "True Loads: the rules", "True EveryNode: in force on every node (2)"},
		{"no agents", set{place, 2, good, true}, nil, "0/0", "True Loads: ", "Unknown NoAgents: "},
		{"one is late", set{place, 2, good, true}, []api.AgentStatus{agent("a", 1, 0, 0), agent("b", 2, 0, 0)}, "1/2", "True Loads: ", "False Waiting: not yet in force on a"},
		{"one has never heard of it", set{place, 1, good, true}, []api.AgentStatus{agent("a", 0, 0, 0)}, "0/1", "True Loads: ", "False Waiting: not yet in force on a"},
		{"an older agent refuses", set{place, 2, good, true}, []api.AgentStatus{agent("a", 1, 2, 0), agent("b", 2, 0, 0)}, "1/2", "True Loads: ",
			"False Refused: refused by a: unknown field of a; an earlier generation stays in force on a"},
		{"what was refused was another generation", set{place, 3, good, true}, []api.AgentStatus{agent("a", 1, 2, 0)}, "0/1", "True Loads: ", "False Waiting: "},
		{"many refuse", set{place, 1, good, true}, []api.AgentStatus{agent("g", 0, 1, 0), agent("f", 0, 1, 0), agent("e", 0, 1, 0), agent("d", 0, 1, 0), agent("c", 0, 1, 0), agent("b", 0, 1, 0), agent("a", 0, 1, 0)},
			"0/7", "True Loads: ", "False Refused: refused by a, b, c, d, e and 2 more: unknown field of g"},
		{"one is silent", set{place, 2, good, true}, []api.AgentStatus{agent("a", 2, 0, time.Hour), agent("b", 2, 0, 0)}, "1/2", "True Loads: ", "False Silent: nothing was heard for 15 minutes of a"},
		{"mistakes", set{place, 2, bad, true}, []api.AgentStatus{agent("a", 0, 2, 0)}, "0/1", "False Mistakes: : one\n: two\n: three\nand 1 more", "False Refused: "},
		{"not checked", set{place, 2, loader.Result{}, false}, []api.AgentStatus{agent("a", 2, 0, 0)}, "1/1", "Unknown NotChecked: ", "True EveryNode: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := summary(tt.set, tt.agents, api.RuleSetStatus{}, now)
			if got.Nodes != tt.nodes || got.ObservedGeneration != tt.set.generation || int(got.NodesTotal) != len(tt.agents) {
				t.Errorf("%+v", got)
			}
			for kind, want := range map[string]string{api.Accepted: tt.accepted, api.InForce: tt.inForce} {
				c := meta.FindStatusCondition(got.Conditions, kind)
				if text := string(c.Status) + " " + c.Reason + ": " + c.Message; !strings.HasPrefix(text, want) {
					t.Errorf("%s\n got %s\nwant %s", kind, text, want)
				}
			}
			if tt.accepted[:4] == "True" && (got.Rules != 3 || got.Narrowed != 1 || len(got.Warnings) != 1) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// A condition that stays keeps its time, and then there is nothing to write.
func TestSummaryStays(t *testing.T) {
	s := set{place, 1, loader.Result{InForce: loader.Current}, true}
	agents := []api.AgentStatus{agent("a", 1, 0, 0)}
	first := summary(s, agents, api.RuleSetStatus{}, now)
	second := summary(s, agents, first, now.Add(time.Minute))
	if !second.Conditions[0].LastTransitionTime.Equal(&first.Conditions[0].LastTransitionTime) {
		t.Error("the time of a condition moved")
	}
}

func TestDiffer(t *testing.T) {
	a := agent("a", 1, 0, 0)
	a.Status.InForce["clusterruleset/x"] = 4
	b := agent("a", 1, 2, 0)
	b.Status.InForce["clusterruleset/y"] = 4
	got := differ(&a.Status, &b.Status)
	for _, want := range []string{place, "ruleset/other/x", "clusterruleset/x", "clusterruleset/y"} {
		if !got[want] {
			t.Errorf("%s is not in %v", want, got)
		}
	}
	if len(differ(&a.Status, a.Status.DeepCopy())) != 0 {
		t.Error("a status differs from itself")
	}
}

func newFake(t *testing.T, objects ...client.Object) client.Client {
	t.Helper()
	s := runtime.NewScheme()
	if err := api.AddToScheme(s); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(s).WithObjects(objects...).WithStatusSubresource(&api.RuleSet{}, &api.ClusterRuleSet{}).Build()
}

func TestReconcile(t *testing.T) {
	a := agent("a", 1, 0, 0)
	a.Status.Heartbeat = metav1.Now()
	text := "- rule: R\n  desc: D\n  condition: evt.type = execve\n  output: O\n  priority: Info\n"
	c := newFake(t, &a, &api.RuleSet{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "web", Generation: 1}, Spec: api.RuleSetSpec{Rules: text}})
	court := trial.New(loader.Config{Shipped: fstest.MapFS{"a.yaml": {Data: []byte("[]")}}, Catalogue: field.New(field.Syscall())})
	r := &reconciler{client: c, court: court, kind: loader.KindRuleSet, log: zap.NewNop()}
	key := types.NamespacedName{Namespace: "team", Name: "web"}
	version := ""
	for range 2 {
		if got, err := r.Reconcile(t.Context(), reconcile.Request{NamespacedName: key}); err != nil || got.RequeueAfter != lookAgain {
			t.Fatal(got, err)
		}
		var s api.RuleSet
		if err := c.Get(t.Context(), key, &s); err != nil {
			t.Fatal(err)
		}
		if s.Status.Rules != 1 || s.Status.Nodes != "1/1" || !meta.IsStatusConditionTrue(s.Status.Conditions, api.InForce) {
			t.Errorf("%+v", s.Status)
		}
		if version != "" && version != s.ResourceVersion {
			t.Error("written without a change")
		}
		version = s.ResourceVersion
	}
	if got, err := r.Reconcile(t.Context(), reconcile.Request{NamespacedName: types.NamespacedName{Name: "gone"}}); err != nil || got.RequeueAfter != 0 {
		t.Error(got, err)
	}
}

func TestGone(t *testing.T) {
	old, young := agent("old", 1, 0, 25*time.Hour), agent("young", 1, 0, 23*time.Hour)
	c := newFake(t, &old, &young)
	(&Gone{Client: c, Log: zap.NewNop()}).once(t.Context(), now)
	var left api.AgentStatusList
	if err := c.List(t.Context(), &left); err != nil || len(left.Items) != 1 || left.Items[0].Name != "young" {
		t.Errorf("%v %v", left.Items, err)
	}
}
