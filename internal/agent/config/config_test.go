package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/ship"
	"github.com/goshawk-security/goshawk/internal/ship/splunk"
	"github.com/goshawk-security/goshawk/internal/ship/stdout"
)

var update = flag.Bool("update", false, "write golden files")

func TestParseConfig(t *testing.T) {
	const text = `
apiVersion: goshawk/v1
rules: [rules/, /etc/more.yaml]
destinations:
  - name: console
    stdout:
  - name: soc
    queue: {alerts: 100, bytes: 16MiB}
    splunk: {url: "https://splunk:8088", tokenFile: hec-token, caFile: ca.pem, index: main, maxWait: 2s, fields: {cluster: prod}}
http: {address: "127.0.0.1:9000"}
buffers: {events: 16Mi}
node: {name: worker-1}
`
	got, err := Parse("/etc/goshawk/goshawk.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Rules = []string{"/etc/goshawk/rules", "/etc/more.yaml"}
	want.HTTP.Address = "127.0.0.1:9000"
	want.Buffers.Events = 16 * mib
	want.Node.Name = "worker-1"
	want.Destinations = ship.Config{
		{Name: "console", Stdout: &stdout.Config{}},
		{Name: "soc", Queue: ship.Queue{Alerts: 100, Bytes: 16 << 20}, Splunk: &splunk.Config{
			URL: "https://splunk:8088", TokenFile: "/etc/goshawk/hec-token", CAFile: "/etc/goshawk/ca.pem",
			Index: "main", MaxWait: 2 * time.Second, Fields: map[string]string{"cluster": "prod"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
}

func TestConfigMistakes(t *testing.T) {
	const head = "apiVersion: goshawk/v1\n"
	tests := []struct{ name, text, want string }{
		{"empty", "", "c.yaml: is empty: begin it with apiVersion: goshawk/v1"},
		{"no mapping", "- a\n", "c.yaml:1:1: want keys and values, got a list"},
		{"syntax", "a: [\n", "c.yaml:1: did not find expected node content"},
		{"no version", "http: {}\n", "c.yaml: apiVersion: is missing: begin the file with apiVersion: goshawk/v1"},
		{"other version", "apiVersion: goshawk/v2\n", `c.yaml:1:13: apiVersion: unknown version "goshawk/v2": this goshawk reads goshawk/v1`},
		{"typo", head + "destinatons: []\n", `c.yaml:2:1: unknown key "destinatons"; did you mean destinations?`},
		{"far", head + "http: {port: 1}\n", `c.yaml:2:8: unknown key "http.port"; known are address`},
		{"twice", head + "rules: [a]\nrules: [b]\n", `c.yaml:3:1: key "rules" is given twice`},
		{"two documents", head + "---\na: b\n", "c.yaml:2:1: a second document: the configuration is one"},
		{"no rules", head + "rules: []\n", "c.yaml:2:8: rules: is an empty list: name files and directories, or leave the key out for the shipped rules"},
		{"wrong type", head + "rules: a\n", `c.yaml:2:8: rules: want a list, got "a"`},
		{"nowhere", head + "destinations: []\n", "c.yaml:2:15: destinations: is an empty list: alerts would go nowhere; leave the key out for text on standard output"},
		{"no kind", head + "destinations:\n  - name: a\n", "c.yaml:3:5: destinations[0] (a): has no kind: give it one of stdout, file, splunk"},
		{"in destination", head + "destinations:\n  - name: a\n    stdout: {format: xml}\n",
			`c.yaml:4:22: destinations[0] (a): stdout.format: unknown format "xml": use text or json`},
		{"ring", head + "buffers: {events: 3MiB}\n", "c.yaml:2:19: buffers.events: 3MiB is no power of two between 64KiB and 1GiB: use for example 8MiB"},
		{"size", head + "buffers: {state: big}\n", `c.yaml:2:18: buffers.state: "big" is not a size: write 8MiB, 512KiB or a number of bytes`},
		{"duration", head + "heartbeat: {interval: 10}\n", `c.yaml:2:23: heartbeat.interval: want a duration such as 5s, got "10"`},
		{"timeout", head + "heartbeat: {interval: 3s}\n", "c.yaml:2:12: heartbeat.timeout: 5s is too short: use at least twice the interval (3s)"},
		{"address", head + "http: {address: 8765}\n", `c.yaml:2:17: http.address: "8765" is no address: write host:port, for example 127.0.0.1:8765`},
		{"port", head + "http: {address: \"127.0.0.1:99999\"}\n", `c.yaml:2:17: http.address: "99999" is no port: write a number up to 65535, for example 127.0.0.1:8765`},
		{"no port", head + "http: {address: \"127.0.0.1:\"}\n", `c.yaml:2:17: http.address: "" is no port: write a number up to 65535, for example 127.0.0.1:8765`},
		{"long timeout", head + "heartbeat: {timeout: 1h}\n", "c.yaml:2:22: heartbeat.timeout: 1h0m0s is too long: an agent that is blind must say so within 10m0s"},
		{"empty match", head + "mask: {patterns: [\"x*\"]}\n", `c.yaml:2:19: mask.patterns[0]: "x*" can match nothing, so it is found everywhere and *** would stand between all letters: write + for *, or name what must be there`},
		{"pattern", head + "mask: {patterns: [a, \"(\"]}\n", "c.yaml:2:22: mask.patterns[1]: error parsing regexp: missing closing ): `(`"},
		{"bytes", head + "destinations: [{name: a, queue: {bytes: x}, stdout: {}}]\n",
			`c.yaml:2:41: destinations[0].queue.bytes: "x" is not a size: write 8MiB, 512KiB or a number of bytes`},
		{"null", "~\n", "c.yaml:1:1: want keys and values, got nothing"},
		{"text", head + "limits: {processText: 9KiB}\n", "c.yaml:2:23: limits.processText: 9KiB is not between 1MiB and 4GiB"},
		{"no value", head + "http: {address: }\n", "c.yaml:2:17: http.address: has no value: want text"},
		{"itself", head + "rules: &a [*a]\n", "c.yaml:2:8: rules[0]: want text, got a list"},
		{"all at once", "rulez: 1\nlimits: {processes: 1}\n",
			"c.yaml: apiVersion: is missing: begin the file with apiVersion: goshawk/v1\n" +
				`c.yaml:1:1: unknown key "rulez"; did you mean rules?` + "\n" +
				"c.yaml:2:21: limits.processes: 1 is not between 256 and 4194304"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("c.yaml", []byte(tt.text))
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCanBeEmpty(t *testing.T) {
	for pattern, want := range map[string]bool{
		``: true, `x*`: true, `(a|b?)`: true, `\b`: true, `^$`: true, `(?:ab){0,3}`: true, `a?b*`: true,
		`x`: false, `x+`: false, `token=(?P<secret>.*)`: false, `a|bc`: false, `[0-9]{2,}`: false, `^.`: false,
	} {
		err := Mask{Patterns: []string{pattern}}.Validate()
		if (err != nil) != want {
			t.Errorf("Validate of %q = %v, want an error: %v", pattern, err, want)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("apiVersion: goshawk/v1\nrules: [a]\n"))
	f.Add([]byte("a: &a [*a]\n<<: *a\n"))
	f.Add([]byte("destinations: [{name: x, splunk: {fields: {a: b}, maxWait: 1h}}]\n---\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg, err := Parse("c.yaml", text)
		if err == nil && cfg.Validate() != nil {
			t.Errorf("accepted what Validate refuses: %v", cfg.Validate())
		}
	})
}

func TestQuantity(t *testing.T) {
	tests := []struct {
		text string
		want Quantity
		ok   bool
	}{
		{"8MiB", 8 << 20, true}, {"8Mi", 8 << 20, true}, {"512 KiB", 512 << 10, true}, {"1G", 1e9, true},
		{"10kB", 0, false}, {"4096", 4096, true}, {"0", 0, true}, {"", 0, false}, {"-1", 0, false},
		{"1.5MiB", 0, false}, {"99999999999GiB", 0, false}, {"MiB", 0, false},
	}
	for _, tt := range tests {
		got, err := ParseQuantity(tt.text)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("ParseQuantity(%q) = %d, %v; want %d", tt.text, got, err, tt.want)
		}
		if again, err := ParseQuantity(got.String()); tt.ok && (again != got || err != nil) {
			t.Errorf("%q is written as %q and read as %v, %v", tt.text, got, again, err)
		}
	}
}

func TestSetFormat(t *testing.T) {
	cfg := Default()
	if err := cfg.SetFormat("json"); err != nil || cfg.Destinations[0].Stdout.Format != "json" {
		t.Errorf("SetFormat(json) = %v, %+v", err, cfg.Destinations[0].Stdout)
	}
	if Default().Destinations[0].Stdout.Format != "text" {
		t.Error("SetFormat changed the defaults")
	}
	if err := cfg.SetFormat("xml"); err == nil {
		t.Error("SetFormat(xml) did not fail")
	}
	cfg.Destinations = nil
	if err := cfg.SetFormat("json"); err == nil {
		t.Error("SetFormat without standard output did not fail")
	}
}

// Every key of the structs has its line in the manual, and the other way round.
func TestDocsKeys(t *testing.T) {
	described := map[string]bool{}
	for _, d := range keyDocs {
		described[d.path] = true
	}
	cfg := Default()
	leaves(reflect.ValueOf(&cfg).Elem(), "", func(path string, _ reflect.Value) {
		if !described[path] {
			t.Errorf("key %s is not described in manual.go", path)
		}
		delete(described, path)
	})
	for path := range described {
		t.Errorf("manual.go describes %s, which is no key", path)
	}
}

func TestDocsConfiguration(t *testing.T) {
	var got bytes.Buffer
	if err := WriteManual(&got); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "..", "..", "docs", "configuration.md")
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("docs/configuration.md is not up to date: run go test ./internal/agent/config -update\n%s", diff)
	}
	// The example in the manual is one.
	_, example, _ := strings.Cut(manualHead, "    apiVersion")
	example, _, _ = strings.Cut("    apiVersion"+example, "\nA destination")
	if _, err := Parse("c.yaml", []byte(example)); err != nil {
		t.Errorf("the example of the manual: %v", err)
	}
}
