package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// MetadataConfig bounds the waiting for metadata.
type MetadataConfig struct {
	Wait       time.Duration `yaml:"wait"`
	HeldEvents int           `yaml:"heldEvents"`
	HeldBytes  Quantity      `yaml:"heldBytes"`
}

// RuntimeConfig says how the container runtime is asked.
type RuntimeConfig struct {
	Enabled bool     `yaml:"enabled"`
	Sockets []string `yaml:"sockets"`
}

// KubernetesConfig says how the API server is asked.
type KubernetesConfig struct {
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

// wanted tells that the API server is to be asked.
func (k KubernetesConfig) wanted() bool {
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
func (m MetadataConfig) Validate() error {
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
func (r RuntimeConfig) Validate() error {
	var errs []error
	for i, s := range r.Sockets {
		if !filepath.IsAbs(s) {
			errs = append(errs, fmt.Errorf("runtime.sockets[%d]: %q is no absolute path, such as /run/containerd/containerd.sock", i, s))
		}
	}
	return errors.Join(errs...)
}

// Validate says what is wrong, beginning with the key.
func (k KubernetesConfig) Validate() error {
	switch k.Enabled {
	case whereFound, always, never:
		return nil
	}
	return fmt.Errorf("kubernetes.enabled: %q is none of auto, true and false", k.Enabled)
}
