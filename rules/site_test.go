package rules

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/match"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

// loadWith loads the shipped rules and a file of a site's own behind them.
func loadWith(t *testing.T, site string) *rule.Set {
	t.Helper()
	files := fstest.MapFS{"zz_site.yaml": {Data: []byte(site)}}
	entries, err := FS.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := fs.ReadFile(FS, e.Name())
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = &fstest.MapFile{Data: text}
	}
	set, err := loader.FS(files, ".", field.New(field.Syscall()))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestSiteChangesShippedRules checks what the manual promises to those who do
// not like a rule: a list that is defined again, and a rule switched off.
func TestSiteChangesShippedRules(t *testing.T) {
	read := eventSpec{Type: "openat", Path: &pathSpec{Given: "/etc/shadow"}, Process: []imageSpec{{Run: "/usr/bin/restic backup /"}}}
	for _, tt := range []struct {
		name, site string
		want       int
	}{
		{"as shipped", `[]`, 1},
		{"list", `[{list: password_checkers, items: [/usr/bin/restic]}]`, 0},
		{"off", `[{rule: Password hashes read, enabled: false}]`, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			compiled, err := match.Compile(loadWith(t, tt.site).Rules)
			if err != nil {
				t.Fatal(err)
			}
			ev, err := read.build()
			if err != nil {
				t.Fatal(err)
			}
			if got := len(compiled.NewMatcher().Match(ev)); got != tt.want {
				t.Errorf("%d rules fire, want %d", got, tt.want)
			}
		})
	}
}

// TestManualExamples loads the rule files that the manual shows.
func TestManualExamples(t *testing.T) {
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for i, block := range strings.Split(string(text), "```yaml\n") {
		block, _, ok := strings.Cut(block, "```")
		if i == 0 || !ok || !strings.HasPrefix(block, "- list") && !strings.HasPrefix(block, "- rule") {
			continue
		}
		shown++
		for _, w := range loadWith(t, block).Warnings {
			t.Errorf("example %d: %v", shown, w)
		}
	}
	if shown != 2 {
		t.Errorf("found %d examples of rule files, want 2", shown)
	}
}
