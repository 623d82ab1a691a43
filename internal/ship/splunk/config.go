package splunk

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goshawk-security/goshawk/internal/ship/secret"
)

// Config is the destination's part of the configuration file. Zero values mean
// the defaults.
type Config struct {
	URL       string `yaml:"url"`       // https://host:8088, with or without the collector's path
	TokenFile string `yaml:"tokenFile"` // read again when it changes
	TokenEnv  string `yaml:"tokenEnv"`  // instead of tokenFile: name of a variable

	CAFile             string `yaml:"caFile"`     // PEM; instead of the system's authorities
	ServerName         string `yaml:"serverName"` // the name in the server's certificate, if it is not the URL's
	InsecureSkipVerify bool   `yaml:"insecureSkipVerify"`

	Index      string            `yaml:"index"`      // default: the token's
	Source     string            `yaml:"source"`     // default: goshawk
	Sourcetype string            `yaml:"sourcetype"` // default: goshawk:alert
	Host       string            `yaml:"host"`       // default: the alert's hostname
	Fields     map[string]string `yaml:"fields"`     // indexed with every event, e.g. the cluster's name

	Compression   string        `yaml:"compression"`   // gzip (the default) or none
	MaxBatchBytes int           `yaml:"maxBatchBytes"` // of a request before gzip; default 2 MiB
	MaxEventBytes int           `yaml:"maxEventBytes"` // default 5 MB, Splunk's own limit
	MaxWait       time.Duration `yaml:"maxWait"`       // for a batch to fill; default 1s
	Timeout       time.Duration `yaml:"timeout"`       // of one request; default 30s
}

// The defaults of Config.
const (
	DefaultSource        = "goshawk"
	DefaultSourcetype    = "goshawk:alert"
	DefaultMaxBatchBytes = 2 << 20
	DefaultMaxEventBytes = 5_000_000
	DefaultMaxWait       = time.Second
	DefaultTimeout       = 30 * time.Second

	eventPath = "/services/collector/event"
	gzipped   = "gzip"
	plain     = "none"
)

// The bounds of the numbers: a useful alert must fit, a time-out must give the
// network a chance, and an alert must not wait for minutes.
const (
	minBytes   = 16 << 10
	maxBytes   = 32 << 20
	minTimeout = 100 * time.Millisecond
	maxTimeout = 10 * time.Minute
	maxMaxWait = time.Minute
)

// Validate says everything that is wrong, naming the keys.
func (c *Config) Validate() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if _, err := c.endpoint(); err != nil {
		fault("url: %w", err)
	}
	switch {
	case c.TokenFile == "" && c.TokenEnv == "":
		fault("tokenFile: is missing: name a file with the collector's token, or a variable with tokenEnv")
	case c.TokenFile != "" && c.TokenEnv != "":
		fault("tokenEnv: tokenFile is set as well; keep one of them")
	}
	if c.InsecureSkipVerify && c.CAFile != "" {
		fault("insecureSkipVerify: caFile is set as well; with a caFile the certificate can be verified")
	}
	switch c.Compression {
	case "", gzipped, plain:
	default:
		fault("compression: unknown compression %q: use %s or %s", c.Compression, gzipped, plain)
	}
	errs = append(errs, c.validateLimits()...)
	for name := range c.Fields {
		if reserved(name) {
			fault("fields: %q is set by goshawk or by Splunk itself; choose another name", name)
		}
	}
	return errors.Join(errs...)
}

