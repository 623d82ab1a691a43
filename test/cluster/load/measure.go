package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// load is what is measured.
type load struct {
	kubeconfig, agent  string
	own, others, turns int
	period             time.Duration
}

// run makes the objects, measures and deletes them.
func (l *load) run(ctx context.Context, keep bool) error {
	config, err := clientcmd.BuildConfigFromFlags("", l.kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 400, 400
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if !keep {
		defer func() { _ = unmake(context.WithoutCancel(ctx), client) }()
	}
	fmt.Printf("making %d pods\n", l.own+l.others)
	if err := l.make(ctx, client); err != nil {
		return fmt.Errorf("make objects: %w", err)
	}
	var off, on []result
	for turn := range l.turns {
		for _, kubernetes := range []bool{false, true} {
			r, err := l.measure(ctx, client, kubernetes)
			if err != nil {
				return fmt.Errorf("turn %d: %w", turn, err)
			}
			fmt.Printf("turn %d, Kubernetes %-5v  %v\n", turn, kubernetes, r)
			if kubernetes {
				on = append(on, r)
			} else {
				off = append(off, r)
			}
		}
	}
	a, b := median(off), median(on)
	fmt.Printf("\nmedians: %d own pods, %d elsewhere, %v\nwithout   %v\nwith      %v\nmemory with less without: %.1f MB\n", l.own, l.others, l.period, a, b, (b.memory-a.memory)/1e6)
	return nil
}

// result is one measurement.
type result struct {
	memory        float64 // bytes, resident, the largest seen
	cpu           float64 // seconds, over the period
	startRequests float64 // to the API server, until the agent was ready and some seconds more
	startBytes    float64
	requests      float64 // over the period
	bytes         float64
	pods          float64
}

func (r result) String() string {
	return fmt.Sprintf("memory %5.1f MB, processor %5.2f s, at the start %3.0f requests and %4.0f kB, then %3.0f requests and %4.0f kB, %3.0f pods",
		r.memory/1e6, r.cpu, r.startRequests, r.startBytes/1e3, r.requests, r.bytes/1e3, r.pods)
}

func median(list []result) result {
	pick := func(get func(result) float64) float64 {
		all := make([]float64, len(list))
		for i, r := range list {
			all[i] = get(r)
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return result{
		pick(func(r result) float64 { return r.memory }), pick(func(r result) float64 { return r.cpu }),
		pick(func(r result) float64 { return r.startRequests }), pick(func(r result) float64 { return r.startBytes }),
		pick(func(r result) float64 { return r.requests }), pick(func(r result) float64 { return r.bytes }), pick(func(r result) float64 { return r.pods }),
	}
}

const agentConfig = `apiVersion: goshawk/v1
rules: [rules.yaml]
destinations: [{name: file, file: {path: alerts.json}}]
http: {address: "127.0.0.1:18765"}
node: {name: %s}
kubernetes: {enabled: %q, kubeconfig: %s}
`

// agentRules look at connections, so that those of this command are looked up.
const agentRules = `- rule: Connection
  desc: A connection to a pod of the load.
  condition: evt.type = connect and fd.snet = "10.78.0.0/16"
  output: to %fd.name (%k8s.peer.name)
  priority: INFO
`

// measure starts an agent, lets it settle, and looks at it over the period.
func (l *load) measure(ctx context.Context, client kubernetes.Interface, with bool) (result, error) {
	dir, err := os.MkdirTemp("", "goshawk-load-")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(dir)
	for name, text := range map[string]string{"goshawk.yaml": fmt.Sprintf(agentConfig, ownNode, strconv.FormatBool(with), l.kubeconfig), "rules.yaml": agentRules} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return result{}, err
		}
	}
	cmd := exec.CommandContext(ctx, l.agent, "run", "-c", filepath.Join(dir, "goshawk.yaml"), "--log-level", "warn")
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		return result{}, err
	}
	defer func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() }()
	if err := sleep(ctx, 10*time.Second); err != nil {
		return result{}, err
	}
	before, err := scrape(ctx)
	if err != nil {
		return result{}, err
	}
	churning, stop := context.WithTimeout(ctx, l.period)
	defer stop()
	go l.churn(churning, client)
	memory := before["process_resident_memory_bytes"]
	for churning.Err() == nil {
		if now, err := scrape(ctx); err == nil {
			memory = max(memory, now["process_resident_memory_bytes"])
		}
		_ = sleep(churning, time.Second)
	}
	after, err := scrape(ctx)
	if err != nil {
		return result{}, err
	}
	return result{
		memory: memory, cpu: after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"],
		startRequests: before["goshawk_kubernetes_requests_total"], startBytes: before["goshawk_kubernetes_received_bytes_total"],
		requests: after["goshawk_kubernetes_requests_total"] - before["goshawk_kubernetes_requests_total"],
		bytes:    after["goshawk_kubernetes_received_bytes_total"] - before["goshawk_kubernetes_received_bytes_total"],
		pods:     after["goshawk_kubernetes_pods"],
	}, nil
}

// churn changes five pods of the own node and twenty-five elsewhere each second, and
// connects to two pods elsewhere. Nobody answers at their addresses.
func (l *load) churn(ctx context.Context, client kubernetes.Interface) {
	for i := 0; ctx.Err() == nil; i++ {
		for j := range 30 {
			pod := l.own + (i*25+j)%l.others
			if j < 5 {
				pod = (i*5 + j) % l.own
			}
			_ = setStatus(ctx, client, pod, i+1)
		}
		for j := range 2 {
			d := net.Dialer{Timeout: 20 * time.Millisecond}
			if c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(podIP(l.own+(i*2+j)*37%l.others), "9")); err == nil {
				c.Close()
			}
		}
		_ = sleep(ctx, time.Second)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// scrape reads the agent's metrics, the sum of each name's series.
func scrape(ctx context.Context) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:18765/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	sums := map[string]float64{}
	lines := bufio.NewScanner(io.LimitReader(resp.Body, 16<<20))
	for lines.Scan() {
		line := lines.Text()
		i := strings.LastIndexByte(line, ' ')
		if i < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		name, _, _ := strings.Cut(line[:i], "{")
		if v, err := strconv.ParseFloat(line[i+1:], 64); err == nil {
			sums[name] += v
		}
	}
	return sums, lines.Err()
}
