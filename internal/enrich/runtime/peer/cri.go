package peer

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"path"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/goshawk-security/goshawk/internal/enrich/runtime/oci"
	"github.com/goshawk-security/goshawk/internal/enrich/runtime/recent"
	"github.com/goshawk-security/goshawk/internal/event"
)

const (
	maxAnswer = 4 << 20 // bytes of one
	maxPods   = 512     // that are remembered
	maxImages = 512
)

// CRI speaks CRI. The v1 alpha that came before 1.26 it does not.
type CRI struct {
	conn    *grpc.ClientConn
	runtime cri.RuntimeServiceClient
	images  cri.ImageServiceClient
	pods    recent.Cache[*podSaid]
	names   recent.Cache[*cri.Image]
}

// podSaid is what a runtime says of a sandbox. The containers of a pod share it.
type podSaid struct {
	info       event.ContainerInfo
	namespaces bool
}

// NewCRI returns a CRI that connects when it is asked something.
func NewCRI(dial Dial) (*CRI, error) {
	conn, err := grpc.NewClient("passthrough:///localhost",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return dial(ctx) }),
		grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
		// Questions have pauses of their own between them.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: time.Second,
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("prepare a connection: %w", err)
	}
	return &CRI{
		conn: conn, runtime: cri.NewRuntimeServiceClient(conn), images: cri.NewImageServiceClient(conn),
		pods: recent.Cache[*podSaid]{Max: maxPods}, names: recent.Cache[*cri.Image]{Max: maxImages},
	}, nil
}

func (p *CRI) Close() { _ = p.conn.Close() }

func (p *CRI) Hello(ctx context.Context) (Greeting, error) {
	v, err := p.runtime.Version(ctx, &cri.VersionRequest{})
	if err != nil {
		return Greeting{}, meaning(err)
	}
	hi := Greeting{Name: oci.Name(v.GetRuntimeName()), Version: oci.Name(v.GetRuntimeVersion())}
	if hi.Name != "containerd" {
		return hi, nil
	}
	// Where the state is not in its usual place, only containerd itself can say.
	s, err := p.runtime.Status(ctx, &cri.StatusRequest{Verbose: true})
	if err != nil {
		return hi, nil
	}
	var config struct {
		StateDir string `json:"stateDir"` // the CRI part's, below containerd's
	}
	if json.Unmarshal([]byte(s.GetInfo()["config"]), &config) == nil && config.StateDir != "" {
		hi.State = oci.Text(path.Dir(config.StateDir))
	}
	return hi, nil
}

// Ask asks about a container, or a sandbox if it is or may be one.
func (p *CRI) Ask(ctx context.Context, q Question) (*Said, error) {
	if q.Role != Sandbox {
		r, err := p.runtime.ContainerStatus(ctx, &cri.ContainerStatusRequest{ContainerId: q.ID, Verbose: true})
		if err == nil {
			return p.container(ctx, q, r)
		}
		if err = meaning(err); q.Role == App || !isUnknown(err) {
			return nil, err
		}
	}
	pod, err := p.pod(ctx, q.ID)
	if err != nil {
		return nil, err
	}
	return &Said{Info: pod.info, Namespaces: pod.namespaces}, nil
}

// container puts together what the runtime says of a container, its image and its
// pod.
func (p *CRI) container(ctx context.Context, q Question, r *cri.ContainerStatusResponse) (*Said, error) {
	st := r.GetStatus()
	if st.GetId() != q.ID {
		return nil, fmt.Errorf("%w: %.64q", ErrWrong, st.GetId())
	}
	v := parseVerbose(q.ID, r.GetInfo()["info"])
	s := v.said()
	i := &s.Info
	i.Name = oci.Name(st.GetMetadata().GetName())
	i.Labels = oci.Labels(st.GetLabels())
	i.Created, i.Started = nanoseconds(st.GetCreatedAt()), nanoseconds(st.GetStartedAt())
	s.Pending = i.Started == 0 && st.GetState() == cri.ContainerState_CONTAINER_CREATED
	if mounts := criMounts(st.GetMounts()); len(mounts) > 0 {
		i.Mounts = mounts
	}
	if u := st.GetUser().GetLinux(); u != nil && i.User == "" {
		i.User = fmt.Sprintf("%d:%d", u.GetUid(), u.GetGid())
	}
	if err := p.image(ctx, i, st, v); err != nil {
		return nil, err
	}
	sandbox := v.sandbox()
	if sandbox == "" {
		sandbox = p.sandboxOf(ctx, q.ID)
	}
	if sandbox == "" {
		return s, nil
	}
	pod, err := p.pod(ctx, sandbox)
	switch {
	case err == nil:
		s.of(pod)
	case isSilent(err):
		return nil, err
	}
	return s, nil
}

