package node

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// components are the names by which the program is called.
var components = []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "kubectl"}

// bin returns the path of a component.
func (n *Node) bin(name string) string { return filepath.Join(n.Dir, "bin", name) }

// linkFlags name the version that the programs say they are: helm and others ask the
// API server for it.
const linkFlags = "-s -w -X k8s.io/component-base/version.gitVersion=v1.34.2 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34"

// source is the directory of a module beside this package.
func source(name string) string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(filepath.Dir(file)), name)
}

// Repository is the directory of the project.
func Repository() string { return filepath.Dir(filepath.Dir(source("."))) }

// build makes the programs unless the cache has them. The first time takes some
// fifteen minutes on two cores.
func (n *Node) build(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(n.kube), 0o755); err != nil {
		return err
	}
	for _, p := range []struct{ dir, pkg, out string }{{"kube", ".", n.kube}, {"helm", "helm.sh/helm/v3/cmd/helm", n.helm}} {
		// The Go tool finds out itself whether there is anything to do.
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags="+linkFlags, "-o", p.out, p.pkg)
		cmd.Dir = source(p.dir)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", p.pkg, err, out)
		}
	}
	links := map[string]string{"helm": n.helm}
	for _, name := range components {
		links[name] = n.kube
	}
	for name, program := range links {
		_ = os.Remove(n.bin(name))
		if err := os.Symlink(program, n.bin(name)); err != nil {
			return err
		}
	}
	return nil
}

// output runs a command and returns what it wrote to standard output.
func (n *Node) output(ctx context.Context, program string, args ...string) (string, error) {
	return n.input(ctx, "", program, args...)
}

// input is output with something on standard input.
func (n *Node) input(ctx context.Context, stdin, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	cmd.Env = append(os.Environ(), "KUBECONFIG="+n.Kubeconfig, "HOME="+n.Dir)
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w: %s", filepath.Base(program), strings.Join(args, " "), err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

// Kubectl runs kubectl as the administrator and returns what it wrote.
func (n *Node) Kubectl(ctx context.Context, args ...string) (string, error) {
	return n.output(ctx, n.bin("kubectl"), args...)
}

// Apply gives objects to the API server, as YAML.
func (n *Node) Apply(ctx context.Context, yaml string) (string, error) {
	return n.input(ctx, yaml, n.bin("kubectl"), "apply", "-f", "-")
}

// Helm runs helm as the administrator and returns what it wrote.
func (n *Node) Helm(ctx context.Context, args ...string) (string, error) {
	return n.output(ctx, n.bin("helm"), args...)
}
