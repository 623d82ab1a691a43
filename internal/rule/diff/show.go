package diff

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Text writes the report for people. It returns what w returned.
func Text(w io.Writer, r *Report) error {
	b := bufio.NewWriter(w)
	for _, kind := range []struct {
		name string
		all  []Change
	}{{"rule", r.Rules}, {"macro", r.Macros}, {"list", r.Lists}} {
		for i := range kind.all {
			change(b, kind.name, &kind.all[i])
		}
	}
	if !r.Equal() {
		fmt.Fprintf(b, "%s; %s; %s\n", sum("rule", r.Rules), sum("macro", r.Macros), sum("list", r.Lists))
	}
	return b.Flush()
}

// change writes one item: a line, and what came and went.
func change(b *bufio.Writer, kind string, c *Change) {
	fmt.Fprintf(b, "%s %s %q (%s)\n", c.How, kind, c.Name, c.Place)
	for _, k := range c.Keys {
		if c.How == Added && kind == "rule" && k.Name != "condition" && k.Name != "event types" {
			continue // the file shows the rest
		}
		fmt.Fprintf(b, "    %s\n", k.Name)
		lines(b, "-", k.Gone)
		lines(b, "+", k.Come)
	}
	if len(c.Touches) > 0 {
		fmt.Fprintf(b, "    used by: %s\n", strings.Join(c.Touches, ", "))
	}
}

func lines(b *bufio.Writer, sign string, texts []string) {
	for _, s := range texts {
		fmt.Fprintf(b, "      %s %s\n", sign, s)
	}
}

// sum counts the changes of a kind.
func sum(kind string, all []Change) string {
	n := map[string]int{}
	for _, c := range all {
		n[c.How]++
	}
	return fmt.Sprintf("%ss: %d added, %d removed, %d changed", kind, n[Added], n[Removed], n[Changed])
}

// JSON writes the report for tools. It returns what w returned.
func JSON(w io.Writer, r *Report) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
