package kube

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/goshawk-security/goshawk/internal/enrich/metadata"
	"github.com/goshawk-security/goshawk/internal/event"
)

// proxy stands before the real API server and spoils answers.
type proxy struct {
	*rest.Config
	spoil atomic.Pointer[func(w http.ResponseWriter, r *http.Request) bool] // true: it answered
}

func newProxy(t *testing.T, s *server) *proxy {
	t.Helper()
	to, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{}
	next := httputil.NewSingleHostReverseProxy(to)
	next.FlushInterval = -1
	next.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := p.spoil.Load(); f != nil && (*f)(w, r) {
			return
		}
		next.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { front.CloseClientConnections(); front.Close() })
	p.Config = &rest.Config{Host: front.URL, BearerToken: adminToken}
	return p
}

// first spoils the first requests whose path or query has a part.
func (p *proxy) first(n int, part, body string, code int) {
	var mu sync.Mutex
	f := func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if n == 0 || !strings.Contains(r.URL.String(), part) {
			return false
		}
		n--
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
		return true
	}
	p.spoil.Store(&f)
}

const expired = `{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410}}` + "\n"

// What goes wrong once is tried again, and nothing is taken for an answer that is none.
func TestSpoiled(t *testing.T) {
	s := realServer(t)
	for _, tt := range []struct {
		name, part, body string
		code             int
	}{
		{"token-expires", "replicasets", "", http.StatusUnauthorized},
		{"owners-fail", "replicasets", "", http.StatusInternalServerError},
		{"cache-lags", "replicasets", `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`, http.StatusNotFound},
		{"nonsense", "replicasets", "<html>", http.StatusOK},
		{"namespaces-fail", "namespaces/", "", http.StatusBadGateway},
		{"list-fails", "resourceVersion=0", "", http.StatusServiceUnavailable},
		{"history-is-gone", "watch=true", expired, http.StatusOK},
		{"watch-is-too-old", "watch=true", "", http.StatusGone},
		{"watch-ends", "watch=true", "", http.StatusOK},
		{"half-an-event", "watch=true", `{"type":"ADDED","obj`, http.StatusOK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ns, node := s.namespace(t), name(t, "")
			replicas := s.workload(t, ns, "ReplicaSet", "web-1", ref("Deployment", "apps/v1", s.workload(t, ns, "Deployment", "web", nil)))
			p := newProxy(t, s)
			p.first(1, tt.part, tt.body, tt.code)
			f := follow(t, p.Config, node, 0)
			f.health("", patience)
			s.pod(t, ns, "it", node, obj{"ownerReferences": []obj{ref("ReplicaSet", "apps/v1", replicas)}}, nil)
			if r := f.whole("it"); len(r.Pod.Owners) != 2 || r.Missed != 0 {
				t.Errorf("%+v of %+v", r, r.Pod)
			}
			f.health("", patience)
		})
	}
}

// Reports of one pod come in the order of what happened, however long one takes.
func TestReportsInOrder(t *testing.T) {
	s := realServer(t)
	ns, node := s.namespace(t), name(t, "")
	f := follow(t, s.config(adminToken), node, 0)
	s.pod(t, ns, "first", node, nil, nil) // its namespace is known from then on
	f.whole("first")
	report := f.cfg.Report
	f.Client.mu.Lock()
	f.cfg.Report = func(r metadata.PodReport) {
		if r.Answered == event.SourcePod {
			time.Sleep(50 * time.Millisecond)
		}
		report(r)
	}
	f.Client.mu.Unlock()
	s.pod(t, ns, "second", node, nil, nil)
	f.whole("second")
	time.Sleep(100 * time.Millisecond)
	if list := f.reports("second"); len(list) != 2 || list[1].Answered&event.SourceOwners == 0 {
		t.Errorf("%+v", list)
	}
}

// An owner that was made anew under its name is another one.
func TestOwnerAgain(t *testing.T) {
	s := realServer(t)
	ns, node := s.namespace(t), name(t, "")
	f := follow(t, s.config(adminToken), node, 0)
	for _, pod := range []string{"one", "two"} {
		job := s.workload(t, ns, "Job", "migrate", nil)
		s.pod(t, ns, pod, node, obj{"ownerReferences": []obj{ref("Job", "batch/v1", job)}}, nil)
		if r := f.whole(pod); len(r.Pod.Owners) != 1 || r.Pod.Owners[0].UID != uid(job) || r.Pod.Owners[0].Labels["kind"] != "job" {
			t.Errorf("%s: %+v", pod, r.Pod.Owners)
		}
		s.must(t, http.MethodDelete, "/apis/batch/v1/namespaces/"+ns+"/jobs/migrate?propagationPolicy=Background", nil)
	}
}

// A static pod's object is made anew when somebody deletes it: the pod runs on.
func TestStaticPodAgain(t *testing.T) {
	s := realServer(t)
	ns, node := s.namespace(t), name(t, "")
	f := follow(t, s.config(adminToken), node, 100*time.Millisecond)
	const hash = "fedcba9876543210fedcba9876543210"
	old := s.pod(t, ns, "static", node, static(hash), bare)
	f.whole("static")
	s.remove(t, ns, "static")
	s.pod(t, ns, "static", node, static(hash), bare)
	if r := f.until(uid(old), "the end", func(r metadata.PodReport) bool { return r.Gone }); len(r.UIDs) != 1 {
		t.Errorf("told gone: %v", r.UIDs)
	}
	s.remove(t, ns, "static")
	f.until(hash, "the end", func(r metadata.PodReport) bool { return r.Gone })
}

// Somebody who scans a network does not hold up the owners of pods.
func TestScan(t *testing.T) {
	s := realServer(t)
	ns, node := s.namespace(t), name(t, "")
	f := follow(t, s.config(adminToken), node, 0)
	f.health("", patience)
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for i := range byte(200) {
		all.Go(func() { _, _ = f.WhoHas(ctx, netip.AddrFrom4([4]byte{10, 210, 0, i})) })
	}
	begin := time.Now()
	job := s.workload(t, ns, "Job", "migrate", nil)
	s.pod(t, ns, "it", node, obj{"ownerReferences": []obj{ref("Job", "batch/v1", job)}}, nil)
	f.whole("it")
	if d := time.Since(begin); d > 3*time.Second {
		t.Errorf("the owners took %v", d)
	}
	f.stop()
}
