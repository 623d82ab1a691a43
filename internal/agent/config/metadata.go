package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Metadata bounds the waiting for metadata.
type Metadata struct {
	Wait       time.Duration `yaml:"wait"`
	HeldEvents int           `yaml:"heldEvents"`
	HeldBytes  Quantity      `yaml:"heldBytes"`
}

// Runtime says how the container runtime is asked.
type Runtime struct {
	Enabled bool     `yaml:"enabled"`
	Sockets []string `yaml:"sockets"`
}

// Kubernetes says how the API server is asked.
type Kubernetes struct {
	Enabled    string `yaml:"enabled"`
	Kubeconfig string `yaml:"kubeconfig"`
	Peers      bool   `yaml:"peers"`
	RuleSets   bool   `yaml:"ruleSets"`
	// RuleSetFile remembers the sets over a restart.
	RuleSetFile string `yaml:"ruleSetFile"`
}

// The values of kubernetes.enabled.
const (
	whereFound = "auto"
	always     = "true"
	never      = "false"
)

// serviceAccount is where Kubernetes puts a pod's token.
const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// Wanted tells that the API server is to be asked.
func (k Kubernetes) Wanted() bool {
	switch k.Enabled {
	case always:
		return true
	case whereFound:
		if k.Kubeconfig != "" {
			return true
		}
		_, err := os.Stat(serviceAccount)
		return err == nil && os.Getenv("KUBERNETES_SERVICE_HOST") != ""
	}
	return false
}

// The most that events may wait, and the room for them.
const (
	maxWait       = time.Minute
	maxHeldEvents = 1 << 20
)

// Validate says everything that is wrong; each error begins with its key.
func (m Metadata) Validate() error {
	var errs []error
	if m.Wait < 0 || m.Wait > maxWait {
		errs = append(errs, fmt.Errorf("metadata.wait: %v is not between 0s and %v", m.Wait, maxWait))
	}
	if m.HeldEvents < 0 || m.HeldEvents > maxHeldEvents {
		errs = append(errs, fmt.Errorf("metadata.heldEvents: %d is not between 0 and %d", m.HeldEvents, maxHeldEvents))
	}
	if m.HeldBytes < 0 || m.HeldBytes > 4*gib {
		errs = append(errs, fmt.Errorf("metadata.heldBytes: %v is more than %v", m.HeldBytes, 4*gib))
	}
	return errors.Join(errs...)
}

// Validate says everything that is wrong; each error begins with its key.
func (r Runtime) Validate() error {
	var errs []error
	for i, s := range r.Sockets {
		if !filepath.IsAbs(s) {
			errs = append(errs, fmt.Errorf("runtime.sockets[%d]: %q is no absolute path, such as /run/containerd/containerd.sock", i, s))
		}
	}
	return errors.Join(errs...)
}

// Validate says what is wrong, beginning with the key.
func (k Kubernetes) Validate() error {
	switch k.Enabled {
	case whereFound, always, never:
		return nil
	}
	return fmt.Errorf("kubernetes.enabled: %q is none of auto, true and false", k.Enabled)
}
