package hec_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/ship"
	"github.com/goshawk-security/goshawk/internal/ship/splunk"
)

const token = "11111111-2222-3333-4444-555555555555"

// alerts makes n alerts that differ in id and time.
func alerts(from, n int) []*alert.Alert {
	all := make([]*alert.Alert, n)
	for i := range all {
		at := time.Date(2026, 3, 4, 5, 6, 7, 123456789, time.UTC).Add(time.Duration(from+i) * time.Millisecond)
		all[i] = &alert.Alert{
			ID: fmt.Sprintf("alert-%05d", from+i), Output: "Shell spawned by a server (user=root cmd=sh -c 'a<b')",
			Priority: "Warning", Rule: "Shell under a server", Source: "syscall", Tags: []string{"T1059", "execution"},
			Time: at, Hostname: "node-1", Fingerprint: "f00d", RuleFile: "rules/shell.yaml:3",
			OutputFields: map[string]any{"proc.name": "sh", "proc.pid": 102, "fd.name": nil, "proc.args": []string{"-c", "id"}},
			Lineage: []alert.Ancestor{
				{PID: 102, Name: "sh", ExePath: "/usr/bin/dash", CmdLine: "sh -c id", Start: at},
				{PID: 88, Name: "nginx", ExePath: "/usr/sbin/nginx", Start: at},
			},
			Conditions: []alert.Condition{{Text: "proc.name = sh", Field: "proc.name", Value: "sh"}},
		}
	}
	return all
}

func ids(n int) []string {
	want := make([]string, n)
	for i := range want {
		want[i] = fmt.Sprintf("alert-%05d", i)
	}
	return want
}

// shipper makes the way out as the agent does, with one Splunk destination.
func shipper(t *testing.T, url string, change func(*splunk.Config)) *ship.Shipper {
	t.Helper()
	tokenFile := filepath.Join(t.TempDir(), "hec-token")
	if err := os.WriteFile(tokenFile, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := splunk.Config{URL: url, TokenFile: tokenFile, MaxWait: 20 * time.Millisecond}
	if change != nil {
		change(&cfg)
	}
	s, err := ship.New(ship.Config{{Name: "soc", Splunk: &cfg}}, ship.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func send(s *ship.Shipper, batch []*alert.Alert) {
	for _, a := range batch {
		s.Send(a)
	}
}

func flush(t *testing.T, s *ship.Shipper) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

// asJSON is a body as the collector has it: what JSON makes of an alert.
func asJSON(t *testing.T, a *alert.Alert) map[string]any {
	t.Helper()
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// Every part of an event arrives, in clear and gzipped, with and without TLS.
func TestEvent(t *testing.T) {
	for _, tt := range []struct {
		name, compression string
		tls               bool
	}{{"gzip over TLS", "gzip", true}, {"gzip", "gzip", false}, {"plain", "none", false}} {
		t.Run(tt.name, func(t *testing.T) {
			addr, to := freeAddress(t), &store{}
			url := "http://" + addr
			change := func(c *splunk.Config) {
				c.Compression, c.Index = tt.compression, "security"
				c.Fields = map[string]string{"cluster": "blue"}
			}
			if tt.tls {
				caFile, server := certificates(t)
				collector(t, addr, to, server)
				url = "https://" + addr
				plain := change
				change = func(c *splunk.Config) { plain(c); c.CAFile = caFile }
			} else {
				collector(t, addr, to, nil)
			}
			batch := alerts(0, 3)
			s := shipper(t, url, change)
			send(s, batch)
			flush(t, s)

			records, requests := to.all()
			if len(records) != len(batch) || requests != 1 {
				t.Fatalf("%d events in %d requests, want %d in 1", len(records), requests, len(batch))
			}
			for i, got := range records {
				want := record{
					time: batch[i].Time.Truncate(time.Millisecond),
					resource: map[string]any{
						"host.name": "node-1", "com.splunk.source": "goshawk", "com.splunk.sourcetype": "goshawk:alert",
						"com.splunk.index": "security", "com.splunk.hec.access_token": token,
					},
					fields: map[string]any{
						"rule": "Shell under a server", "priority": "Warning", "id": batch[i].ID, "fingerprint": "f00d",
						"tags": []any{"T1059", "execution"}, "cluster": "blue",
					},
					body: asJSON(t, batch[i]),
				}
				// Seconds as a floating-point number: the receiver rounds.
				if d := got.time.Sub(want.time).Abs(); d > time.Microsecond {
					t.Errorf("event %d: time %v, want %v", i, got.time, want.time)
				}
				want.time = got.time
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(record{})); diff != "" {
					t.Errorf("event %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

// A collector that is away at first: alerts wait, and all arrive once, in order.
func TestCollectorComesLate(t *testing.T) {
	addr, to := freeAddress(t), &store{}
	s := shipper(t, "http://"+addr, nil)
	send(s, alerts(0, 500))
	waitFor(t, "a failed try", func() bool { return s.Status()[0].State == ship.StateRetrying })
	if e := s.Status()[0].LastError; !strings.Contains(e, "connection refused") {
		t.Errorf("last error is %q", e)
	}
	send(s, alerts(500, 500))
	collector(t, addr, to, nil)
	flush(t, s)
	if diff := cmp.Diff(ids(1000), to.ids()); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}

// A collector that is restarted while alerts flow, and whose pipeline is full
// for a while (it answers 500): all arrive. An answer that was lost with its
// connection may bring alerts twice, never none.
func TestCollectorRestarts(t *testing.T) {
	addr, to := freeAddress(t), &store{}
	stop := collector(t, addr, to, nil)
	s := shipper(t, "http://"+addr, nil)
	send(s, alerts(0, 300))
	waitFor(t, "the first alerts", func() bool { return len(to.ids()) == 300 })
	stop()
	send(s, alerts(300, 300))
	waitFor(t, "a failed try", func() bool { return s.Status()[0].State == ship.StateRetrying })
	to.refuse.Store(2)
	collector(t, addr, to, nil)
	waitFor(t, "refusals", func() bool { return to.refuse.Load() <= 0 })
	send(s, alerts(600, 300))
	flush(t, s)
	got := to.ids()
	slices.Sort(got)
	if diff := cmp.Diff(ids(900), slices.Compact(got)); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}

// More than fits into one request.
func TestManyRequests(t *testing.T) {
	addr, to := freeAddress(t), &store{}
	collector(t, addr, to, nil)
	s := shipper(t, "http://"+addr, func(c *splunk.Config) { c.MaxBatchBytes = 64 << 10 })
	batch := alerts(0, 2000)
	for _, a := range batch {
		a.OutputFields["proc.cmdline"] = strings.Repeat("x", 1000)
	}
	send(s, batch)
	flush(t, s)
	if diff := cmp.Diff(ids(2000), to.ids()); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	if _, requests := to.all(); requests < 2000*1000/(64<<10) {
		t.Errorf("%d requests: they were larger than allowed", requests)
	}
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited in vain for %s", what)
}
