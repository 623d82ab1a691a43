package rule

import (
	"fmt"
	"strings"
)

// String writes the condition on one line.
func (e *And) String() string { return joinParts(e.Parts, " and ", true) }

// String writes the condition on one line.
func (e *Or) String() string { return joinParts(e.Parts, " or ", false) }

// String writes the condition on one line.
func (e *Not) String() string {
	switch e.X.(type) {
	case *And, *Or:
		return "not (" + e.X.String() + ")"
	}
	return "not " + e.X.String()
}

// String returns the macro's name.
func (e *MacroRef) String() string { return e.Name }

// String returns the check as written, its blanks made single.
func (e *Exists) String() string { return OneLine(e.Text) }

// String returns the comparison as written, its blanks made single.
func (e *Comparison) String() string { return OneLine(e.Text) }

// joinParts writes parts with a word between them. Parts that bind no tighter
// than the word are put in parentheses, so that the text reads back as the same
// tree.
func joinParts(parts []Expr, word string, and bool) string {
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteString(word)
		}
		_, isOr := p.(*Or)
		_, isAnd := p.(*And)
		if isOr || isAnd && and {
			b.WriteString("(" + p.String() + ")")
		} else {
			b.WriteString(p.String())
		}
	}
	return b.String()
}

// OneLine makes blanks outside of quotes single.
func OneLine(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '"' || c == '\'':
			_, n, _ := Unquote(s[i:])
			b.WriteString(s[i : i+n])
			i += n
		case IsSpace(c):
			for i < len(s) && IsSpace(s[i]) {
				i++
			}
			b.WriteByte(' ')
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String()
}

// Dump writes a condition as a tree for people, a node on each line behind its
// place: line and column, with the file where it is another than that of the
// line above. A macro is written out where it comes first.
func Dump(e Expr) string {
	d := dumper{file: e.Position().File, seen: map[*Macro]bool{}}
	d.node(e, 0)
	return d.b.String()
}

type dumper struct {
	b    strings.Builder
	file string
	seen map[*Macro]bool
}

func (d *dumper) node(e Expr, depth int) {
	switch e := e.(type) {
	case *And:
		d.line(e.Pos, depth, "and")
		d.nodes(e.Parts, depth+1)
	case *Or:
		d.line(e.Pos, depth, "or")
		d.nodes(e.Parts, depth+1)
	case *Not:
		d.line(e.Pos, depth, "not")
		d.node(e.X, depth+1)
	case *MacroRef:
		text := "macro " + e.Name
		if e.Macro != nil && d.seen[e.Macro] {
			text += " (above)"
		}
		d.line(e.Pos, depth, text)
		if e.Macro != nil && !d.seen[e.Macro] {
			d.seen[e.Macro] = true
			d.node(e.Macro.Expr, depth+1)
		}
	default:
		d.line(e.Position(), depth, e.String())
	}
}

func (d *dumper) nodes(parts []Expr, depth int) {
	for _, p := range parts {
		d.node(p, depth)
	}
}

func (d *dumper) line(pos Pos, depth int, text string) {
	place := fmt.Sprintf("%d:%d", pos.Line, pos.Col)
	if pos.File != d.file {
		d.file = pos.File
		place = pos.String()
	}
	fmt.Fprintf(&d.b, "%-8s%s%s\n", place, strings.Repeat("  ", depth), text)
}
