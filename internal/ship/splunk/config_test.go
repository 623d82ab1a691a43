package splunk

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestEndpoint(t *testing.T) {
	for _, tt := range []struct{ url, want, err string }{
		{"https://splunk:8088", "https://splunk:8088/services/collector/event", ""},
		{"https://splunk:8088/", "https://splunk:8088/services/collector/event", ""},
		{"https://s/services/collector", "https://s/services/collector/event", ""},
		{"https://s/services/collector/event", "https://s/services/collector/event", ""},
		{"https://s/services/collector/event/1.0", "https://s/services/collector/event/1.0", ""},
		{"https://s/team-a/services/collector/", "https://s/team-a/services/collector/event", ""},
		{"http://[::1]:1/in", "http://[::1]:1/in", ""},
		{"", "", "is missing"},
		{"splunk:8088", "", "is not an address like"},
		{"ftp://splunk", "", "is not an address like"},
		{"https://", "", "is not an address like"},
		{"https://s:x/%zz", "", "is not a URL"},
		{"https://u:secret@s", "", "has a user or password"},
		{"https://s/?token=secret", "", "has a query"},
		{"https://s/services/collector/raw", "", "raw endpoint"},
	} {
		got, err := (&Config{URL: tt.url}).endpoint()
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("endpoint of %q: %q, %v; want %q, %q", tt.url, got, err, tt.want, tt.err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("endpoint of %q: the error shows the secret: %v", tt.url, err)
		}
	}
}

func TestValidate(t *testing.T) {
	bad := Config{
		URL: "splunk", TokenFile: "a", TokenEnv: "B", InsecureSkipVerify: true, CAFile: "c", Compression: "zstd",
		MaxBatchBytes: 1, MaxEventBytes: -1, MaxWait: -1, Timeout: -time.Second, Fields: map[string]string{"rule": "x"},
	}
	want := []string{
		`url: "splunk" is not an address like https://splunk.example:8088`,
		`tokenEnv: tokenFile is set as well; keep one of them`,
		`insecureSkipVerify: caFile is set as well; with a caFile the certificate can be verified`,
		`compression: unknown compression "zstd": use gzip or none`,
		`maxBatchBytes: 1 is too small: use at least 16384`,
		`maxEventBytes: -1 is too small: use at least 16384`,
		`maxWait: -1ns is negative`,
		`timeout: -1s is too short: use at least 100ms`,
		`fields: "rule" is set by goshawk or by Splunk itself; choose another name`,
	}
	if err := bad.Validate(); err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("Validate:\n%v\nwant\n%s", err, strings.Join(want, "\n"))
	}
	large := Config{
		URL: "https://s", TokenEnv: "X", MaxBatchBytes: 33 << 20, MaxEventBytes: 33 << 20, MaxWait: 61 * time.Second, Timeout: time.Hour,
	}
	want = []string{
		`maxBatchBytes: 34603008 is too large: use at most 33554432`,
		`maxEventBytes: 34603008 is too large: use at most 33554432`,
		`maxWait: 1m1s is too long: use at most 1m0s`,
		`timeout: 1h0m0s is too long: use at most 10m0s`,
	}
	if err := large.Validate(); err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("Validate:\n%v\nwant\n%s", err, strings.Join(want, "\n"))
	}
	missing := (&Config{URL: "https://s"}).Validate()
	if missing == nil || !strings.HasPrefix(missing.Error(), "tokenFile: is missing") {
		t.Errorf("Validate without a token: %v", missing)
	}
	if err := (&Config{URL: "https://s", TokenEnv: "X"}).Validate(); err != nil {
		t.Errorf("Validate of the least: %v", err)
	}
}

func TestResolvePaths(t *testing.T) {
	c := Config{TokenFile: "hec-token", CAFile: "/abs/ca.pem"}
	c.ResolvePaths("/etc/goshawk")
	if c.TokenFile != "/etc/goshawk/hec-token" || c.CAFile != "/abs/ca.pem" {
		t.Errorf("paths are %q and %q", c.TokenFile, c.CAFile)
	}
	empty := Config{}
	if empty.ResolvePaths("/etc"); empty.TokenFile != "" || empty.CAFile != "" {
		t.Errorf("empty paths became %q and %q", empty.TokenFile, empty.CAFile)
	}
}

// What cannot work is said at the start, all of it, with the name of the file.
func TestNewErrors(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(bad, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := New(Config{URL: "https://s", TokenFile: filepath.Join(dir, "none"), CAFile: bad}, nil)
	for _, want := range []string{"none: no such file", "no certificate in PEM form in " + bad} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v, want %q", err, want)
		}
	}
	_, err = New(Config{URL: "https://s", TokenEnv: "GOSHAWK_TEST_UNSET"}, nil)
	if err == nil || !strings.Contains(err.Error(), "GOSHAWK_TEST_UNSET") {
		t.Errorf("New: %v, want the variable's name", err)
	}
}

func TestInsecureIsSaid(t *testing.T) {
	t.Setenv("GOSHAWK_TEST_TOKEN", "t0ken")
	core, logs := observer.New(zap.WarnLevel)
	s, err := New(Config{URL: "https://s", TokenEnv: "GOSHAWK_TEST_TOKEN", InsecureSkipVerify: true}, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	if logs.FilterMessageSnippet("not verified").Len() != 1 {
		t.Errorf("log is %v", logs.All())
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if out := fmt.Sprintf(verb, s.token); strings.Contains(out, "t0ken") {
			t.Errorf("%s shows the token: %s", verb, out)
		}
	}
}
