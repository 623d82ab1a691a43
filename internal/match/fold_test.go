package match

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/event"
)

// left writes what is left of a node.
func left(s *Set, id int32) string {
	n := &s.nodes[id]
	if n.kind == kindPred {
		return n.pred.key
	}
	parts := make([]string, len(n.kids))
	for i, kid := range n.kids {
		parts[i] = left(s, kid)
	}
	return fmt.Sprintf("%s(%s)", n.kind, strings.Join(parts, ", "))
}

// TestFold: of a condition stays what the type leaves open, and a rule that it
// makes false is not tried.
func TestFold(t *testing.T) {
	tests := []struct {
		name, condition string
		typ             event.Type
		want            string // "" for a rule that is not tried
	}{
		{"other type", `evt.type = connect and proc.name = a`, event.Openat, ""},
		{"all of it", `evt.type = openat or proc.name = a`, event.Openat, `and()`},
		{"one part stays", `evt.type in (openat, connect) and proc.name = a`, event.Openat, `proc.name = "a"`},
		{"branches", `evt.type in (openat, connect) and (evt.type = connect and fd.sport = 22 or evt.type = openat and fd.name = /x)`,
			event.Openat, `fd.name = "/x"`},
		{"field of others", `evt.type in (openat, connect) and not fd.sport = 22 and proc.name = a`, event.Openat, `proc.name = "a"`},
		{"not", `evt.type = openat and not (proc.name = a and evt.dir = "<")`, event.Openat, `not(proc.name = "a")`},
		{"equal parts", `proc.name = a and (evt.type = connect or proc.name = a)`, event.Openat, `proc.name = "a"`},
		{"one field", `evt.type = openat and (proc.name = a or fd.name endswith /x or proc.name in (c, b) or fd.name endswith /y)`,
			event.Openat, `or(proc.name in "a" "b" "c", fd.name endswith "/x" "/y")`},
		{"lists", `evt.type = openat and (fd.types in (pipe) or fd.types in (file))`, event.Openat,
			`or(fd.types in "pipe", fd.types in "file")`},
		{"nothing", `proc.name = a or proc.pname = b`, event.Openat, `or(proc.name = "a", proc.pname = "b")`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := compile(t, load(t, item("r", tt.condition)))
			got := ""
			d := &s.byType[tt.typ]
			for _, to := range d.targets {
				got += left(s, to.root)
			}
			if got != tt.want {
				t.Errorf("left of %s for %s: %q, want %q", tt.condition, tt.typ, got, tt.want)
			}
		})
	}
}

// What the type decided belongs to the conditions of a hit.
func TestFoldedConditions(t *testing.T) {
	hits := compile(t, load(t, item("r", `evt.type = openat or evt.type = connect`))).NewMatcher().Match(opened(0, "/a", "", image("sh")))
	if len(hits) != 1 {
		t.Fatalf("%d hits, want 1", len(hits))
	}
	want := []alert.Condition{{Text: "evt.type = openat", Field: "evt.type", Value: "openat"}}
	if diff := cmp.Diff(want, hits[0].Conditions); diff != "" {
		t.Error(diff)
	}
}

// A text is read anew for each event and, where it depends on it, each name.
func TestTexts(t *testing.T) {
	m := compile(t, load(t, item("r", `evt.type = openat and (fd.name = /b or fd.name = /c) and evt.arg.flags contains O_WRONLY`))).NewMatcher()
	sh := image("sh")
	for _, tt := range []struct {
		ev   *event.Event
		want int
	}{
		{opened(1, "/a", "/c", sh), 1}, {opened(1, "/a", "/d", sh), 0}, {opened(1, "/b", "", sh), 1},
		{opened(0, "/b", "", sh), 0}, {opened(1, "/d", "/e", sh), 0}, {opened(1, "/d", "/b", sh), 1},
	} {
		if got := len(m.Match(tt.ev)); got != tt.want {
			t.Errorf("%s as %s with flags %d: %d hits, want %d", tt.ev.Name().Text, tt.ev.Path.Given, tt.ev.Args[2], got, tt.want)
		}
	}
}
