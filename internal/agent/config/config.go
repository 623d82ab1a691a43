package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/goshawk-security/goshawk/internal/agent/selection"
	"github.com/goshawk-security/goshawk/internal/ship"
	"github.com/goshawk-security/goshawk/internal/ship/stdout"
)

// APIVersion is the version of the configuration file that this program reads.
const APIVersion = "goshawk/v1"

// Config is the configuration file. Each part is checked by the stage that it
// belongs to; manual.go says what each key means.
type Config struct {
	APIVersion string   `yaml:"apiVersion"`
	Rules      []string `yaml:"rules"` // empty: the shipped rules
	// RuleSelection switches rules on and off, and RuleMatching says how many of those
	// that an event makes true fire.
	RuleSelection []selection.Selector `yaml:"ruleSelection"`
	RuleMatching  string               `yaml:"ruleMatching"`
	Destinations  ship.Config          `yaml:"destinations"`
	HTTP          HTTP                 `yaml:"http"`
	Heartbeat     Heartbeat            `yaml:"heartbeat"`
	Buffers       Buffers              `yaml:"buffers"`
	Limits        Limits               `yaml:"limits"`
	Mask          Mask                 `yaml:"mask"`
	Node          Node                 `yaml:"node"`
	Metadata      Metadata             `yaml:"metadata"`
	Runtime       Runtime              `yaml:"runtime"`
	Kubernetes    Kubernetes           `yaml:"kubernetes"`
}

// HTTP is where health and metrics are served.
type HTTP struct {
	Address string `yaml:"address"`
}

// Heartbeat says how often the agent proves that it can see, and when it
// counts as blind.
type Heartbeat struct {
	Interval time.Duration `yaml:"interval"`
	Timeout  time.Duration `yaml:"timeout"`
	Announce bool          `yaml:"announce"`
}

// Buffers is the memory between the kernel and the agent.
type Buffers struct {
	Events Quantity `yaml:"events"`
	State  Quantity `yaml:"state"`
}

// Limits bounds the memory of the agent itself.
type Limits struct {
	Processes   int      `yaml:"processes"`
	ProcessText Quantity `yaml:"processText"`
}

// Node says where the agent runs.
type Node struct {
	Name   string `yaml:"name"`
	Root   string `yaml:"root"`
	Proc   string `yaml:"proc"`
	Cgroup string `yaml:"cgroup"`
}

// Default is what counts without a configuration file: the shipped rules,
// and alerts as text on standard output.
func Default() Config {
	return Config{
		APIVersion:   APIVersion,
		RuleMatching: MatchAll,
		Destinations: ship.Config{{Name: "console", Stdout: &stdout.Config{Format: "text"}}},
		HTTP:         HTTP{Address: "127.0.0.1:8765"},
		Heartbeat:    Heartbeat{Interval: time.Second, Timeout: 5 * time.Second},
		Buffers:      Buffers{Events: 8 * mib, State: 8 * mib},
		Limits:       Limits{Processes: 32768, ProcessText: 32 * mib},
		Node:         Node{Root: "/", Proc: "/proc", Cgroup: "/sys/fs/cgroup"},
		Metadata:     Metadata{Wait: 5 * time.Second, HeldEvents: 8192, HeldBytes: 32 * mib},
		Runtime:      Runtime{Enabled: true},
		Kubernetes:   Kubernetes{Enabled: whereFound, Peers: true, RuleSets: true},
	}
}

// maxConfig bounds what is read of a configuration file.
const maxConfig = 1 << 20

// Load reads a configuration file. What the file does not name has its
// default. Paths in it are relative to the directory that it is in. The error
// joins every mistake.
func Load(path string) (Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close() // read only: nothing to lose
	text, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	if len(text) > maxConfig {
		return Config{}, fmt.Errorf("read configuration: %s is larger than 1 MiB", path)
	}
	return Parse(path, text)
}

// Parse is Load for a text that was read from path.
func Parse(path string, text []byte) (Config, error) {
	cfg := Default()
	cfg.APIVersion = ""
	s := strict{file: path}
	s.document(bytes.TrimPrefix(text, []byte("\ufeff")), &cfg)
	if !s.broken {
		s.check(cfg.Validate())
	}
	if len(s.mistakes) > 0 {
		return Config{}, errors.Join(s.sorted()...)
	}
	cfg.resolvePaths(filepath.Dir(path))
	return cfg, nil
}

func (c *Config) resolvePaths(base string) {
	for i, r := range c.Rules {
		if !filepath.IsAbs(r) {
			c.Rules[i] = filepath.Join(base, r)
		}
	}
	for _, path := range []*string{&c.Kubernetes.Kubeconfig, &c.Kubernetes.RuleSetFile} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(base, *path)
		}
	}
	c.Destinations.ResolvePaths(base)
}

