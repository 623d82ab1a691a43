package agent

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/goshawk-security/goshawk/internal/agent/config"

	"golang.org/x/sys/unix"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/goshawk-security/goshawk/internal/agent/doctor"
	"github.com/goshawk-security/goshawk/internal/agent/held"
	"github.com/goshawk-security/goshawk/internal/enrich"
	"github.com/goshawk-security/goshawk/internal/enrich/kube"
	"github.com/goshawk-security/goshawk/internal/enrich/metadata"
	"github.com/goshawk-security/goshawk/internal/enrich/peer"
	"github.com/goshawk-security/goshawk/internal/enrich/runtime"
	"github.com/goshawk-security/goshawk/internal/field"
)

// runtimeTime is how long a runtime may take for a container: less than events wait,
// so that they learn that it did not answer and do not sit out their time.
func runtimeTime(wait time.Duration) time.Duration {
	return max(min(3*time.Second, wait*3/4), time.Millisecond)
}

// maxPeers bounds the addresses whose owners are kept.
const maxPeers = 4096

// sources are where the metadata of containers comes from. Each may be nil: it is
// switched off or not there.
type sources struct {
	runtime *runtime.Client
	kube    *kube.Client
	peers   *peers // never nil
	node    string
}

// newSources makes what the configuration asks for. Nothing is asked before run.
func (a *Agent) newSources() (*sources, error) {
	s := &sources{node: a.node.Hostname, peers: &peers{cgroups: a.cfg.Node.Cgroup, log: a.log.Named("dns")}}
	if a.cfg.Runtime.Enabled {
		s.runtime = runtime.New(runtime.Config{Root: a.cfg.Node.Root, Sockets: a.cfg.Runtime.Sockets, Timeout: runtimeTime(a.cfg.Metadata.Wait),
			Report: func(r runtime.Answer) {
				a.enricher.Answer(metadata.Answer{ID: r.ID, Info: r.Info, Answered: r.Answered, Missed: r.Missed})
			}}, a.log.Named("runtime"))
	}
	if !a.cfg.Kubernetes.Wanted() {
		return s, nil
	}
	config, err := restConfig(a.cfg.Kubernetes)
	if err != nil {
		return nil, err
	}
	s.kube, err = kube.New(kube.Config{Rest: config, Node: a.node.Hostname, Report: func(r metadata.PodReport) { s.peers.changed(r.Pod); a.enricher.Report(r) }}, a.log.Named("kubernetes"))
	if err != nil {
		return nil, fmt.Errorf("kubernetes: %w", err)
	}
	if a.cfg.Kubernetes.Peers {
		s.peers.cache = peer.New(peer.Config{WhoHas: s.kube.WhoHas, Max: maxPeers, Wait: max(a.cfg.Metadata.Wait, 1), Now: bootTime})
	}
	return s, nil
}

// fill tells enrichment where metadata comes from. It is called before need.
func (s *sources) fill(cfg *enrich.Config) {
	if s.runtime != nil {
		cfg.Runtime = s.runtime
	}
	cfg.Pods = s.kube != nil
	cfg.Peers = s.peers
}

// need says what the rules ask for that is not read without them.
func (s *sources) need(needs field.Needs) {
	if s.kube != nil {
		s.kube.SetServices(needs.Has(field.NeedServices))
	}
	s.peers.watchNames(needs.Has(field.NeedDNS))
}

// run asks until ctx ends and returns when everything has ended.
func (s *sources) run(ctx context.Context) {
	var all sync.WaitGroup
	if s.runtime != nil {
		all.Go(func() { s.runtime.Run(ctx) })
	}
	if s.kube != nil {
		all.Go(func() { s.kube.Run(ctx) })
	}
	if s.peers.cache != nil {
		all.Go(func() { s.peers.cache.Run(ctx) })
	}
	all.Wait()
}

// restConfig says where the API server is and as whom to ask it.
func restConfig(k config.Kubernetes) (*rest.Config, error) {
	if k.Kubeconfig == "" {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("kubernetes: no service account here: %w: set kubernetes.kubeconfig, or kubernetes.enabled to false", err)
		}
		return config, nil
	}
	if _, err := os.Stat(k.Kubeconfig); err != nil {
		return nil, fmt.Errorf("kubernetes.kubeconfig: %w", err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", k.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("kubernetes.kubeconfig: %w", err)
	}
	return config, nil
}

// missing says which sources do not answer, for readiness. pods is how many there are by
// the cgroups.
func (s *sources) missing(pods int) []doctor.Check {
	var list []doctor.Check
	if s.runtime != nil {
		if err := s.runtime.Health(); err != nil {
			list = append(list, doctor.Check{Name: "runtime", Status: doctor.Degraded, Found: err.Error()})
		}
	}
	if s.kube != nil {
		err := s.kube.Health()
		if err == nil && pods > 0 && s.kube.Stats().Pods == 0 {
			err = fmt.Errorf("the API server knows no pod of the node %s, and some run here: set node.name (%s) to the name of the Node object", s.node, nodeNameVariable)
		}
		if err != nil {
			list = append(list, doctor.Check{Name: "kubernetes", Status: doctor.Degraded, Found: err.Error()})
		}
	}
	if err := s.peers.err(); err != nil {
		list = append(list, doctor.Check{Name: "dns names", Status: doctor.Degraded, Found: err.Error()})
	}
	return list
}

// newHeld makes the room for events that wait for metadata.
func newHeld(cfg config.Metadata) *held.Queue {
	return held.New(held.Config{Events: cfg.HeldEvents, Bytes: int(cfg.HeldBytes), Wait: cfg.Wait, Now: bootTime})
}

// bootTime returns CLOCK_BOOTTIME in nanoseconds.
func bootTime() uint64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return uint64(time.Now().UnixNano()) // the clock is there since Linux 2.6.39
	}
	return uint64(ts.Nano())
}
