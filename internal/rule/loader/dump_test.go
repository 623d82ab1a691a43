package loader

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/goshawk-security/goshawk/internal/event"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// TestDump compares the trees of testdata/trees.yaml with the golden file.
func TestDump(t *testing.T) {
	set, err := FS(os.DirFS("testdata"), "trees.yaml", catalogue())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range set.Rules {
		fmt.Fprintf(&b, "rule %s (%s, enabled %t)\n", r.Name, r.Priority, r.Enabled)
		fmt.Fprintf(&b, "condition: %s\n%s", r.Condition, rule.Dump(r.Condition))
		fmt.Fprintf(&b, "types: %v\noutput:\n", r.Types)
		for _, p := range r.Output.Parts {
			if p.Field.Field == nil {
				fmt.Fprintf(&b, "  text %q\n", p.Text)
			} else {
				f := p.Field
				fmt.Fprintf(&b, "  %d:%d field %s (name %s, argument %q, index %d)\n", f.Pos.Line, f.Pos.Col, f.Text, f.Name, f.Arg.Name, f.Arg.Index)
			}
		}
		b.WriteByte('\n')
	}
	b.WriteString("warnings:\n" + lines(set.Warnings))
	golden(t, "trees.golden", b.String())
}

func TestRender(t *testing.T) {
	set := mustLoad(t, "- rule: R\n  desc: D\n  priority: Info\n  condition: evt.type = open\n"+
		"  output: \"50%% by %proc.name. %proc.pid/%fd.name [\"\n")
	got := set.Rules[0].Output.Render(&event.Event{Type: event.Open})
	if want := "50% by sh. 7/<NA> ["; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
