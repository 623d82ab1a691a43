package agent

import (
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goshawk-security/goshawk/internal/agent/config"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/goshawk-security/goshawk/internal/agent/selection"
	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/event"
)

// kernelLog is a kernel side that notes what it is told.
type kernelLog struct {
	mu    sync.Mutex
	told  []string
	err   error // of the next Update
	hooks []capture.Hook
}

func (k *kernelLog) Update(types []event.Type, environ bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.String()
	}
	line := strings.Join(names, " ")
	if environ {
		line += " environ"
	}
	k.told = append(k.told, line)
	err := k.err
	k.err = nil
	return err
}

func (k *kernelLog) Hooks() []capture.Hook { return k.hooks }

const (
	connectRule = `
- rule: Connects
  desc: Test.
  condition: evt.type = connect
  output: connected %proc.env[HOME]
  priority: Warning
`
	badRule = `
- rule: Bad
  desc: Test.
  condition: evt.nothing = 1
  output: bad
  priority: Warning
`
)

// reloader is an agent whose loop does nothing but take new rules over.
type reloader struct {
	*Agent
	kernel *kernelLog
	lost   *losses
	logs   *observer.ObservedLogs
}

func newReloader(t *testing.T) *reloader {
	a, _ := newTestAgent(t)
	core, logs := observer.New(zapcore.InfoLevel)
	a.log = zap.New(core)
	t.Cleanup(func() { a.flush() })
	return &reloader{Agent: a, kernel: &kernelLog{}, lost: newLosses(a.rules.rules), logs: logs}
}

// write replaces the rules and reloads.
func (r *reloader) write(t *testing.T, text string, asked bool) {
	t.Helper()
	if err := os.WriteFile(r.cfg.Rules[0], []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); r.reload(t.Context(), r.kernel, r.lost, asked) }()
	for {
		select {
		case <-done:
			return
		default:
			r.takeOver()
		}
	}
}

func (r *reloader) wantPage(t *testing.T, path string, lines ...string) {
	t.Helper()
	page := get(t, r.Agent, path)
	for _, line := range lines {
		if !strings.Contains("\n"+page, "\n"+line) {
			t.Errorf("%s has no line %s", path, line)
		}
	}
}

func TestReload(t *testing.T) {
	r := newReloader(t)
	r.loop(&script{steps: [][]byte{record(event.Openat, [6]uint64{}, "/tmp/marker")}})
	old := r.rules.hash
	r.write(t, markerRule+connectRule, false)
	if want := []string{"openat connect environ", "openat connect environ"}; !slices.Equal(r.kernel.told, want) {
		t.Errorf("the kernel side was told %q, want %q", r.kernel.told, want)
	}
	r.wantPage(t, "/metrics", `goshawk_rule_matches_total{rule="Marker"} 1`, `goshawk_rule_matches_total{rule="Connects"} 0`,
		`goshawk_rule_evaluated_total{rule="Marker"} 1`, `goshawk_rules_reloads_total{result="success"} 1`,
		`goshawk_rules_info{hash="`+r.rules.hash+`"} 1`, `goshawk_rules_loaded 2`, `goshawk_rules_enabled 2`)
	r.kernel.told = nil
	r.write(t, connectRule, false)
	if want := []string{"openat connect environ", "connect environ"}; !slices.Equal(r.kernel.told, want) {
		t.Errorf("wide, then narrow: told %q, want %q", r.kernel.told, want)
	}
	if page := get(t, r.Agent, "/metrics"); strings.Contains(page, "Marker") {
		t.Error("a rule that is gone has numbers")
	}
	r.write(t, markerRule, false)
	if r.rules.hash != old {
		t.Error("the same rules have another hash")
	}
}

func TestReloadSame(t *testing.T) {
	r := newReloader(t)
	before := r.rules
	r.write(t, markerRule, false)
	if r.rules != before || len(r.kernel.told) > 0 || r.logs.Len() > 0 {
		t.Errorf("rules of the same content: told %q, log %v", r.kernel.told, r.logs.All())
	}
	r.write(t, markerRule, true)
	if r.logs.Len() != 1 {
		t.Errorf("who asks gets no answer: %v", r.logs.All())
	}
	r.wantPage(t, "/metrics", `goshawk_rules_reloads_total{result="unchanged"} 2`, `goshawk_rules_last_reload_successful 1`)
}

