package source

import (
	"sort"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// source is the text of one file, with an index from lines to bytes.
type File struct {
	Name  string
	Text  string
	marks []mark // in rising order
}

// mark is a known place: the start of a line, and one now and then in a long
// line, so that finding a column never walks far.
type mark struct {
	line, col, Off int
}

const markEvery = 1024 // runes

func NewFile(name, text string) *File {
	s := &File{Name: name, Text: text}
	at := mark{line: 1, col: 1}
	if r, size := utf8.DecodeRuneInString(text); r == '\uFEFF' {
		at.Off = size // a byte order mark is no column
	}
	s.marks = append(s.marks, at)
	for at.Off < len(text) {
		at = at.next(text)
		if at.col == 1 || at.col%markEvery == 0 {
			s.marks = append(s.marks, at)
		}
	}
	return s
}

// next returns the place after the rune at m. Line breaks are YAML's: CR LF,
// CR, LF, NEL, LS and PS.
func (m mark) next(text string) mark {
	r, size := utf8.DecodeRuneInString(text[m.Off:])
	if r == '\r' && m.Off+1 < len(text) && text[m.Off+1] == '\n' {
		size = 2
	}
	m.Off += size
	if isBreak(r) {
		m.line, m.col = m.line+1, 1
	} else {
		m.col++
	}
	return m
}

func isBreak(r rune) bool {
	return r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' || isBreak(r) }

// Find returns the place of a line and column, or the nearest one before.
func (s *File) Find(line, col int) mark {
	i := sort.Search(len(s.marks), func(i int) bool {
		m := s.marks[i]
		return m.line > line || m.line == line && m.col > col
	})
	if i == 0 {
		return s.marks[0]
	}
	m := s.marks[i-1]
	for m.Off < len(s.Text) && m.line == line && m.col < col {
		next := m.next(s.Text)
		if next.line != line {
			break
		}
		m = next
	}
	return m
}

func (s *File) Pos(m mark) rule.Pos { return rule.Pos{File: s.Name, Line: m.line, Col: m.col} }

// Cursor finds where the bytes of a scalar's value stand in the file. It walks
// the value and the file together: YAML changes blanks only (indentation, folded
// lines), so that each other rune of a value has one place in the file, in the
// same order. Offsets must be asked for in rising order; the walk is linear.
type Cursor struct {
	src   *File
	value string
	quote byte // 0 for plain and block scalars, or the quote
	At    mark // in the file, behind what was matched
	Done  int  // bytes of value that were matched
	// lost is set if value and file do not agree, which would be a bug here:
	// places stay at the last that was right.
	Lost bool

	parts  []*Cursor // of a text that was joined
	starts []int     // where each part begins in it
}

// Joiner stands between the parts of a text that was joined.
const Joiner = " "

// Join makes the cursor of texts, perhaps of several files, that were put one
// behind the other with a Joiner between them: so Falco appends to a condition. The
// cursors must be new; they belong to the one that is returned.
func Join(parts ...*Cursor) *Cursor {
	if len(parts) == 1 {
		return parts[0]
	}
	c := &Cursor{parts: parts}
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteString(Joiner)
		}
		c.starts = append(c.starts, b.Len())
		b.WriteString(p.value)
	}
	c.value = b.String()
	return c
}

// Value returns the text whose places the cursor knows.
func (c *Cursor) Value() string { return c.value }

// NewCursor makes the cursor of a scalar node.
func NewCursor(src *File, n *yaml.Node) *Cursor {
	c := &Cursor{src: src, value: n.Value, At: src.Find(n.Line, n.Column)}
	c.skipProperties()
	switch n.Style &^ yaml.TaggedStyle {
	case yaml.SingleQuotedStyle:
		c.quote = '\''
		c.step(1)
	case yaml.DoubleQuotedStyle:
		c.quote = '"'
		c.step(1)
	case yaml.LiteralStyle, yaml.FoldedStyle:
		c.skipLine() // the indicators, and a comment
	}
	return c
}

// TextCursor makes the cursor of a text that is a whole file.
func TextCursor(name, text string) *Cursor {
	src := NewFile(name, text)
	return &Cursor{src: src, value: text, At: mark{line: 1, col: 1}}
}

