//go:build cluster

package cluster

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/goshawk-security/goshawk/test/cluster/node"
)

// The cluster and the collector are the whole run's.
var (
	kube *node.Node
	hec  *receiver
)

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		code = 1
	}
	os.Exit(code)
}

// run starts what the tests need, and takes it away whatever happens.
func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	dir, given := os.LookupEnv("GOSHAWK_CLUSTER")
	if !given {
		if dir, err = os.MkdirTemp("", "goshawk-cluster-"); err != nil {
			return 1, err
		}
	}
	if kube, err = node.At(dir); err != nil {
		return 1, err
	}
	if !given && os.Getenv("GOSHAWK_CLUSTER_KEEP") == "" {
		defer func() { err = errors.Join(err, takeAway()) }()
		defer onInterrupt(func() {
			fmt.Fprintln(os.Stderr, "cluster:", errors.Join(errors.New("interrupted, or out of time"), takeAway()))
			os.Exit(1)
		})()
	}
	began := time.Now()
	if !kube.Running() {
		if err := kube.Start(ctx); err != nil {
			keepLogs(dir)
			return 1, err
		}
		fmt.Printf("the cluster in %s was ready after %v\n", dir, time.Since(began).Round(time.Second))
	}
	if hec, err = listen(kube.Outside()); err != nil {
		return 1, err
	}
	defer hec.server.Close()
	if err := install(ctx); err != nil {
		return 1, fmt.Errorf("install the agent: %w", err)
	}
	fmt.Printf("the agent was ready after %v\n", time.Since(began).Round(time.Second))
	code = m.Run()
	if code != 0 {
		keepLogs(dir)
	}
	for _, text := range hec.mistakes() {
		code = 1
		fmt.Fprintln(os.Stderr, "the collector refused a request:", text)
	}
	return code, nil
}

// takeAway stops the cluster.
func takeAway() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := kube.Stop(ctx); err != nil {
		return fmt.Errorf("stop the cluster: %w", err)
	}
	return nil
}

// onInterrupt calls do on a signal and shortly before `go test` would end the run for
// its time, unless cancel was called.
func onInterrupt(do func()) (cancel func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	limit := 24 * time.Hour
	if f, ok := flag.Lookup("test.timeout").Value.(flag.Getter).Get().(time.Duration); ok && f > 2*time.Minute {
		limit = f - time.Minute
	}
	timer, done := time.NewTimer(limit), make(chan struct{})
	go func() {
		select {
		case <-signals:
		case <-timer.C:
		case <-done:
			return
		}
		do()
	}()
	return func() {
		signal.Stop(signals)
		timer.Stop()
		close(done)
	}
}

// keepLogs copies the components' logs to where they outlive the cluster.
func keepLogs(dir string) {
	to, err := os.MkdirTemp("", "goshawk-cluster-logs-")
	if err == nil {
		err = os.CopyFS(to, os.DirFS(filepath.Join(dir, "log")))
	}
	if err == nil {
		fmt.Fprintln(os.Stderr, "logs of the cluster are in", to)
	}
}

// values are the chart's, beside its defaults.
const values = `
image: {pullPolicy: Never}
config:
  destinations:
    - name: soc
      splunk:
        url: %s
        tokenFile: /etc/goshawk/secrets/splunk-hec/token
        caFile: /etc/goshawk/secrets/splunk-hec/ca.crt
        serverName: example.com
        index: security
        fields: {cluster: test}
        maxWait: 200ms
    - name: console
      stdout: {format: json}
secrets: [splunk-hec]
rules:
  configMaps: [test-rules]
`

// install does what docs/kubernetes.md tells an operator to do.
func install(ctx context.Context) error {
	if err := importImage(ctx); err != nil {
		return err
	}
	files := map[string]string{"token": token, "ca.crt": hec.authority(), "test.yaml": rules}
	dir, err := os.MkdirTemp("", "goshawk-install-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	_, _ = kube.Kubectl(ctx, "-n", "goshawk", "delete", "secret/splunk-hec", "configmap/test-rules", "--ignore-not-found")
	for _, step := range [][]string{
		{"apply", "-f", filepath.Join(node.Repository(), "deploy/manifests/namespace.yaml")},
		{"-n", "goshawk", "create", "secret", "generic", "splunk-hec", "--from-file=" + dir + "/token", "--from-file=" + dir + "/ca.crt"},
		{"-n", "goshawk", "create", "configmap", "test-rules", "--from-file=" + dir + "/test.yaml"},
	} {
		if out, err := kube.Kubectl(ctx, step...); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
	}
	_, absent := kube.Kubectl(ctx, "-n", "goshawk", "get", "daemonset/goshawk")
	if err := release(ctx, ""); err != nil || absent != nil {
		return err
	}
	// The one of an earlier run has another image of the same name.
	if out, err := kube.Kubectl(ctx, "-n", "goshawk", "rollout", "restart", "daemonset/goshawk", "deployment/goshawk-controller"); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return release(ctx, "")
}

// importImage builds the agent's image, of this machine's architecture alone, and gives it
// to the runtime.
func importImage(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, filepath.Join(node.Repository(), "deploy/image/build"))
	out := filepath.Join(kube.Dir, "image", "goshawk")
	cmd.Env = append(os.Environ(), "ARCHS="+runtime.GOARCH, "VERSION=0.1.0", "IMAGE=localhost/goshawk", "OUT="+out)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the image: %w\n%s", err, text)
	}
	return kube.Import(ctx, filepath.Join(out, "goshawk-0.1.0-"+runtime.GOARCH+".tar"))
}