func TestReloadBad(t *testing.T) {
	for name, text := range map[string]string{
		"a mistake":  badRule,
		"no rule":    strings.Replace(markerRule, "  tags:", "  enabled: false\n  tags:", 1),
		"no YAML":    "\t{",
		"empty file": "",
	} {
		t.Run(name, func(t *testing.T) {
			r := newReloader(t)
			before := r.rules
			r.write(t, text, false)
			r.write(t, text, false)
			if r.rules != before || len(r.kernel.told) > 0 {
				t.Errorf("bad rules are in force; told %q", r.kernel.told)
			}
			if n := r.logs.FilterMessage("rules not loaded: the old ones stay in force").Len(); n != 1 {
				t.Errorf("said %d times: %v", n, r.logs.All())
			}
			r.health.run()
			r.beat.seen(r.beat.note())
			r.wantPage(t, "/metrics", `goshawk_rules_last_reload_successful 0`, `goshawk_rules_reloads_total{result="failure"} 1`)
			r.wantPage(t, "/readyz", "ready", "degraded rules: old ones in force since ")
			r.write(t, markerRule, false) // as it was
			r.wantPage(t, "/metrics", `goshawk_rules_last_reload_successful 1`)
			if page := get(t, r.Agent, "/readyz"); strings.Contains(page, "rules") {
				t.Errorf("/readyz = %q", page)
			}
		})
	}
}

func TestReloadKernelRefuses(t *testing.T) {
	r := newReloader(t)
	before := r.rules
	r.kernel.err = errors.New("no")
	r.write(t, connectRule, false)
	if want := []string{"openat connect environ", "openat"}; r.rules != before || !slices.Equal(r.kernel.told, want) {
		t.Errorf("told %q, want %q and the old rules", r.kernel.told, want)
	}
}

// At the end the kernel side is told nothing any more.
func TestReloadStopping(t *testing.T) {
	r := newReloader(t)
	r.detached = true
	r.write(t, connectRule, false)
	if len(r.kernel.told) > 0 || r.logs.FilterLevelExact(zapcore.ErrorLevel).Len() > 0 {
		t.Errorf("told %q, log %v", r.kernel.told, r.logs.All())
	}
}

// What was lost before a reload is put down to the rules of then, too.
func TestReloadLosses(t *testing.T) {
	r := newReloader(t)
	r.write(t, connectRule, false)
	src := &counts{losses: []capture.Loss{{Type: event.Openat, Cause: capture.CauseRingFull, Count: 3},
		{Type: event.Connect, Cause: capture.CauseRingFull, Count: 2}}}
	r.reportLosses(src, r.lost, true)
	r.wantPage(t, "/metrics", `goshawk_rule_possibly_missed_total{rule="Connects"} 2`)
	line := r.logs.FilterMessageSnippet("events were lost").All()
	if len(line) != 1 || !slices.Equal(line[0].ContextMap()["rules"].([]any), []any{"Connects", "Marker"}) {
		t.Errorf("log: %v", line)
	}
}

func TestSelectionAndMatching(t *testing.T) {
	cfg := config.Default()
	cfg.RuleMatching = "some"
	cfg.RuleSelection = []selection.Selector{{}}
	err := cfg.Validate()
	for _, want := range []string{`ruleMatching: "some" is neither all nor first`, "ruleSelection[0]: switches nothing"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate = %v, want %s", err, want)
		}
	}
	text := "apiVersion: goshawk/v1\nruleMatching: first\nruleSelection:\n- disable: {rule: \"*\"}\n- enable: {tag: nobody has it}\n"
	cfg, err = config.Parse("c.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	l, err := loadRuleset(&cfg, Catalogue(), nil)
	want := "no rule is enabled in the shipped rules after ruleSelection: there is nothing to look for"
	if err == nil || err.Error() != want || len(l.unused) != 1 {
		t.Errorf("%v, unused %v", err, l.unused)
	}
	cfg.RuleSelection = nil
	first, err := loadRuleset(&cfg, Catalogue(), nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.RuleMatching = config.MatchAll
	if all, err := loadRuleset(&cfg, Catalogue(), nil); err != nil || all.hash == first.hash {
		t.Errorf("the hash does not tell all from first (%v)", err)
	}
}
