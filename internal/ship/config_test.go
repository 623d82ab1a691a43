package ship

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/ship/file"
	"github.com/goshawk-security/goshawk/internal/ship/splunk"
	"github.com/goshawk-security/goshawk/internal/ship/stdout"
)

func parse(t *testing.T, text string) Config {
	t.Helper()
	dec := yaml.NewDecoder(strings.NewReader(text))
	dec.KnownFields(true)
	var c Config
	if err := dec.Decode(&c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConfig(t *testing.T) {
	c := parse(t, `
- name: console
  stdout: {format: text}
- name: archive
  queue: {alerts: 100, bytes: 1000000}
  file: {path: alerts.jsonl}
- name: soc
  splunk: {url: "https://splunk:8088", tokenFile: hec-token, caFile: ca.pem, index: main, maxWait: 2s, fields: {cluster: blue}}
`)
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	c.ResolvePaths("/etc/goshawk")
	want := Config{
		{Name: "console", Stdout: &stdout.Config{Format: "text"}},
		{Name: "archive", Queue: Queue{100, 1000000}, File: &file.Config{Path: "/etc/goshawk/alerts.jsonl"}},
		{Name: "soc", Splunk: &splunk.Config{
			URL: "https://splunk:8088", TokenFile: "/etc/goshawk/hec-token", CAFile: "/etc/goshawk/ca.pem",
			Index: "main", MaxWait: 2 * time.Second, Fields: map[string]string{"cluster": "blue"},
		}},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
}

func TestConfigMistakes(t *testing.T) {
	c := parse(t, `
- name: a
  stdout: {format: xml}
- name: a
  file: {format: csv}
- {}
- name: "b c"
  queue: {alerts: -1, bytes: -2}
  stdout: {}
  file: {path: x}
- name: soc
  splunk: {url: "splunk"}
- name: e
  queue: {alerts: 1000001, bytes: 65535}
  file: {path: logs/alerts}
- name: f
  file: {path: logs/../logs//alerts}
`)
	want := []string{
		`destinations[0] (a): stdout.format: unknown format "xml": use text or json`,
		`destinations[1] (a): name: is taken by destinations[0]`,
		`destinations[1] (a): file.path: is missing: name the file to append to`,
		`destinations[1] (a): file.format: unknown format "csv": use text or json`,
		`destinations[2]: name: is missing`,
		`destinations[2]: has no kind: give it one of stdout, file, splunk`,
		`destinations[3] (b c): name: "b c" must be at most 63 letters, digits, dots, dashes and underscores`,
		`destinations[3] (b c): queue.alerts: -1 is negative`,
		`destinations[3] (b c): queue.bytes: -2 is too small: use at least 65536`,
		`destinations[3] (b c): has more than one kind (stdout and file): make it two destinations`,
		`destinations[4] (soc): splunk.url: "splunk" is not an address like https://splunk.example:8088`,
		`destinations[4] (soc): splunk.tokenFile: is missing: name a file with the collector's token, or a variable with tokenEnv`,
		`destinations[5] (e): queue.alerts: 1000001 is too many: use at most 1000000`,
		`destinations[5] (e): queue.bytes: 65535 is too small: use at least 65536`,
		`destinations[6] (f): file.path: is the file of destinations[5]: two writers would break each other's lines`,
	}
	err := c.Validate()
	if err == nil {
		t.Fatal("Validate: no error")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
	if _, nerr := New(c, Deps{}); nerr == nil || nerr.Error() != err.Error() {
		t.Errorf("New: %v, want what Validate says", nerr)
	}
}

// New opens all destinations or none, and says all that is wrong.
func TestNewOpensAllOrNone(t *testing.T) {
	dir := t.TempDir()
	reg := prometheus.NewRegistry()
	good := Destination{Name: "good", File: &file.Config{Path: filepath.Join(dir, "alerts")}}
	_, err := New(Config{
		good,
		{Name: "bad", File: &file.Config{Path: filepath.Join(dir, "none", "alerts")}},
		{Name: "soc", Splunk: &splunk.Config{URL: "https://s", TokenFile: filepath.Join(dir, "token"), CAFile: filepath.Join(dir, "ca")}},
	}, Deps{Metrics: reg})
	for _, want := range []string{"open destination bad: open alert file", "open destination soc: read secret", "open destination soc: read caFile"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v\nwant %q", err, want)
		}
	}
	var out bytes.Buffer
	s, err := New(Config{good, {Name: "console", Stdout: &stdout.Config{Format: "json"}}}, Deps{Metrics: reg, Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{good}, Deps{Metrics: reg}); err == nil || !strings.Contains(err.Error(), "register metrics") {
		t.Errorf("New with metrics that are taken: %v", err)
	}
	sendN(s, 0, 3)
	if err := closeIn(s, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	onDisk, err := os.ReadFile(good.File.Path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "\n") != 3 || string(onDisk) != out.String() {
		t.Errorf("standard output has %q, the file %q", out.String(), onDisk)
	}
	if k := []string{s.Status()[0].Kind, s.Status()[1].Kind}; k[0] != "file" || k[1] != "stdout" {
		t.Errorf("kinds are %v", k)
	}
}

func TestNoDestinations(t *testing.T) {
	s, err := New(nil, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	s.Send(numbered(1))
	s.Reopen()
	if err := closeIn(s, time.Second); err != nil || len(s.Status()) != 0 {
		t.Errorf("Close: %v, status %v", err, s.Status())
	}
}
