package agent

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
)

// WriteFields lists the fields for a terminal.
func WriteFields(w io.Writer, cat *field.Catalogue) error {
	var b strings.Builder
	width := 0
	for _, f := range cat.All() {
		width = max(width, len(signature(&f)))
	}
	for _, f := range cat.All() {
		fmt.Fprintf(&b, "%-*s  %-8s  %s\n", width, signature(&f), typeOf(&f), f.Desc)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteFieldsMarkdown writes the manual of the fields.
func WriteFieldsMarkdown(w io.Writer, cat *field.Catalogue) error {
	var b strings.Builder
	b.WriteString("# Fields\n\n" +
		"What a rule can ask about an event. Made by `goshawk rules fields --format markdown`.\n")
	var groups []string
	rows := map[string][]string{}
	for _, f := range cat.All() {
		group, _, _ := strings.Cut(f.Name, ".")
		if rows[group] == nil {
			groups = append(groups, group)
		}
		rows[group] = append(rows[group], fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s | %s |\n",
			signature(&f), typeOf(&f), cell(f.Desc), typeNames(f.Types), constancy(&f), cell(f.Source), since(&f)))
	}
	for _, group := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n| field | type | meaning | events | constant for | from | since |\n"+
			"| --- | --- | --- | --- | --- | --- | --- |\n", group)
		b.WriteString(strings.Join(rows[group], ""))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// signature is the field's name with its argument.
func signature(f *field.Field) string {
	switch f.Arg {
	case field.OptionalKey:
		return f.Name + "[[key]]"
	case field.RequiredKey:
		return f.Name + "[key]"
	case field.OptionalIndex:
		return f.Name + "[[n]]"
	case field.RequiredIndex:
		return f.Name + "[n]"
	}
	return f.Name
}

// cell escapes what would end a cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func typeNames(types []event.Type) string {
	if types == nil {
		return "all"
	}
	var names []string
	for _, t := range types {
		if name := t.String(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// constancy says for how long a field keeps its value.
func constancy(f *field.Field) string {
	scope := [...]string{"event", "name of an event", "thread", "program", "process", "node"}[f.Scope]
	if f.Invalidates != "" && f.Invalidates != "nothing" {
		scope += " (until: " + cell(f.Invalidates) + ")"
	}
	return scope
}

func since(f *field.Field) string {
	if f.Since == "" {
		return "5.8"
	}
	return f.Since
}

// typeOf names the type of a field's values as a rule author knows them.
func typeOf(f *field.Field) string {
	names := [...]string{
		event.TypeString: "text", event.TypeInt: "integer", event.TypeUint: "number", event.TypeBool: "bool",
		event.TypeIP: "address", event.TypePort: "port", event.TypeDuration: "duration", event.TypeTime: "time",
		event.TypeList: "list",
	}
	return names[f.Type]
}