// Validate says everything that is wrong; each error begins with its key.
func (c *Config) Validate() error {
	var errs []error
	fault := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf(key+": "+format, args...))
	}
	switch c.APIVersion {
	case APIVersion:
	case "":
		fault("apiVersion", "is missing: begin the file with apiVersion: %s", APIVersion)
	default:
		fault("apiVersion", "unknown version %q: this goshawk reads %s", c.APIVersion, APIVersion)
	}
	errs = append(errs, c.validateRules())
	if len(c.Destinations) == 0 {
		fault("destinations", "is an empty list: alerts would go nowhere; leave the key out for text on standard output")
	}
	if err := c.HTTP.Validate(); err != nil {
		errs = append(errs, err)
	}
	if c.Heartbeat.Interval < 100*time.Millisecond {
		fault("heartbeat.interval", "%v is too short: use at least 100ms", c.Heartbeat.Interval)
	}
	if c.Heartbeat.Timeout < 2*c.Heartbeat.Interval {
		fault("heartbeat.timeout", "%v is too short: use at least twice the interval (%v)", c.Heartbeat.Timeout, c.Heartbeat.Interval)
	}
	if c.Heartbeat.Timeout > maxTimeout {
		fault("heartbeat.timeout", "%v is too long: an agent that is blind must say so within %v", c.Heartbeat.Timeout, maxTimeout)
	}
	errs = append(errs, c.Buffers.Validate(), c.Destinations.Validate(), c.Limits.Validate(), c.Mask.Validate(), c.Node.Validate(),
		c.Metadata.Validate(), c.Runtime.Validate(), c.Kubernetes.Validate())
	return errors.Join(errs...)
}

// maxTimeout is how long an agent may be blind at most before it says so.
const maxTimeout = 10 * time.Minute

// Validate says what is wrong, beginning with the key. Port 0 is any that is free.
func (h HTTP) Validate() error {
	_, port, err := net.SplitHostPort(h.Address)
	if err != nil {
		return fmt.Errorf("http.address: %q is no address: write host:port, for example 127.0.0.1:8765", h.Address)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("http.address: %q is no port: write a number up to 65535, for example 127.0.0.1:8765", port)
	}
	return nil
}

// The least and the most that a ring may have.
const (
	minBuffer = 64 * kib
	maxBuffer = gib
)

// Validate says everything that is wrong; each error begins with its key.
func (b Buffers) Validate() error {
	var errs []error
	for _, ring := range []struct {
		key  string
		size Quantity
	}{{"buffers.events", b.Events}, {"buffers.state", b.State}} {
		if ring.size < minBuffer || ring.size > maxBuffer || ring.size&(ring.size-1) != 0 {
			errs = append(errs, fmt.Errorf("%s: %v is no power of two between %v and %v: use for example 8MiB",
				ring.key, ring.size, minBuffer, maxBuffer))
		}
	}
	return errors.Join(errs...)
}

// Validate says everything that is wrong; each error begins with its key.
func (l Limits) Validate() error {
	var errs []error
	const least, most = 256, 4 << 20 // the kernel's own limit of processes
	if l.Processes < least || l.Processes > most {
		errs = append(errs, fmt.Errorf("limits.processes: %d is not between %d and %d", l.Processes, least, most))
	}
	const leastText, mostText = mib, 4 * gib
	if l.ProcessText < leastText || l.ProcessText > mostText {
		errs = append(errs, fmt.Errorf("limits.processText: %v is not between %v and %v", l.ProcessText, leastText, mostText))
	}
	return errors.Join(errs...)
}

// Validate says what is wrong, beginning with the key.
func (n Node) Validate() error {
	var errs []error
	for _, dir := range []struct{ key, path string }{{"node.root", n.Root}, {"node.proc", n.Proc}, {"node.cgroup", n.Cgroup}} {
		if !filepath.IsAbs(dir.path) {
			errs = append(errs, fmt.Errorf("%s: %q is no absolute path", dir.key, dir.path))
		}
	}
	return errors.Join(errs...)
}

// SetFormat makes every destination on standard output write text or json.
func (c *Config) SetFormat(format string) error {
	console := stdout.Config{Format: format}
	if err := console.Validate(); err != nil {
		return err
	}
	found := false
	for i := range c.Destinations {
		if c.Destinations[i].Stdout != nil {
			c.Destinations[i].Stdout = &console
			found = true
		}
	}
	if !found {
		return errors.New("format: no destination of the configuration is standard output")
	}
	return nil
}
