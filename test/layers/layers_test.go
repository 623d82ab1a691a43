// Package layers holds the imports of the project against its design: a stage
// imports earlier stages and nouns, a noun only the nouns below it, and nobody
// but the command imports the agent.
package layers

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/goshawk-security/goshawk/"

// nouns stand on each other in this order; stages hand on in this order.
var (
	nouns  = []string{"event", "field", "rule", "alert"}
	stages = []string{"capture", "decode", "enrich", "match", "respond", "ship"}
)

type pkg struct {
	ImportPath string
	Imports    []string
}

func TestLayers(t *testing.T) {
	for _, p := range list(t) {
		from := part(p.ImportPath)
		for _, imported := range p.Imports {
			if to := part(imported); to != "" && !allowed(from, to) {
				t.Errorf("%s imports %s: %s must not know %s", p.ImportPath, imported, from, to)
			}
		}
	}
}

// part returns the stage or noun that a package belongs to: the folder below
// internal/, or the first folder of the path. "" is not ours.
func part(importPath string) string {
	rest, ours := strings.CutPrefix(importPath, module)
	if !ours {
		return ""
	}
	rest = strings.TrimPrefix(rest, "internal/")
	first, _, _ := strings.Cut(rest, "/")
	return first
}

func allowed(from, to string) bool {
	if from == to || from == "test" {
		return true
	}
	noun, toNoun := slices.Index(nouns, from), slices.Index(nouns, to)
	stage, toStage := slices.Index(stages, from), slices.Index(stages, to)
	switch {
	case from == "cmd":
		return true
	case from == "agent":
		return to != "cmd"
	case noun >= 0:
		return toNoun >= 0 && toNoun < noun
	case stage >= 0:
		return toNoun >= 0 || toStage >= 0 && toStage < stage
	case from == "control": // the cluster's side of rules: no event comes by
		return toNoun >= 0
	}
	return false // rules holds files alone
}

// list returns our packages without their tests.
func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("only %d packages found", len(all))
	}
	return all
}

func TestAllowed(t *testing.T) {
	tests := []struct {
		from, to string
		want     bool
	}{
		{"decode", "event", true},
		{"match", "decode", true},
		{"decode", "match", false},
		{"event", "field", false},
		{"rule", "field", true},
		{"field", "capture", false},
		{"ship", "agent", false},
		{"cmd", "agent", true},
		{"agent", "ship", true},
		{"agent", "control", true},
		{"control", "rule", true},
		{"control", "match", false},
	}
	for _, tt := range tests {
		if got := allowed(tt.from, tt.to); got != tt.want {
			t.Errorf("allowed(%s, %s) = %v", tt.from, tt.to, got)
		}
	}
}
