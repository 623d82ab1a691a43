package daemon

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMetrics(t *testing.T) {
	m, err := ParseMetrics([]byte(`# HELP a_total Things.
# TYPE a_total counter
a_total{type="openat"} 3
a_total{type="open"} 4
lost_total{cause="ring_full",type="openat"} 5
lost_total{cause="too_large",type="openat"} 6
a_total_more 100
matches{rule="Reads a \"file\", then sends it"} 1
plain 1.5e+06
`))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		labels []string
		want   float64
	}{
		{"a_total", nil, 7},
		{"a_total", []string{`type="open"`}, 4},
		{"lost_total", []string{`type="openat"`}, 11},
		{"lost_total", []string{`type="openat"`, `cause="too_large"`}, 6},
		{"plain", nil, 1.5e6},
		{"absent", nil, 0},
	}
	for _, tt := range tests {
		if got := m.Sum(tt.name, tt.labels...); got != tt.want {
			t.Errorf("Sum(%s, %v) = %v, want %v", tt.name, tt.labels, got, tt.want)
		}
	}
	want := map[string]float64{`Reads a "file", then sends it`: 1}
	if diff := cmp.Diff(want, m.Label("matches", "rule")); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"name", "name x"} {
		if _, err := ParseMetrics([]byte(bad)); err == nil {
			t.Errorf("ParseMetrics(%q) is no error", bad)
		}
	}
}

func TestParseMemory(t *testing.T) {
	got := parseMemory(`00400000-01400000 r-xp 00000000 fe:00 1234      /usr/bin/goshawk
Rss:                4096 kB
Anonymous:             0 kB
c000000000-c000400000 rw-p 00000000 00:00 0
Rss:                2048 kB
7f0000000000-7f0000801000 r--s 00001000 00:0e 12   anon_inode:bpf-map
Rss:                1024 kB
7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0    [stack]
Rss:                   8 kB
`)
	want := Memory{RSS: 7176 << 10, Rings: 1024 << 10, Anon: 2056 << 10, File: 4096 << 10}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if want.Own() != 6152<<10 {
		t.Errorf("Own() = %d", want.Own())
	}
}

func TestReadOwn(t *testing.T) {
	m, err := ReadMemory(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if m.RSS == 0 || m.RSS != m.Rings+m.Anon+m.File {
		t.Errorf("memory %+v does not add up", m)
	}
	before, err := ReadCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Millisecond); time.Now().Before(end); {
	}
	after, err := ReadCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if after <= before {
		t.Errorf("time went from %v to %v", before, after)
	}
}
