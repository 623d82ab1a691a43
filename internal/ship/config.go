package ship

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"time"

	"go.uber.org/zap"

	"github.com/goshawk-security/goshawk/internal/ship/file"
	"github.com/goshawk-security/goshawk/internal/ship/splunk"
	"github.com/goshawk-security/goshawk/internal/ship/stdout"
)

// Config lists the destinations: the key destinations of the configuration.
type Config []Destination

// Destination is one place that alerts go to. Exactly one kind is set.
type Destination struct {
	Name  string `yaml:"name"` // in metrics, logs and status; unique
	Queue Queue  `yaml:"queue"`

	Stdout *stdout.Config `yaml:"stdout"`
	File   *file.Config   `yaml:"file"`
	Splunk *splunk.Config `yaml:"splunk"`
}

// Queue bounds what waits in memory for one destination. Zero values mean the
// defaults.
type Queue struct {
	Alerts int `yaml:"alerts"`
	Bytes  int `yaml:"bytes"` // of memory, estimated
}

// The defaults of Queue: an alert has about 2 KiB, so that usually the number
// of alerts is the limit.
const (
	DefaultQueueAlerts = 8192
	DefaultQueueBytes  = 32 << 20
)

// The bounds of Queue: a usual alert must fit, and a typing mistake must not have
// the node's memory filled.
const (
	maxQueueAlerts = 1_000_000
	minQueueBytes  = 64 << 10
)

func (q Queue) validate() error {
	var errs []error
	switch {
	case q.Alerts < 0:
		errs = append(errs, fmt.Errorf("queue.alerts: %d is negative", q.Alerts))
	case q.Alerts > maxQueueAlerts:
		errs = append(errs, fmt.Errorf("queue.alerts: %d is too many: use at most %d", q.Alerts, maxQueueAlerts))
	}
	if q.Bytes != 0 && q.Bytes < minQueueBytes {
		errs = append(errs, fmt.Errorf("queue.bytes: %d is too small: use at least %d", q.Bytes, minQueueBytes))
	}
	return errors.Join(errs...)
}

// kind is one of the kinds of destination that a Destination can have.
type kind struct {
	name     string
	set      bool
	validate func() error
	resolve  func(base string) // nil if it has no paths
	open     func(log *zap.Logger, std io.Writer) (Sink, error)
	wait     time.Duration // for a batch to fill
}

// kinds returns all kinds, set or not. It is the one table of them.
func (d *Destination) kinds() []kind {
	var wait time.Duration
	if d.Splunk != nil {
		wait = d.Splunk.Wait()
	}
	return []kind{
		{name: "stdout", set: d.Stdout != nil, validate: func() error { return d.Stdout.Validate() },
			open: func(_ *zap.Logger, std io.Writer) (Sink, error) { return stdout.New(*d.Stdout, std), nil }},
		{name: "file", set: d.File != nil, validate: func() error { return d.File.Validate() },
			resolve: func(base string) { d.File.ResolvePaths(base) },
			open: func(*zap.Logger, io.Writer) (Sink, error) {
				s, err := file.New(*d.File)
				if err != nil {
					return nil, err
				}
				return s, nil
			}},
		{name: "splunk", set: d.Splunk != nil, wait: wait, validate: func() error { return d.Splunk.Validate() },
			resolve: func(base string) { d.Splunk.ResolvePaths(base) },
			open: func(log *zap.Logger, _ io.Writer) (Sink, error) {
				s, err := splunk.New(*d.Splunk, log)
				if err != nil {
					return nil, err
				}
				return s, nil
			}},
	}
}

// kind returns the one kind that is set.
func (d *Destination) kind() (kind, error) {
	var found []kind
	names := ""
	for _, k := range d.kinds() {
		if k.set {
			found = append(found, k)
		}
		if names != "" {
			names += ", "
		}
		names += k.name
	}
	switch len(found) {
	case 0:
		return kind{}, fmt.Errorf("has no kind: give it one of %s", names)
	case 1:
		return found[0], nil
	}
	return kind{}, fmt.Errorf("has more than one kind (%s and %s): make it two destinations", found[0].name, found[1].name)
}

// validName keeps names fit for a label and a directory.
var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// Validate says everything that is wrong, each mistake with its destination and
// key. No destination at all is allowed: the caller knows whether that is meant.
func (c Config) Validate() error {
	var errs []error
	seen, files := make(map[string]int), make(map[string]int)
	for i := range c {
		d := &c[i]
		where := fmt.Sprintf("destinations[%d]", i)
		if d.Name != "" {
			where += fmt.Sprintf(" (%s)", d.Name)
		}
		if first, dup := seen[d.Name]; dup && d.Name != "" {
			errs = append(errs, fmt.Errorf("%s: name: is taken by destinations[%d]", where, first))
		} else {
			seen[d.Name] = i
		}
		errs = append(errs, prefix(where, d.validate())...)
		if d.File == nil || d.File.Path == "" {
			continue
		}
		path := filepath.Clean(d.File.Path)
		if first, dup := files[path]; dup {
			errs = append(errs, fmt.Errorf("%s: file.path: is the file of destinations[%d]: two writers would break each other's lines", where, first))
		} else {
			files[path] = i
		}
	}
	return errors.Join(errs...)
}

func (d *Destination) validate() error {
	var errs []error
	switch {
	case d.Name == "":
		errs = append(errs, errors.New("name: is missing"))
	case !validName.MatchString(d.Name):
		errs = append(errs, fmt.Errorf("name: %q must be at most 63 letters, digits, dots, dashes and underscores", d.Name))
	}
	errs = append(errs, prefixed("", d.Queue.validate())...)
	k, err := d.kind()
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	return errors.Join(append(errs, prefixKey(k.name, k.validate())...)...)
}

// ResolvePaths makes relative paths ones below base, the directory that the
// configuration file is in.
func (c Config) ResolvePaths(base string) {
	for i := range c {
		for _, k := range c[i].kinds() {
			if k.set && k.resolve != nil {
				k.resolve(base)
			}
		}
	}
}

// prefix puts where before each of the errors that err joins.
func prefix(where string, err error) []error { return prefixed(where+": ", err) }

// prefixKey does the same for the key that the errors' keys are below.
func prefixKey(key string, err error) []error { return prefixed(key+".", err) }

func prefixed(text string, err error) []error {
	if err == nil {
		return nil
	}
	joined := []error{err}
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		joined = j.Unwrap()
	}
	for i, e := range joined {
		joined[i] = fmt.Errorf("%s%w", text, e)
	}
	return joined
}
