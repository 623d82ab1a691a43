package kube

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	"k8s.io/client-go/rest"

	"github.com/goshawk-security/goshawk/internal/enrich/metadata"
	"github.com/goshawk-security/goshawk/internal/event"
)

type obj = map[string]any

// patience is how long the API server may take for anything here.
const patience = time.Minute

// follower is a Client that runs, and what it told.
type follower struct {
	*Client
	t     testing.TB
	mu    sync.Mutex
	told  []metadata.PodReport
	stop  func()
	ended chan struct{}
}

func follow(t testing.TB, config *rest.Config, node string, grace time.Duration) *follower {
	t.Helper()
	f := &follower{t: t, ended: make(chan struct{})}
	var err error
	f.Client, err = New(Config{Rest: config, Node: node, Grace: grace, Report: func(r metadata.PodReport) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.told = append(f.told, r)
	}}, zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f.stop = func() { cancel(); <-f.ended }
	go func() { defer close(f.ended); f.Run(ctx) }()
	t.Cleanup(f.stop)
	return f
}

// reports returns what was told of a pod, by its name or one of its UIDs.
func (f *follower) reports(pod string) []metadata.PodReport {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []metadata.PodReport
	for _, r := range f.told {
		if r.Pod != nil && r.Pod.Name == pod || len(r.UIDs) > 0 && r.UIDs[len(r.UIDs)-1] == pod || len(r.UIDs) > 0 && r.UIDs[0] == pod {
			list = append(list, r)
		}
	}
	return list
}

// until waits for a report of a pod, and returns it.
func (f *follower) until(pod, what string, ok func(metadata.PodReport) bool) metadata.PodReport {
	f.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		list := f.reports(pod)
		if len(list) > 0 && ok(list[len(list)-1]) {
			return list[len(list)-1]
		}
		if time.Now().After(end) {
			f.t.Fatalf("%s: %s: not told; last of %d reports: %+v; health: %v", pod, what, len(list), list[max(0, len(list)-1):], f.Health())
		}
	}
}

// whole waits until a pod is told with its owners.
func (f *follower) whole(pod string) metadata.PodReport {
	f.t.Helper()
	return f.until(pod, "owners", func(r metadata.PodReport) bool { return r.Answered&event.SourceOwners != 0 })
}

// namespace makes one of this test.
func (s *server) namespace(t testing.TB) string {
	t.Helper()
	ns := name(t, "")
	s.must(t, http.MethodPost, "/api/v1/namespaces", obj{"metadata": obj{"name": ns, "labels": obj{"team": "payments"}, "annotations": obj{"cost": "7"}}})
	return ns
}

// uid returns the UID of what a call made.
func uid(o obj) string { return o["metadata"].(obj)["uid"].(string) }

func ref(kind, version string, made obj) obj {
	return obj{"kind": kind, "apiVersion": version, "name": made["metadata"].(obj)["name"], "uid": uid(made), "controller": true}
}

// pod makes one on a node. meta and spec come on top of the least there is.
func (s *server) pod(t testing.TB, ns, name, node string, meta, spec obj) obj {
	t.Helper()
	m := obj{"name": name}
	maps.Copy(m, meta)
	sp := obj{"nodeName": node, "serviceAccountName": "robot", "containers": []obj{{"name": "main", "image": "example.org/app:1"}}}
	maps.Copy(sp, spec)
	return s.must(t, http.MethodPost, "/api/v1/namespaces/"+ns+"/pods", obj{"metadata": m, "spec": sp})
}

// status sets a part of a pod's status.
func (s *server) status(t testing.TB, ns, name string, status obj) {
	t.Helper()
	s.must(t, http.MethodPatch, "/api/v1/namespaces/"+ns+"/pods/"+name+"/status", obj{"status": status})
}

// remove deletes a pod at once: no kubelet is here that would end it.
func (s *server) remove(t testing.TB, ns, name string) {
	t.Helper()
	s.must(t, http.MethodDelete, "/api/v1/namespaces/"+ns+"/pods/"+name+"?gracePeriodSeconds=0", nil)
}