// of adds what is said of the pod.
func (s *Said) of(pod *podSaid) {
	i, p := &s.Info, &pod.info
	i.SandboxID, i.PodName, i.PodNamespace, i.PodUID = p.SandboxID, p.PodName, p.PodNamespace, p.PodUID
	i.PodLabels, i.PodIPs, i.CNIResult = p.PodLabels, p.PodIPs, p.CNIResult
	if pod.namespaces {
		i.HostPID, i.HostNetwork, i.HostIPC, s.Namespaces = p.HostPID, p.HostNetwork, p.HostIPC, true
	}
}

// sandboxOf asks for a container's sandbox where its own status does not tell.
func (p *CRI) sandboxOf(ctx context.Context, id string) string {
	r, err := p.runtime.ListContainers(ctx, &cri.ListContainersRequest{Filter: &cri.ContainerFilter{Id: id}})
	if err != nil || len(r.GetContainers()) != 1 || r.GetContainers()[0].GetId() != id {
		return ""
	}
	return oci.Name(r.GetContainers()[0].GetPodSandboxId())
}

// pod asks for a sandbox, unless it is remembered.
func (p *CRI) pod(ctx context.Context, id string) (*podSaid, error) {
	if pod, ok := p.pods.Get(id); ok {
		return pod, nil
	}
	r, err := p.runtime.PodSandboxStatus(ctx, &cri.PodSandboxStatusRequest{PodSandboxId: id, Verbose: true})
	if err != nil {
		return nil, meaning(err)
	}
	st := r.GetStatus()
	if st.GetId() != id {
		return nil, fmt.Errorf("%w: %.64q", ErrWrong, st.GetId())
	}
	v := parseVerbose(id, r.GetInfo()["info"])
	pod := &podSaid{info: v.said().Info}
	i, meta := &pod.info, st.GetMetadata()
	// The configuration says privileged where the pod may have such containers; the
	// sandbox itself is not.
	i.Privileged = v.spec != nil && v.spec.Info.Privileged
	i.Sandbox, i.SandboxID, i.Created = true, id, nanoseconds(st.GetCreatedAt())
	i.Started = i.Created // nothing else is said of when
	i.PodName, i.PodNamespace, i.PodUID = oci.Name(meta.GetName()), oci.Name(meta.GetNamespace()), oci.Name(meta.GetUid())
	i.Labels, i.PodLabels = oci.Labels(st.GetLabels()), oci.PodLabels(st.GetLabels())
	ips := []string{st.GetNetwork().GetIp()}
	for _, more := range st.GetNetwork().GetAdditionalIps() {
		ips = append(ips, more.GetIp())
	}
	i.PodIPs, i.CNIResult = oci.IPs(ips), v.cni()
	oci.SetImage(i, v.Image)
	if ns := st.GetLinux().GetNamespaces().GetOptions(); ns != nil {
		pod.namespaces = true
		i.HostPID = ns.GetPid() == cri.NamespaceMode_NODE
		i.HostNetwork = ns.GetNetwork() == cri.NamespaceMode_NODE
		i.HostIPC = ns.GetIpc() == cri.NamespaceMode_NODE
	}
	if st.GetState() == cri.PodSandboxState_SANDBOX_READY && (len(i.PodIPs) > 0 || i.HostNetwork) {
		p.pods.Put(id, pod)
	}
	return pod, nil
}

// meaning turns an error of grpc into one of a peer's.
func meaning(err error) error {
	switch status.Code(err) {
	case codes.NotFound:
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	case codes.DeadlineExceeded:
		return fmt.Errorf("%w: %w", ErrSilent, err)
	case codes.Unavailable:
		return fmt.Errorf("%w: %w", ErrGone, err)
	case codes.Unimplemented:
		return fmt.Errorf("%w: %w", ErrOther, err)
	}
	return err
}

func nanoseconds(n int64) uint64 { return oci.Since(time.Unix(0, n)) }
