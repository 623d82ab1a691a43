package graph

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

// compile makes the graph of rules with these conditions, r0 and so on.
func compile(tb testing.TB, conditions ...string) *Graph {
	tb.Helper()
	var b strings.Builder
	for i, c := range conditions {
		fmt.Fprintf(&b, "- rule: r%d\n  desc: d\n  condition: >\n    %s\n  output: o\n  priority: INFO\n", i, c)
	}
	set, err := loader.FS(fstest.MapFS{"r.yaml": {Data: []byte(b.String())}}, "r.yaml", field.New(field.Syscall()))
	if err != nil {
		tb.Fatal(err)
	}
	g, err := Compile(set.Rules)
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

// left writes what is left of a node.
func left(g *Graph, id int32) string {
	n := &g.Nodes[id]
	if n.Kind == Comparison {
		return n.Pred.Key
	}
	parts := make([]string, len(n.Kids))
	for i, kid := range n.Kids {
		parts[i] = left(g, kid)
	}
	return fmt.Sprintf("%s(%s)", n.Kind, strings.Join(parts, ", "))
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
			g := compile(t, tt.condition)
			got := ""
			d := &g.ByType[tt.typ]
			for _, to := range d.Targets {
				got += left(g, to.Root)
			}
			if got != tt.want {
				t.Errorf("left of %s for %s: %q, want %q", tt.condition, tt.typ, got, tt.want)
			}
		})
	}
}
