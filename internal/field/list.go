package field

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

// Text lists the rows for a terminal: a line of facts for each, then its
// description. It returns what w returned.
func Text(w io.Writer, rows []Field) error {
	b := bufio.NewWriter(w)
	for i := range rows {
		r := &rows[i]
		fmt.Fprintf(b, "%s  (%s)\n    %s\n", r.shown(), r.kind(), r.Desc)
		if r.Undelivered != "" {
			fmt.Fprintf(b, "    Not delivered: %s.\n", r.Undelivered)
		}
		if r.Types != nil {
			fmt.Fprintf(b, "    Only for: %s\n", typeNames(r.Types))
		}
	}
	return b.Flush()
}

// Markdown writes the rows as the manual's page: a section for each class of
// fields. It returns what w returned.
func Markdown(w io.Writer, rows []Field) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, markdownHead)
	class := ""
	for i := range rows {
		r := &rows[i]
		if c, _, _ := strings.Cut(r.Name, "."); c != class {
			class = c
			fmt.Fprintf(b, "\n## %s\n\n| field | type | meaning | from | changes with |\n| --- | --- | --- | --- | --- |\n", class)
		}
		desc := r.Desc
		if r.Types != nil {
			desc += " Only for " + typeNames(r.Types) + "."
		}
		if r.Undelivered != "" {
			desc += " **Not delivered:** " + r.Undelivered + "."
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", r.shown(), r.kind(), cell(desc), cell(r.from()), cell(r.changes()))
	}
	return b.Flush()
}

const markdownHead = `# Fields

What a rule can ask about an event of the source syscall. This page is made
from the catalogue (internal/field) and is checked by its tests.

A field in brackets takes an argument: ` + "`[key]` and `[N]` must be given, `[key]?` and `[N]?`" + ` may be. A
comparison with a value that is absent is false, also with ` + "`!=`; `exists`" + ` tells whether there is one. Fields
that depend on the *name* are tried with each name of the file. Literals that are compared with a *path* stand also
for its other names by way of the usual links: /bin, /sbin, /lib, /lib32, /lib64, /libx32 (they lead below /usr),
/var/run and /var/lock (below /run). So ` + "`/bin/ls` is also `/usr/bin/ls` and the other way round; with `contains`," + `
` + "`icontains` and `endswith`" + ` only a literal that begins with the link has the other name.
`

// shown is the field with its argument.
func (f *Field) shown() string {
	switch f.Arg {
	case OptionalKey:
		return f.Name + "[key]?"
	case RequiredKey:
		return f.Name + "[key]"
	case OptionalIndex:
		return f.Name + "[N]?"
	case RequiredIndex:
		return f.Name + "[N]"
	}
	return f.Name
}

// kind is the type of the field in words.
func (f *Field) kind() string {
	if f.Path {
		return "path"
	}
	switch f.Type {
	case event.TypeString:
		return "text"
	case event.TypeInt, event.TypeUint:
		return "number"
	case event.TypeBool:
		return "true or false"
	case event.TypeIP:
		return "address"
	case event.TypePort:
		return "port"
	case event.TypeDuration:
		return "nanoseconds"
	case event.TypeTime:
		return "time"
	case event.TypeList:
		return "list"
	}
	return "unknown"
}

// from is the source, and the kernel that is needed if it is not the oldest.
func (f *Field) from() string {
	if f.Undelivered != "" {
		return ""
	}
	if f.Since == "" || f.Since == oldestKernel {
		return f.Source
	}
	return f.Source + ", since Linux " + f.Since
}

// changes says when the value can change.
func (f *Field) changes() string {
	switch {
	case f.Undelivered != "":
		return ""
	case f.Scope == PerName:
		return "name"
	case f.Scope == PerEvent:
		return "every event"
	}
	return f.Invalidates
}

// cell keeps text inside its cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func typeNames(types []event.Type) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.String()
	}
	return strings.Join(names, ", ")
}
