package follow

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/goshawk-security/goshawk/internal/control/api"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

// set is a rule set of a namespace.
func set(namespace, name, rules string, generation int64) api.RuleSet {
	return api.RuleSet{TypeMeta: metav1.TypeMeta{APIVersion: "goshawk.dev/v1alpha1", Kind: "RuleSet"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Generation: generation, ResourceVersion: fmt.Sprint(generation)},
		Spec:       api.RuleSetSpec{Rules: rules}}
}

func ruleSets(sets ...api.RuleSet) *api.RuleSetList {
	return &api.RuleSetList{TypeMeta: metav1.TypeMeta{APIVersion: "goshawk.dev/v1alpha1", Kind: "RuleSetList"}, ListMeta: metav1.ListMeta{ResourceVersion: "1"}, Items: sets}
}

// start runs a Follower for the time of a test.
func start(t *testing.T, s *server, file string) (f *Follower, stop func()) {
	t.Helper()
	f, err := New(Config{Rest: s.config(), Node: "node1", Version: "v1", File: file, Settle: time.Millisecond, Spread: time.Millisecond, Heartbeat: time.Hour}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	f.pause = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); f.Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return f, stop
}

// until waits for something to come true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not in time", what)
		}
	}
}

// sources writes the sources of a Follower on one line.
func sources(f *Follower) string {
	var all []string
	for _, s := range f.Sources() {
		text := fmt.Sprintf("%s@%d=%s", s.Place(), s.Generation, s.Text)
		if s.Last != "" {
			text += "<" + s.Last
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestFollow(t *testing.T) {
	s := newServer(t)
	s.list(api.RuleSets, ruleSets(set("a", "x", "one", 1)))
	s.list(api.ClusterRuleSets, &api.ClusterRuleSetList{Items: []api.ClusterRuleSet{{ObjectMeta: metav1.ObjectMeta{Name: "c", Generation: 7}, Spec: api.ClusterRuleSetSpec{Rules: "all", Order: 3}}}})
	f, _ := start(t, s, "")
	until(t, "first lists", func() bool { return sources(f) == "clusterruleset/c@7=all ruleset/a/x@1=one" })
	<-f.Changed()
	until(t, "watch", func() bool { return s.watched(api.RuleSets) && f.Health() == nil && f.Stats().Synced })

	s.send(api.RuleSets, "MODIFIED", set("a", "x", "two", 2))
	until(t, "change", func() bool { return strings.Contains(sources(f), "ruleset/a/x@2=two") })
	<-f.Changed()
	s.send(api.RuleSets, "ADDED", set("b", "y", "three", 1))
	s.send(api.RuleSets, "DELETED", set("a", "x", "two", 2))
	until(t, "more changes", func() bool { return sources(f) == "clusterruleset/c@7=all ruleset/b/y@1=three" })
	<-f.Changed()

	// A new status of the object is no change of the rules.
	same := set("b", "y", "three", 1)
	same.ResourceVersion, same.Status.Rules = "9", 1
	s.send(api.RuleSets, "MODIFIED", same)
	s.send(api.RuleSets, "MODIFIED", set("b", "y", "four", 2))
	until(t, "last change", func() bool { return strings.Contains(sources(f), "four") })
	<-f.Changed()
	select {
	case <-f.Changed():
		t.Error("a change that is none")
	case <-time.After(50 * time.Millisecond):
	}
	if got := f.Stats(); got.RuleSets != 1 || got.ClusterRuleSets != 1 {
		t.Errorf("%+v", got)
	}
}

// What became of the sets is written, and the text that is in force is kept beside one
// that is refused.
func TestTell(t *testing.T) {
	s := newServer(t)
	s.list(api.RuleSets, ruleSets(set("a", "x", "good", 1), set("b", "y", "bad", 1)))
	f, _ := start(t, s, "")
	until(t, "lists", func() bool { return len(f.Sources()) == 2 })
	bad := &rule.Error{Pos: rule.Pos{File: "ruleset/b/y", Line: 1, Col: 2}, Err: errors.New(strings.Repeat("ö", 500))}
	load := func() (r Report) {
		r = Report{Hash: "h", Rules: 5}
		for _, s := range f.Sources() {
			result := loader.Result{Source: s, InForce: loader.Current}
			if strings.HasPrefix(s.Text, "bad") {
				result.Errors, result.InForce = []*rule.Error{bad}, loader.None
				if s.Last != "" {
					result.InForce = loader.Earlier
				}
			}
			r.Results = append(r.Results, result)
		}
		return r
	}
	f.Tell(load())
	got := <-s.written
	if got.Name != "node1" || len(got.OwnerReferences) != 1 || got.OwnerReferences[0].UID != "u-1" || got.OwnerReferences[0].Kind != "Node" {
		t.Errorf("%+v", got.ObjectMeta)
	}
	st := got.Status
	if st.RulesHash != "h" || st.Rules != 5 || st.Version != "v1" || time.Since(st.Heartbeat.Time) > time.Minute || len(st.InForce) != 1 || st.InForce["ruleset/a/x"] != 1 ||
		st.RefusedTotal != 1 || st.Refused[0].Set != "ruleset/b/y" || !strings.HasPrefix(st.Refused[0].Message, "ruleset/b/y:1:2: ö") || len(st.Refused[0].Message) > maxMessage {
		t.Errorf("%+v %v %d", st, time.Since(st.Heartbeat.Time), len(st.Refused[0].Message))
	}
	until(t, "watch", func() bool { return s.watched(api.RuleSets) })
	s.send(api.RuleSets, "MODIFIED", set("a", "x", "bad too", 2))
	until(t, "the good text beside the bad one", func() bool { return sources(f) == "ruleset/a/x@2=bad too<good ruleset/b/y@1=bad" })
	f.Tell(load())
	if st := (<-s.written).Status; st.InForce["ruleset/a/x"] != 1 || st.RefusedTotal != 2 || f.Stats().Refused != 2 {
		t.Errorf("%+v", st)
	}
	// Rules that cannot be loaded at all leave those of before in force.
	f.Tell(Report{Err: errors.New("no file")})
	if st := (<-s.written).Status; st.Error != "no file" || st.InForce["ruleset/a/x"] != 1 || st.RulesHash != "h" {
		t.Errorf("%+v", st)
	}
}

// What the API server does not do leaves things as they are, says why, and mends
// itself.
func TestDegraded(t *testing.T) {
	tests := []struct {
		name string
		code int
		want string
	}{
		{"no definitions", 404, ErrNotInstalled.Error()},
		{"no permission", 403, "may not list and watch rulesets"},
		{"an error", 500, "follow rulesets: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.list(api.RuleSets, ruleSets(set("a", "x", "one", 1)))
			f, _ := start(t, s, "")
			until(t, "watch", func() bool { return s.watched(api.RuleSets) && f.Health() == nil })
			s.fail(api.RuleSets, tt.code)
			until(t, tt.want, func() bool { return f.Health() != nil && strings.Contains(f.Health().Error(), tt.want) })
			if sources(f) != "ruleset/a/x@1=one" {
				t.Error(sources(f))
			}
			s.list(api.RuleSets, ruleSets(set("a", "x", "two", 2)))
			s.fail(api.RuleSets, 0)
			until(t, "recovery", func() bool { return f.Health() == nil && sources(f) == "ruleset/a/x@2=two" })
		})
	}
}

// A status that cannot be written is written when it can be.
func TestStatusLater(t *testing.T) {
	s := newServer(t)
	s.fail(api.AgentStatuses, 500)
	f, _ := start(t, s, "")
	until(t, "watch", func() bool { return s.watched(api.RuleSets) })
	f.Tell(Report{Hash: "h"})
	until(t, "failure", func() bool { return f.Stats().WriteErrors > 0 && f.Health() != nil })
	s.fail(api.AgentStatuses, 0)
	f.Tell(Report{Hash: "i"})
	if st := (<-s.written).Status; st.RulesHash != "i" {
		t.Errorf("%+v", st)
	}
	until(t, "recovery", func() bool { return f.Health() == nil })
}

// A start without an API server goes on with the sets of before.
func TestFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rulesets.json")
	s := newServer(t)
	s.list(api.RuleSets, ruleSets(set("a", "x", "one", 1)))
	f, stop := start(t, s, file)
	until(t, "lists", func() bool { return len(f.Sources()) == 1 })
	f.Tell(Report{Results: []loader.Result{{Source: f.Sources()[0], InForce: loader.Current}}})
	until(t, "watch", func() bool { return s.watched(api.RuleSets) })
	s.send(api.RuleSets, "MODIFIED", set("a", "x", "two", 2))
	until(t, "change", func() bool { return sources(f) == "ruleset/a/x@2=two<one" })
	<-f.Changed()
	until(t, "file", func() bool {
		m, err := readMemory(file)
		return err == nil && len(m.Sets) == 1 && m.Sets[0].Text == "two"
	})
	stop()
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}

	s.fail(api.RuleSets, 500)
	g, _ := start(t, s, file)
	if sources(g) != "ruleset/a/x@2=two<one" {
		t.Errorf("after the start: %s", sources(g))
	}
	for name, text := range map[string]string{"broken": "{", "empty": ""} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if h, _ := start(t, s, file); len(h.Sources()) != 0 {
			t.Errorf("%s: %s", name, sources(h))
		}
	}
}

func TestNoNode(t *testing.T) {
	if _, err := New(Config{}, zap.NewNop()); err == nil {
		t.Error("no error")
	}
}