// Pos returns the place of the byte at off of the value. For a blank and for
// the end it is the place right after what stands before.
func (c *Cursor) Pos(off int) rule.Pos {
	if c.parts != nil {
		i := sort.SearchInts(c.starts, off+1) - 1
		return c.parts[i].Pos(off - c.starts[i])
	}
	for !c.Lost && c.Done < off && c.Done < len(c.value) {
		r, size := utf8.DecodeRuneInString(c.value[c.Done:])
		if !isBlank(r) {
			c.skipBlanks()
			got, length := c.unit()
			if got != r {
				c.Lost = true
				break
			}
			c.step(length)
		}
		c.Done += size
	}
	if c.Done == off && off < len(c.value) {
		if r, _ := utf8.DecodeRuneInString(c.value[off:]); !isBlank(r) {
			c.skipBlanks()
		}
	}
	return c.src.Pos(c.At)
}

// step moves over n bytes of the file.
func (c *Cursor) step(n int) {
	for end := c.At.Off + n; c.At.Off < end && c.At.Off < len(c.src.Text); {
		c.At = c.At.next(c.src.Text)
	}
}

func (c *Cursor) skipLine() {
	for line := c.At.line; c.At.line == line && c.At.Off < len(c.src.Text); {
		c.At = c.At.next(c.src.Text)
	}
}

// skipBlanks moves over blanks, written as such or as escapes.
func (c *Cursor) skipBlanks() {
	for c.At.Off < len(c.src.Text) {
		r, size := c.unit()
		if !isBlank(r) {
			return
		}
		c.step(size)
	}
}

// skipProperties moves over the anchor and the tag of a node, and over the
// comments and line breaks behind them.
func (c *Cursor) skipProperties() {
	text := c.src.Text
	if c.At.Off >= len(text) || text[c.At.Off] != '&' && text[c.At.Off] != '!' {
		return
	}
	for c.At.Off < len(text) {
		r, size := utf8.DecodeRuneInString(text[c.At.Off:])
		switch {
		case r == '&' || r == '!':
			// The library ends an anchor, but no tag, also before these signs.
			anchor := r == '&'
			for c.At.Off < len(text) && !isBlank(r) && !(anchor && strings.ContainsRune("?:,]}%@`", r)) {
				c.step(size)
				r, size = utf8.DecodeRuneInString(text[c.At.Off:])
			}
		case r == '#':
			c.skipLine()
		case isBlank(r):
			c.step(size)
		default:
			return
		}
	}
}

// unit returns the rune that the file has at the cursor, and how many bytes it
// is written with.
func (c *Cursor) unit() (rune, int) {
	rest := c.src.Text[c.At.Off:]
	r, size := utf8.DecodeRuneInString(rest)
	switch {
	case c.quote == '\'' && r == '\'' && len(rest) > 1 && rest[1] == '\'':
		return '\'', 2
	case c.quote == '"' && r == '\\':
		return escape(rest)
	}
	return r, size
}

// escapes are the escapes of a double-quoted scalar that stand for one rune.
var escapes = map[rune]rune{
	'0': 0, 'a': '\a', 'b': '\b', 't': '\t', '\t': '\t', 'n': '\n', 'v': '\v', 'f': '\f', 'r': '\r',
	'e': 0x1B, ' ': ' ', '"': '"', '\'': '\'', '\\': '\\', '/': '/',
	'N': '\u0085', '_': '\u00A0', 'L': '\u2028', 'P': '\u2029',
}

// escape reads the escape at the start of s, which begins with a backslash.
func escape(s string) (rune, int) {
	r, size := utf8.DecodeRuneInString(s[1:])
	if isBreak(r) { // a line that goes on: nothing
		return ' ', 1 + size
	}
	if e, ok := escapes[r]; ok {
		return e, 1 + size
	}
	digits := map[rune]int{'x': 2, 'u': 4, 'U': 8}[r]
	if digits == 0 || len(s) < 2+digits {
		return utf8.RuneError, 1
	}
	var value rune
	for _, d := range []byte(s[2 : 2+digits]) {
		value = value<<4 | rune(hexDigit(d))
	}
	return value, 2 + digits
}

func hexDigit(d byte) byte {
	switch {
	case d >= 'a':
		return d - 'a' + 10
	case d >= 'A':
		return d - 'A' + 10
	}
	return d - '0'
}
