package rules

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/rule"
)

var update = flag.Bool("update", false, "write the table of rules into the manual")

const (
	manual     = "../docs/rules.md"
	tableBegin = "<!-- The table is made by: go test ./rules -update -->\n"
	tableEnd   = "<!-- end of the table -->\n"
)

// TestManual holds the manual's table against the rules.
func TestManual(t *testing.T) {
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(text), tableBegin)
	_, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table", manual)
	}
	want := before + tableBegin + table(load(t).Rules) + tableEnd + after
	if *update {
		if err := os.WriteFile(manual, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("%s is not up to date, run go test ./rules -update (-want +got):\n%s", manual, diff)
	}
}

// table writes the rules as Markdown, file by file.
func table(rules []*rule.Rule) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%d rules.\n", len(rules))
	file := ""
	for _, r := range rules {
		if r.Pos.File != file {
			file = r.Pos.File
			fmt.Fprintf(&b, "\n**%s**\n\n| rule | priority | ATT&CK | kill chain | what it means |\n| --- | --- | --- | --- | --- |\n", file)
		}
		var techniques []string
		stage := ""
		for _, tag := range r.Tags {
			if techniqueTag.MatchString(tag) {
				techniques = append(techniques, tag)
			}
			if name, ok := strings.CutPrefix(tag, "kill_chain_"); ok {
				stage = strings.ReplaceAll(name, "_", " ")
			}
		}
		desc := strings.Join(strings.Fields(r.Desc), " ")
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.Name, r.Priority, strings.Join(techniques, " "), stage,
			strings.ReplaceAll(desc, "|", "\\|"))
	}
	b.WriteByte('\n')
	return b.String()
}
