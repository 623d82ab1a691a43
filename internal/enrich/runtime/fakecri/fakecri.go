// Package fakecri is a container runtime that lies, hangs and crashes, for tests: CRI
// by real grpc on a real socket.
package fakecri

import (
	"context"
	"net"
	"os"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Server is a runtime. What it knows may be changed between questions, by Do.
type Server struct {
	Name       string // containerd if it is empty
	Containers map[string]*cri.ContainerStatusResponse
	Sandboxes  map[string]*cri.PodSandboxStatusResponse
	Images     map[string]*cri.Image
	InSandbox  map[string]string // the sandbox of a container, for ListContainers
	Info       map[string]string // of Status
	// Before, if it is set, is called without a lock before each answer, with its
	// method and the id in question. An error is the answer.
	Before func(ctx context.Context, method, id string) error

	cri.UnimplementedRuntimeServiceServer
	cri.UnimplementedImageServiceServer

	mu    sync.Mutex
	calls map[string]int
	grpc  *grpc.Server
	done  chan struct{}
}

// New returns a Server that knows nothing.
func New() *Server {
	return &Server{
		Containers: map[string]*cri.ContainerStatusResponse{}, Sandboxes: map[string]*cri.PodSandboxStatusResponse{},
		Images: map[string]*cri.Image{}, InSandbox: map[string]string{}, calls: map[string]int{},
	}
}

// Listen makes it listen at a socket, in place of whoever did before, until Close or
// the end of the test. A Server can listen again after Close.
func (s *Server) Listen(t testing.TB, socket string) {
	t.Helper()
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	g, done := grpc.NewServer(), make(chan struct{})
	cri.RegisterRuntimeServiceServer(g, s)
	cri.RegisterImageServiceServer(g, s)
	go func() {
		defer close(done)
		_ = g.Serve(l) // ends by Close
	}()
	s.mu.Lock()
	s.grpc, s.done = g, done
	s.mu.Unlock()
	t.Cleanup(s.Close)
}

// Close crashes it: its connections break, and its socket is gone.
func (s *Server) Close() {
	s.mu.Lock()
	g, done := s.grpc, s.done
	s.grpc = nil
	s.mu.Unlock()
	if g != nil {
		g.Stop()
		<-done
	}
}

// Do changes what it knows.
func (s *Server) Do(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// Calls returns how often a method was called.
func (s *Server) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

func (s *Server) enter(ctx context.Context, method, id string) error {
	s.mu.Lock()
	s.calls[method]++
	before := s.Before
	s.mu.Unlock()
	if before == nil {
		return nil
	}
	return before(ctx, method, id)
}

// find returns what is in a map of the Server's for an id.
func find[V any](s *Server, ctx context.Context, method, id string, in func() map[string]V) (V, error) {
	var none V
	if err := s.enter(ctx, method, id); err != nil {
		return none, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := in()[id]; ok {
		return v, nil
	}
	return none, status.Error(codes.NotFound, "not found")
}

// Version is CRI's.
func (s *Server) Version(ctx context.Context, _ *cri.VersionRequest) (*cri.VersionResponse, error) {
	name := s.Name
	if name == "" {
		name = "containerd"
	}
	return &cri.VersionResponse{RuntimeName: name, RuntimeVersion: "1"}, s.enter(ctx, "Version", "")
}

// Status is CRI's.
func (s *Server) Status(ctx context.Context, _ *cri.StatusRequest) (*cri.StatusResponse, error) {
	return &cri.StatusResponse{Info: s.Info}, s.enter(ctx, "Status", "")
}

// ContainerStatus is CRI's.
func (s *Server) ContainerStatus(ctx context.Context, r *cri.ContainerStatusRequest) (*cri.ContainerStatusResponse, error) {
	return find(s, ctx, "ContainerStatus", r.ContainerId, func() map[string]*cri.ContainerStatusResponse { return s.Containers })
}

// PodSandboxStatus is CRI's.
func (s *Server) PodSandboxStatus(ctx context.Context, r *cri.PodSandboxStatusRequest) (*cri.PodSandboxStatusResponse, error) {
	return find(s, ctx, "PodSandboxStatus", r.PodSandboxId, func() map[string]*cri.PodSandboxStatusResponse { return s.Sandboxes })
}

// ImageStatus is CRI's.
func (s *Server) ImageStatus(ctx context.Context, r *cri.ImageStatusRequest) (*cri.ImageStatusResponse, error) {
	i, err := find(s, ctx, "ImageStatus", r.GetImage().GetImage(), func() map[string]*cri.Image { return s.Images })
	return &cri.ImageStatusResponse{Image: i}, err
}

// ListContainers is CRI's.
func (s *Server) ListContainers(ctx context.Context, r *cri.ListContainersRequest) (*cri.ListContainersResponse, error) {
	id := r.GetFilter().GetId()
	sandbox, err := find(s, ctx, "ListContainers", id, func() map[string]string { return s.InSandbox })
	return &cri.ListContainersResponse{Containers: []*cri.Container{{Id: id, PodSandboxId: sandbox}}}, err
}