// validateLimits does it for the numbers.
func (c *Config) validateLimits() []error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, limit := range []struct {
		key   string
		value int
	}{{"maxBatchBytes", c.MaxBatchBytes}, {"maxEventBytes", c.MaxEventBytes}} {
		switch {
		case limit.value == 0:
		case limit.value < minBytes:
			fault("%s: %d is too small: use at least %d", limit.key, limit.value, minBytes)
		case limit.value > maxBytes:
			fault("%s: %d is too large: use at most %d", limit.key, limit.value, maxBytes)
		}
	}
	switch {
	case c.MaxWait < 0:
		fault("maxWait: %v is negative", c.MaxWait)
	case c.MaxWait > maxMaxWait:
		fault("maxWait: %v is too long: use at most %v", c.MaxWait, maxMaxWait)
	}
	switch {
	case c.Timeout == 0:
	case c.Timeout < minTimeout:
		fault("timeout: %v is too short: use at least %v", c.Timeout, minTimeout)
	case c.Timeout > maxTimeout:
		fault("timeout: %v is too long: use at most %v", c.Timeout, maxTimeout)
	}
	return errs
}

// ResolvePaths makes relative paths ones below the directory base.
func (c *Config) ResolvePaths(base string) {
	for _, p := range []*string{&c.TokenFile, &c.CAFile} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(base, *p)
		}
	}
}

// withDefaults returns c with the defaults filled in.
func (c Config) withDefaults() Config {
	setDefault(&c.Source, DefaultSource)
	setDefault(&c.Sourcetype, DefaultSourcetype)
	setDefault(&c.Compression, gzipped)
	setDefault(&c.MaxBatchBytes, DefaultMaxBatchBytes)
	setDefault(&c.MaxEventBytes, DefaultMaxEventBytes)
	setDefault(&c.MaxWait, DefaultMaxWait)
	setDefault(&c.Timeout, DefaultTimeout)
	return c
}

func setDefault[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}

// Wait is how long a batch may wait for more alerts.
func (c Config) Wait() time.Duration { return c.withDefaults().MaxWait }

// endpoint returns the address of the collector's event endpoint.
func (c *Config) endpoint() (string, error) {
	if c.URL == "" {
		return "", errors.New("is missing: use the collector's address, for example https://splunk.example:8088")
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return "", errors.New("is not a URL") // the error would repeat it, and what may be in it
	}
	switch {
	case u.User != nil:
		return "", errors.New("has a user or password in it; the token comes from tokenFile or tokenEnv")
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return "", fmt.Errorf("%q is not an address like https://splunk.example:8088", c.URL)
	case u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("has a query or fragment, which a collector does not take")
	}
	path := strings.TrimRight(u.Path, "/")
	switch {
	case path == "":
		u.Path = eventPath
	case strings.HasSuffix(path, "/services/collector"):
		u.Path = path + "/event"
	case strings.Contains(path, "/services/collector/raw"):
		return "", errors.New("is the raw endpoint, which drops indexed fields; use " + eventPath)
	}
	return u.String(), nil
}

// token opens the source of the token.
func (c *Config) token() (*secret.Source, error) {
	if c.TokenFile != "" {
		return secret.FromFile(c.TokenFile)
	}
	return secret.FromEnv(c.TokenEnv)
}

// client makes the HTTP client, reading the certificates.
func (c *Config) client() (*http.Client, error) {
	tr, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("make HTTP client: the default transport was replaced")
	}
	tr = tr.Clone() // proxies from the environment, keep-alive, time limits for dialling
	tr.MaxIdleConnsPerHost = 1
	tr.DisableCompression = true
	// HTTP/1.1 alone: a request that times out gives up its connection. An HTTP/2
	// connection whose packets vanish on the way would stay in use, since only its
	// stream is given up. One request at a time gains nothing by HTTP/2.
	tr.ForceAttemptHTTP2 = false
	tr.Protocols = new(http.Protocols)
	tr.Protocols.SetHTTP1(true)
	tr.TLSClientConfig = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         c.ServerName,
		InsecureSkipVerify: c.InsecureSkipVerify, //nolint:gosec // the operator's explicit wish; New warns
	}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read caFile: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read caFile: no certificate in PEM form in %s", c.CAFile)
		}
		tr.TLSClientConfig.RootCAs = pool
	}
	return &http.Client{
		Transport:     tr,
		Timeout:       c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}
