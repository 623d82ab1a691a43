package main

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
	"github.com/goshawk-security/goshawk/test/bench/daemon"
)

func TestAccount(t *testing.T) {
	tests := []struct {
		name string
		a    account
		ok   bool
	}{
		{"all received", account{made: 10, received: 10}, true},
		{"some lost", account{made: 10, received: 7, lost: 3}, true},
		{"one vanished", account{made: 10, received: 7, lost: 2}, false},
		{"one too many lost", account{made: 10, received: 7, lost: 4}, false},
		{"losses may be those of others", account{made: 10, received: 7, lost: 4, foreign: 1}, true},
		{"one came twice", account{made: 10, received: 11}, false},
		{"the call did not work", account{made: 10, received: 10, errs: []error{errors.New("call")}}, false},
	}
	for _, tt := range tests {
		if err := tt.a.check(); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestMarkerCounts(t *testing.T) {
	m := newMarker()
	for range 3 {
		if err := m.call(); err != nil {
			t.Fatal(err)
		}
	}
	before := daemon.Metrics{`goshawk_events_total{type="fchmodat2"}`: 5}
	after := daemon.Metrics{
		`goshawk_events_total{type="fchmodat2"}`:                        9,
		`goshawk_rule_matches_total{rule="` + markRule + `"}`:           2,
		`goshawk_events_lost_total{cause="ring_full",type="fchmodat2"}`: 1,
		`goshawk_events_lost_total{cause="ring_full",type="openat"}`:    7,
	}
	a := m.account(before, after)
	if a.made != 3 || a.received != 2 || a.foreign != 2 || a.lost != 1 {
		t.Errorf("account %+v", a)
	}
}

func TestRuleIsValid(t *testing.T) {
	m := newMarker()
	files, err := writeRules(t.TempDir(), m, nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := loader.Files(files, field.New(field.Syscall()))
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Warnings) > 0 {
		t.Errorf("warnings: %v", set.Warnings)
	}
}

func TestAlerts(t *testing.T) {
	m := &marker{prefix: "/p/"}
	marked := func(n string) string {
		return `{"rule":"` + markRule + `","output_fields":{"fs.path.nameraw":"/p/` + n + `"}}`
	}
	tests := []struct {
		name  string
		lines []string
		lost  uint64
		ok    bool
	}{
		{"each once", []string{marked("0"), `{"rule":"another","output":"x"}`, marked("1")}, 0, true},
		{"one missing", []string{marked("0")}, 0, false},
		{"one missing that was lost", []string{marked("0")}, 1, true},
		{"one twice", []string{marked("0"), marked("1"), marked("1")}, 0, false},
		{"one never made", []string{marked("0"), marked("1"), marked("2")}, 0, false},
		{"half a line", []string{marked("0"), marked("1"), `{"rule":"ma`}, 0, false},
	}
	for _, tt := range tests {
		a := &alerts{marked: map[int]int{}, others: map[string]*firing{}}
		for _, l := range tt.lines {
			a.add([]byte(l), m.prefix)
		}
		if err := a.check(2, tt.lost); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestJudgeGrowth(t *testing.T) {
	tests := []struct {
		name    string
		perTick uint64 // bytes by which the memory grows from sample to sample
		want    string // in the error; "" for none
	}{
		{"steady", 0, ""},
		{"a little", 10 << 10, ""},
		{"leak", 100 << 10, "memory without rings, MiB grew"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &result{cfg: &config{duration: 10 * time.Minute}, metrics: daemon.Metrics{}, alerts: &alerts{}}
			for i := range 120 {
				s := sample{at: time.Duration(i) * sampleInterval}
				s.memory.RSS = 20<<20 + uint64(i)*tt.perTick
				r.samples = append(r.samples, s)
			}
			err := r.judge(io.Discard)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestPace(t *testing.T) {
	p := newPace(0.6, time.Minute)
	for range 100 {
		p.adjust(1)
	}
	if p.get() != mostRest {
		t.Errorf("on a busy machine the rest is %v, want %v", p.get(), float64(mostRest))
	}
	for range 100 {
		p.adjust(0.1)
	}
	if p.get() != leastRest {
		t.Errorf("on an idle machine the rest is %v, want %v", p.get(), leastRest)
	}
}

// TestGait: a worker that made a piece each second until the warm-up ended makes
// no more later.
func TestGait(t *testing.T) {
	var g gait
	for now := time.Second; now < time.Minute; now += time.Second {
		if got := g.done(now, time.Minute); got != 0 {
			t.Fatalf("at %v it is held to %v", now, got)
		}
	}
	for now := time.Minute; now < 2*time.Minute; now += time.Second / 2 {
		if got := g.done(now, time.Minute); got != time.Second {
			t.Fatalf("at %v it is held to %v, want 1s", now, got)
		}
	}
	var slow gait
	for _, now := range []time.Duration{50, 130, 210} {
		slow.done(now*time.Second, time.Minute)
	}
	if got := slow.done(300*time.Second, time.Minute); got != 80*time.Second {
		t.Errorf("slow work is held to %v, want 80s", got)
	}
}

// TestWork does each piece of the load once.
func TestWork(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	work := map[string]func(context.Context, int) error{
		"programs": startPrograms, "files": filesIn(filepath.Join(t.TempDir(), "files")), "connections": connect,
	}
	for name, f := range work {
		if err := f(ctx, 1); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
