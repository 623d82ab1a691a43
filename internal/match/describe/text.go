package describe

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Text writes the description for people. It returns what w returned.
func (d *Description) Text(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s\n%s:%d\n\n", d.Rule, d.File, d.Line)
	if len(d.Types) == 0 {
		fmt.Fprint(b, "No event can make it true.\n")
	} else {
		fmt.Fprintf(b, "Watches %s.\nAbout %.0f ns for an event whose condition is looked at.\n", strings.Join(d.Types, ", "), d.Cost)
	}
	fmt.Fprint(b, "\nCondition: what it changes with, what the kernel could decide it by, its cost\n")
	d.Condition.text(b, 1)
	for _, l := range d.Left {
		fmt.Fprintf(b, "\nOf %s is left", strings.Join(l.Types, ", "))
		if l.Condition == "" {
			fmt.Fprint(b, " nothing: each of them fires.\n")
			continue
		}
		fmt.Fprintf(b, " (about %.0f ns)\n  %s\n", l.Cost, l.Condition)
		switch needs := strings.Join(l.Needs, "\n  or "); {
		case needs == "" && l.Once:
			fmt.Fprint(b, "which is looked at for every event of a program that may make it true.\n")
		case needs == "":
			fmt.Fprint(b, "which is looked at for every event.\n")
		case l.Once:
			fmt.Fprintf(b, "which is looked at for the events of a program with\n  %s\n", needs)
		default:
			fmt.Fprintf(b, "which is looked at only if\n  %s\n", needs)
		}
	}
	return b.Flush()
}

// text writes a part of the condition and what it is made of.
func (x *Explanation) text(w io.Writer, depth int) {
	what := x.Kind
	switch {
	case x.Above:
		what = "macro " + x.Text + " (above)"
	case x.Kind == "macro":
		what = "macro " + x.Text
	case x.Kind == "comparison":
		what = x.Text
	}
	note := x.Depends
	if x.Kernel != "" {
		note += ", kernel: " + x.Kernel
	}
	fmt.Fprintf(w, "%s%s  [%s, %.0f ns]\n", strings.Repeat("  ", depth), what, note, x.Cost)
	if len(x.Aliases) > 0 {
		fmt.Fprintf(w, "%salso %s\n", strings.Repeat("  ", depth+2), strings.Join(x.Aliases, ", "))
	}
	for _, p := range x.Parts {
		p.text(w, depth+1)
	}
}