func addresses(ips ...string) obj {
	list := []obj{}
	for _, ip := range ips {
		list = append(list, obj{"ip": ip})
	}
	return obj{"podIP": ips[0], "podIPs": list, "phase": "Running"}
}

// template is what every workload needs.
var template = obj{"metadata": obj{"labels": obj{"app": "x"}}, "spec": obj{"containers": []obj{{"name": "c", "image": "i"}}}}

// workload makes an object that owns pods, with owner as its own.
func (s *server) workload(t testing.TB, ns, kind, name string, owner obj) obj {
	t.Helper()
	selector := obj{"matchLabels": obj{"app": "x"}}
	spec, path, version := obj{"selector": selector, "template": template}, "/apis/apps/v1", "apps/v1"
	switch kind {
	case "StatefulSet":
		spec["serviceName"] = "none"
	case "ReplicationController":
		spec["selector"], path, version = obj{"app": "x"}, "/api/v1", "v1"
	case "Job":
		spec, path, version = jobSpec(), "/apis/batch/v1", "batch/v1"
	case "CronJob":
		spec, path, version = obj{"schedule": "* * * * *", "jobTemplate": obj{"spec": jobSpec()}}, "/apis/batch/v1", "batch/v1"
	}
	meta := obj{"name": name, "labels": obj{"kind": strings.ToLower(kind)}}
	if owner != nil {
		meta["ownerReferences"] = []obj{owner}
	}
	return s.must(t, http.MethodPost, fmt.Sprintf("%s/namespaces/%s/%ss", path, ns, strings.ToLower(kind)), obj{"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec})
}

func jobSpec() obj {
	return obj{"template": obj{"spec": obj{"restartPolicy": "Never", "containers": []obj{{"name": "c", "image": "i"}}}}}
}

func TestOwners(t *testing.T) {
	s := realServer(t)
	ns, node := s.namespace(t), name(t, "")
	f := follow(t, s.config(adminToken), node, 0)
	of := func(kind, name string, made obj) event.Object {
		return event.Object{Kind: kind, Name: name, UID: uid(made), Labels: map[string]string{"kind": strings.ToLower(kind)}}
	}
	deployment := s.workload(t, ns, "Deployment", "web", nil)
	replicas := s.workload(t, ns, "ReplicaSet", "web-1", ref("Deployment", "apps/v1", deployment))
	cron := s.workload(t, ns, "CronJob", "nightly", nil)
	job := s.workload(t, ns, "Job", "nightly-1", ref("CronJob", "batch/v1", cron))
	stateful, daemon := s.workload(t, ns, "StatefulSet", "db", nil), s.workload(t, ns, "DaemonSet", "log", nil)
	controller := s.workload(t, ns, "ReplicationController", "old", nil)
	rollout := obj{"metadata": obj{"name": "canary", "uid": "1234"}}
	other := s.workload(t, ns, "ReplicaSet", "canary-1", ref("Rollout", "argoproj.io/v1alpha1", rollout))
	for _, tt := range []struct {
		name  string
		owner obj
		want  []event.Object
	}{
		{"none", nil, nil},
		{"deployment", ref("ReplicaSet", "apps/v1", replicas), []event.Object{of("ReplicaSet", "web-1", replicas), of("Deployment", "web", deployment)}},
		{"cronjob", ref("Job", "batch/v1", job), []event.Object{of("Job", "nightly-1", job), of("CronJob", "nightly", cron)}},
		{"statefulset", ref("StatefulSet", "apps/v1", stateful), []event.Object{of("StatefulSet", "db", stateful)}},
		{"daemonset", ref("DaemonSet", "apps/v1", daemon), []event.Object{of("DaemonSet", "log", daemon)}},
		{"controller", ref("ReplicationController", "v1", controller), []event.Object{of("ReplicationController", "old", controller)}},
		{"custom", ref("Flow", "flows.example.org/v1", rollout), []event.Object{{Kind: "Flow", Name: "canary", UID: "1234"}}},
		{"custom-above", ref("ReplicaSet", "apps/v1", other), []event.Object{of("ReplicaSet", "canary-1", other), {Kind: "Rollout", Name: "canary", UID: "1234"}}},
		{"foreign-group", ref("ReplicaSet", "example.org/v1", replicas), []event.Object{{Kind: "ReplicaSet", Name: "web-1", UID: uid(replicas)}}},
		{"not-there", ref("Job", "batch/v1", rollout), []event.Object{{Kind: "Job", Name: "canary", UID: "1234"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			meta := obj{}
			if tt.owner != nil {
				meta["ownerReferences"] = []obj{tt.owner}
			}
			made := s.pod(t, ns, tt.name, node, meta, nil)
			r := f.whole(tt.name)
			if diff := cmp.Diff(tt.want, r.Pod.Owners); diff != "" {
				t.Error(diff)
			}
			if r.Missed != 0 || r.Pod.UID != uid(made) || r.Pod.NamespaceLabels["team"] != "payments" || r.Pod.NamespaceAnnotations["cost"] != "7" || r.Pod.NamespaceUID == "" {
				t.Errorf("%+v of %+v", r, *r.Pod)
			}
			if first := f.reports(tt.name)[0]; first.Answered != event.SourcePod {
				t.Errorf("told first: %v", first.Answered)
			}
		})
	}
}

func TestPod(t *testing.T) {
	s := realServer(t)
	ns, node := s.namespace(t), name(t, "")
	f := follow(t, s.config(adminToken), node, 0)
	exec := func(words ...string) obj { return obj{"exec": obj{"command": words}} }
	made := s.pod(t, ns, "all", node,
		obj{"labels": obj{"app": "shop"}, "annotations": obj{"note": "x", lastApplied: "{}", "huge": strings.Repeat("x", 100_000)}},
		obj{"hostPID": true, "hostIPC": true,
			"initContainers": []obj{{"name": "setup", "image": "example.org/setup:2"}, {"name": "proxy", "image": "example.org/proxy:3", "restartPolicy": "Always"}},
			"containers": []obj{{"name": "main", "image": "example.org/app:1", "securityContext": obj{"privileged": true}, "env": []obj{{"name": "SECRET", "value": "hush"}},
				"livenessProbe": exec("sh", "-c", "true"), "readinessProbe": obj{"tcpSocket": obj{"port": 80}}}}})
	s.must(t, http.MethodPatch, "/api/v1/namespaces/"+ns+"/pods/all/ephemeralcontainers",
		obj{"spec": obj{"ephemeralContainers": []obj{{"name": "debug", "image": "example.org/debug:4"}}}})
	st := addresses("10.1.0.1", "fd00::1")
	id := strings.Repeat("ab", 32)
	st["containerStatuses"] = []obj{{"name": "main", "image": "x", "imageID": "example.org/app@sha256:1", "containerID": "containerd://" + id, "ready": true, "restartCount": 0}}
	s.status(t, ns, "all", st)
	got := f.until("all", "its status", func(r metadata.PodReport) bool {
		return r.Answered&event.SourceOwners != 0 && len(r.Pod.IPs) == 2 && len(r.Pod.Containers) == 4
	}).Pod
	want := &event.Pod{Name: "all", Namespace: ns, UID: uid(made), Node: node, ServiceAccount: "robot", Labels: map[string]string{"app": "shop"},
		Annotations: map[string]string{"note": "x"}, IPs: []string{"10.1.0.1", "fd00::1"}, HostPID: true, HostIPC: true,
		Containers: []event.PodContainer{
			{Name: "setup", Kind: event.InitContainer, Image: "example.org/setup:2"},
			{Name: "proxy", Kind: event.InitContainer, Image: "example.org/proxy:3"},
			{Name: "main", Image: "example.org/app:1", ImageID: "example.org/app@sha256:1", ID: id, Privileged: true, LivenessProbe: []string{"sh", "-c", "true"}},
			{Name: "debug", Kind: event.EphemeralContainer, Image: "example.org/debug:4"},
		},
		NamespaceUID: got.NamespaceUID, NamespaceLabels: got.NamespaceLabels, NamespaceAnnotations: got.NamespaceAnnotations}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s := f.Stats(); s.Pods != 1 || !s.Up || s.Bytes == 0 || s.Requests[Request{"list", "pods", 200}] == 0 || s.Requests[Request{"get", "namespaces", 200}] != 1 {
		t.Errorf("%+v", s)
	}
}

// Only news are told, only the own node's, and the end after the grace.
func TestChanges(t *testing.T) {
	s := realServer(t)
	ns, node := s.namespace(t), name(t, "")
	f := follow(t, s.config(adminToken), node, 200*time.Millisecond)
	s.pod(t, ns, "elsewhere", node+"2", nil, nil)
	made := s.pod(t, ns, "it", node, nil, nil)
	f.whole("it")
	before := len(f.reports("it"))
	for i := range 5 {
		s.status(t, ns, "it", obj{"conditions": []obj{{"type": "Ready", "status": "True", "lastProbeTime": fmt.Sprintf("2026-01-01T00:00:0%dZ", i)}}})
	}
	s.must(t, http.MethodPatch, "/api/v1/namespaces/"+ns+"/pods/it", obj{"metadata": obj{"labels": obj{"app": "new"}}})
	r := f.until("it", "a label", func(r metadata.PodReport) bool { return r.Pod.Labels["app"] == "new" })
	if r.Answered != event.SourcePod|event.SourceOwners || r.Pod.NamespaceLabels["team"] != "payments" {
		t.Errorf("what was known was lost: %+v", r)
	}
	if n := len(f.reports("it")); n != before+1 {
		t.Errorf("%d reports of one change: heartbeats were told", n-before)
	}
	s.remove(t, ns, "it")
	removed := time.Now()
	if r := f.until(uid(made), "the end", func(r metadata.PodReport) bool { return r.Gone }); r.Pod != nil {
		t.Errorf("at the end %+v", r)
	}
	if d := time.Since(removed); d < 150*time.Millisecond {
		t.Errorf("told gone after %v", d)
	}
	if len(f.reports("elsewhere")) != 0 {
		t.Error("a pod of another node was told")
	}
	again := s.pod(t, ns, "it", node, nil, nil) // the same name
	f.until("it", "the new pod of the name", func(r metadata.PodReport) bool { return r.Pod.UID == uid(again) })
}

// static are the annotations of the object that the kubelet makes of a static pod.
func static(hash string) obj { return obj{"annotations": obj{configHash: hash, configMirror: hash}} }

func TestStaticPod(t *testing.T) {
	s := realServer(t)
	ns, node := s.namespace(t), name(t, "")
	f := follow(t, s.config(adminToken), node, 0)
	const hash = "0123456789abcdef0123456789abcdef"
	made := s.pod(t, ns, "static", node, static(hash), bare)
	if diff := cmp.Diff([]string{uid(made), hash}, f.whole("static").UIDs); diff != "" {
		t.Error(diff)
	}
	// Who may make pods cannot give the names of other pods' cgroups to his.
	for i, meta := range []obj{static(hash), static(uid(made)), {"annotations": obj{configHash: "abcdef0123456789abcdef0123456789"}}} {
		name := fmt.Sprint("liar-", i)
		liar := s.pod(t, ns, name, node, meta, bare)
		if diff := cmp.Diff([]string{uid(liar)}, f.whole(name).UIDs); diff != "" {
			t.Errorf("%v: %s", meta, diff)
		}
	}
}

// bare is a pod as the API server takes it from a kubelet.
var bare = obj{"serviceAccountName": ""}
