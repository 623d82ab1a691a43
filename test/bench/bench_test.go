package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTinyProgramRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tiny")
	if err := writeTiny(path); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("tiny program: %v, %q", err, out)
	}
}

// TestLoops makes every measured call without anything attached.
func TestLoops(t *testing.T) {
	list, err := loops(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cpu, _, err := splitCPUs()
	if err != nil {
		t.Skip(err)
	}
	for _, l := range list {
		l.calls /= 10
		l.calls++
		ns, err := measure(l, cpu, time.Millisecond)
		if err != nil || ns <= 0 {
			t.Errorf("%s: %v ns, %v", l.name, ns, err)
		}
	}
}

func TestQuantile(t *testing.T) {
	tests := []struct {
		values []float64
		q      float64
		want   float64
	}{
		{nil, 0.5, 0},
		{[]float64{7}, 0.5, 7},
		{[]float64{3, 1, 2}, 0.5, 2},
		{[]float64{4, 1, 2, 3}, 0.5, 2.5},
		{[]float64{5, 1, 2, 3, 4}, 0.25, 2},
		{[]float64{5, 1, 2, 3, 4}, 1, 5},
	}
	for _, tt := range tests {
		if got := quantile(tt.values, tt.q); got != tt.want {
			t.Errorf("quantile(%v, %v) = %v, want %v", tt.values, tt.q, got, tt.want)
		}
	}
}

// TestSearch looks for the limit of agents and loads whose limits are known.
func TestSearch(t *testing.T) {
	tests := []struct {
		name            string
		agent, load     float64
		keptMin, keptAt float64
		lost            bool
	}{
		{"agent gives in", 170_000, 1e9, 160_000, 170_000, true},
		{"load gives in", 1e9, 170_000, 170_000, 170_000, false},
		{"agent takes next to nothing", 10_000, 1e9, 9_000, 10_000, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r Rate
			err := r.search(func(rate float64) (Step, error) {
				s := Step{Wanted: rate, Made: min(rate, tt.load)}
				if s.Made > tt.agent {
					s.Lost = 1
				}
				return s, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if r.Kept < tt.keptMin || r.Kept > tt.keptAt || (r.Lost > 0) != tt.lost {
				t.Errorf("kept %v, lost %v", r.Kept, r.Lost)
			}
		})
	}
}

func TestSummarise(t *testing.T) {
	got := summarise([]second{{0.1, 0.5}, {0.01, 0}, {0.05, 0.2}, {0.04, 0.1}})
	want := &Idle{Seconds: 4, CPU: 0.05, Machine: 0.2, Quiet: Quiet{CPU: 0.01}}
	near := cmp.Comparer(func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 })
	if diff := cmp.Diff(want, got, near); diff != "" {
		t.Error(diff)
	}
}

func TestParseGoBench(t *testing.T) {
	got := parseGoBench(`goos: linux
pkg: example.org/test/bench
BenchmarkEvent/stage=all-2   	  526992	      1834 ns/op	      1700 cpu-ns/op	       0 B/op	       0 allocs/op
BenchmarkBroken
PASS
`)
	want := []GoBench{{Package: "bench", Name: "BenchmarkEvent/stage=all-2", Count: 526992,
		Figures: map[string]float64{"ns/op": 1834, "cpu-ns/op": 1700, "B/op": 0, "allocs/op": 0}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParse(t *testing.T) {
	tests := []struct {
		args []string
		ok   bool
	}{
		{nil, true},
		{[]string{"-only", "cost,idle", "-short", "-rounds", "2"}, true},
		{[]string{"-only", "all"}, false},
		{[]string{"-rounds", "0"}, false},
		{[]string{"surplus"}, false},
	}
	for _, tt := range tests {
		if _, err := parse(tt.args, io.Discard); (err == nil) != tt.ok {
			t.Errorf("parse(%q): %v", tt.args, err)
		}
	}
}

// TestEmptyProgramsCount attaches what the cost is compared with, and finds it.
func TestEmptyProgramsCount(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("attaching to the kernel needs root")
	}
	detach, err := attachEmpty("sys_enter", "sys_exit")
	if err != nil {
		t.Fatal(err)
	}
	// Others may come and go meanwhile: at least ours are there.
	n, err := countObservers()
	if err != nil || n < 2 {
		t.Errorf("%d observers, %v, want at least 2", n, err)
	}
	if err := detach(); err != nil {
		t.Error(err)
	}
}
