package follow

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/goshawk-security/goshawk/internal/control/api"
)

// server speaks as much of the API server's protocol as a Follower asks for, and fails
// on request, which a real one does not. internal/control has the test with a real one.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	lists    map[string]any // by resource: what a list gives
	code     map[string]int // by resource: what requests are answered with instead
	watchers map[string][]chan string
	written  chan api.AgentStatus
}

func newServer(t *testing.T) *server {
	s := &server{code: map[string]int{}, watchers: map[string][]chan string{}, written: make(chan api.AgentStatus, 100),
		lists: map[string]any{api.RuleSets: &api.RuleSetList{}, api.ClusterRuleSets: &api.ClusterRuleSetList{}}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func (s *server) config() *rest.Config { return &rest.Config{Host: s.URL} }

// fail makes requests for a resource fail with a code, 0 for no more, and ends watches.
func (s *server) fail(resource string, code int) {
	s.mu.Lock()
	s.code[resource] = code
	for _, w := range s.watchers[resource] {
		close(w)
	}
	s.watchers[resource] = nil
	s.mu.Unlock()
}

// list sets what a list gives.
func (s *server) list(resource string, list any) {
	s.mu.Lock()
	s.lists[resource] = list
	s.mu.Unlock()
}

// send tells those who watch of an event.
func (s *server) send(resource, event string, obj any) {
	text, _ := json.Marshal(map[string]any{"type": event, "object": obj})
	s.mu.Lock()
	for _, w := range s.watchers[resource] {
		w <- string(text) + "\n"
	}
	s.mu.Unlock()
}

// watched tells whether somebody watches.
func (s *server) watched(resource string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.watchers[resource]) > 0
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	resource := parts[3%len(parts)]
	s.mu.Lock()
	code, list := s.code[resource], s.lists[resource]
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case code != 0:
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Code: int32(code),
			Reason: map[int]metav1.StatusReason{403: metav1.StatusReasonForbidden, 404: metav1.StatusReasonNotFound}[code], Message: "as the test wants"})
	case r.URL.Path == "/api/v1/nodes/node1":
		_, _ = w.Write([]byte(`{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"node1","uid":"u-1"}}`))
	case r.Method == http.MethodPatch:
		var status api.AgentStatus
		if err := json.NewDecoder(r.Body).Decode(&status); err != nil || r.URL.Path != "/apis/goshawk.dev/v1alpha1/agentstatuses/node1" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.written <- status
		_ = json.NewEncoder(w).Encode(status)
	case r.URL.Query().Get("watch") != "":
		s.watch(w, r, resource)
	default:
		_ = json.NewEncoder(w).Encode(list)
	}
}

func (s *server) watch(w http.ResponseWriter, r *http.Request, resource string) {
	events := make(chan string, 10)
	s.mu.Lock()
	s.watchers[resource] = append(s.watchers[resource], events)
	s.mu.Unlock()
	w.(http.Flusher).Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case text, ok := <-events:
			if !ok {
				return
			}
			_, _ = w.Write([]byte(text))
			w.(http.Flusher).Flush()
		}
	}
}
