package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/goshawk-security/goshawk/internal/enrich/runtime/oci"
	"github.com/goshawk-security/goshawk/internal/enrich/runtime/recent"
	"github.com/goshawk-security/goshawk/internal/event"
)

// Docker speaks Docker's API, of which what is read here has been the same
// since 1.24 (2016), without a version in the path.
type Docker struct {
	http    http.Client
	digests recent.Cache[[]string] // of an image, by its id
}

// NewDocker returns a Docker that connects when it is asked something.
func NewDocker(dial Dial) *Docker {
	return &Docker{
		http: http.Client{Transport: &http.Transport{
			DialContext:            func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
			MaxIdleConns:           4,
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true,
		}},
		digests: recent.Cache[[]string]{Max: maxImages},
	}
}

func (p *Docker) Close() { p.http.CloseIdleConnections() }

func (p *Docker) Hello(ctx context.Context) (Greeting, error) {
	var v struct{ Version string }
	if err := p.get(ctx, "/version", &v); err != nil {
		return Greeting{}, err
	}
	return Greeting{Name: "docker", Version: oci.Name(v.Version)}, nil
}

// inspected is what Docker says of a container.
type inspected struct {
	ID      string `json:"Id"`
	Name    string
	Image   string // its id
	Created time.Time
	State   struct {
		Status    string
		StartedAt time.Time
	}
	Config struct {
		Image, User string
		Labels      map[string]string
	}
	HostConfig struct {
		Privileged                    bool
		PidMode, NetworkMode, IpcMode string
	}
	Mounts []struct {
		Source, Destination, Mode, Propagation string
		RW                                     bool
	}
	NetworkSettings struct {
		Networks map[string]struct{ IPAddress, GlobalIPv6Address string }
	}
}

// Labels of cri-dockerd and, before it, of the kubelet's own shim.
const (
	dockerType    = "io.kubernetes.docker.type"
	dockerSandbox = "io.kubernetes.sandbox.id"
)

func (p *Docker) Ask(ctx context.Context, q Question) (*Said, error) {
	var c inspected
	if err := p.get(ctx, "/containers/"+url.PathEscape(q.ID)+"/json", &c); err != nil {
		return nil, err
	}
	if c.ID != q.ID {
		return nil, fmt.Errorf("%w: %.64q", ErrWrong, c.ID)
	}
	labels := c.Config.Labels
	s := &Said{Runtime: "docker", Privileged: true, Namespaces: true, Pending: c.State.Status == "created"}
	s.Info = event.ContainerInfo{
		Sandbox:      labels[dockerType] == "podsandbox",
		Name:         oci.Name(strings.TrimPrefix(c.Name, "/")),
		Labels:       oci.Labels(labels),
		User:         oci.Name(c.Config.User),
		Created:      oci.Since(c.Created),
		Started:      oci.Since(c.State.StartedAt),
		Privileged:   c.HostConfig.Privileged,
		HostPID:      c.HostConfig.PidMode == "host",
		HostNetwork:  c.HostConfig.NetworkMode == "host",
		HostIPC:      c.HostConfig.IpcMode == "host",
		PodName:      oci.Name(labels["io.kubernetes.pod.name"]),
		PodNamespace: oci.Name(labels["io.kubernetes.pod.namespace"]),
		PodUID:       oci.Name(labels["io.kubernetes.pod.uid"]),
		SandboxID:    oci.Name(labels[dockerSandbox]),
	}
	i := &s.Info
	if name := labels["io.kubernetes.container.name"]; i.PodUID != "" {
		if i.Name = oci.Name(name); i.Sandbox {
			i.Name, i.SandboxID, i.PodLabels = "", q.ID, oci.PodLabels(labels)
		}
	}
	for _, m := range c.Mounts[:min(len(c.Mounts), 4096)] {
		i.Mounts = append(i.Mounts, event.Mount{Source: m.Source, Destination: m.Destination,
			Mode: m.Mode, Writable: m.RW, Propagation: oci.Name(m.Propagation)})
	}
	i.Mounts = oci.Mounts(i.Mounts)
	var ips []string
	for _, name := range slices.Sorted(maps.Keys(c.NetworkSettings.Networks)) {
		n := c.NetworkSettings.Networks[name]
		ips = append(ips, n.IPAddress, n.GlobalIPv6Address)
	}
	i.PodIPs = oci.IPs(ips)
	oci.SetImage(i, c.Image)
	oci.SetImage(i, c.Config.Image)
	return s, p.digest(ctx, i)
}

// digest adds the image's digest. Only silence is an error.
func (p *Docker) digest(ctx context.Context, i *event.ContainerInfo) error {
	if i.ImageDigest != "" || i.ImageID == "" {
		return nil
	}
	digests, ok := p.digests.Get(i.ImageID)
	if !ok {
		var img struct{ RepoDigests []string }
		err := p.get(ctx, "/images/sha256:"+i.ImageID+"/json", &img)
		if isSilent(err) {
			return err
		}
		if digests = some(img.RepoDigests); err == nil || isUnknown(err) {
			p.digests.Put(i.ImageID, digests)
		}
	}
	i.ImageDigest = oci.Digest(i.Image, digests)
	return nil
}

// get asks for a JSON document.
func (p *Docker) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker"+path, nil)
	if err != nil {
		return err
	}
	resp, err := p.http.Do(req)
	if err != nil {
		if ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("%w: %w", ErrSilent, err)
		}
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return fmt.Errorf("%w: GET %s: %s", ErrUnknown, path, resp.Status)
	default:
		return fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ErrSilent, ctx.Err())
	case err != nil:
		return fmt.Errorf("%w: GET %s: %w", ErrGone, path, err)
	case len(data) > maxAnswer:
		return fmt.Errorf("GET %s: longer than %d bytes", path, maxAnswer)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	return nil
}
