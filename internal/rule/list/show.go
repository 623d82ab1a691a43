package list

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/attack"
)

// Text writes a line for each rule: priority, name, what is said of ATT&CK, place.
// A rule that is not enabled is marked. It returns what w returned.
func Text(w io.Writer, rules []*rule.Rule) error {
	b := bufio.NewWriter(w)
	t := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "PRIORITY\tRULE\tATT&CK\tFILE")
	for _, r := range rules {
		name := r.ID()
		if !r.Enabled {
			name += " (disabled)"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s:%d\n", r.Priority, name, dash(strings.Join(attack.TechniquesOf(r.Tags), " ")), r.Pos.File, r.Pos.Line)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return b.Flush()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// entry is one rule in JSON.
type entry struct {
	Rule        string   `json:"rule"`
	Namespace   string   `json:"namespace,omitempty"` // of a rule set of a namespace
	Set         string   `json:"set,omitempty"`
	Description string   `json:"description"`
	Priority    string   `json:"priority"`
	Source      string   `json:"source"`
	Enabled     bool     `json:"enabled"`
	Tags        []string `json:"tags"`
	EventTypes  []string `json:"eventTypes"`
	Tactics     []string `json:"tactics"`
	Techniques  []string `json:"techniques"`
	File        string   `json:"file"`
	Line        int      `json:"line"`
}

// JSON writes an array of the rules. It returns what w returned.
func JSON(w io.Writer, rules []*rule.Rule) error {
	all := make([]entry, 0, len(rules))
	for _, r := range rules {
		e := entry{
			Rule: r.Name, Namespace: r.Namespace, Set: r.Set, Description: strings.TrimSpace(r.Desc), Priority: r.Priority.String(), Source: r.Source, Enabled: r.Enabled,
			Tags: append([]string{}, r.Tags...), EventTypes: []string{}, Tactics: []string{},
			Techniques: append([]string{}, attack.TechniquesOf(r.Tags)...), File: r.Pos.File, Line: r.Pos.Line,
		}
		for _, t := range r.Types {
			e.EventTypes = append(e.EventTypes, t.String())
		}
		for _, t := range attack.TacticsOf(r.Tags) {
			e.Tactics = append(e.Tactics, t.ID)
		}
		all = append(all, e)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(all)
}

// Matrix writes what the rules cover of ATT&CK: for each tactic, in the order of
// the matrix, the techniques and the rules that look for them. Tactics without a
// rule are named, so that a gap is seen. It returns what w returned.
func Matrix(w io.Writer, rules []*rule.Rule) error {
	b := bufio.NewWriter(w)
	covered := map[string]bool{}
	for _, tactic := range attack.Tactics() {
		mine := withTactic(rules, tactic.ID)
		fmt.Fprintf(b, "%s %s: %s\n", tactic.ID, tactic.Name, count(len(mine)))
		t := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
		for _, r := range mine {
			covered[r.ID()] = true
			fmt.Fprintf(t, "    %s\t%s\t%s\n", dash(strings.Join(attack.TechniquesOf(r.Tags), " ")), r.Priority, r.ID())
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if rest := len(rules) - len(covered); rest > 0 {
		fmt.Fprintf(b, "Without a tactic: %s\n", count(rest))
		for _, r := range rules {
			if !covered[r.ID()] {
				fmt.Fprintf(b, "    %s\n", r.ID())
			}
		}
	}
	return b.Flush()
}

func withTactic(rules []*rule.Rule, id string) []*rule.Rule {
	var mine []*rule.Rule
	for _, r := range rules {
		for _, t := range attack.TacticsOf(r.Tags) {
			if t.ID == id {
				mine = append(mine, r)
			}
		}
	}
	return mine
}

func count(n int) string {
	switch n {
	case 0:
		return "no rule"
	case 1:
		return "1 rule"
	}
	return fmt.Sprintf("%d rules", n)
}
