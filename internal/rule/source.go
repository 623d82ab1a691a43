package rule

import (
	"sort"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// source is the text of one file, with an index from lines to bytes.
type source struct {
	name  string
	text  string
	marks []mark // in rising order
}

// mark is a known place: the start of a line, and one now and then in a long
// line, so that finding a column never walks far.
type mark struct {
	line, col, off int
}

const markEvery = 1024 // runes

func newSource(name, text string) *source {
	s := &source{name: name, text: text}
	at := mark{line: 1, col: 1}
	if r, size := utf8.DecodeRuneInString(text); r == '\uFEFF' {
		at.off = size // a byte order mark is no column
	}
	s.marks = append(s.marks, at)
	for at.off < len(text) {
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
	r, size := utf8.DecodeRuneInString(text[m.off:])
	if r == '\r' && m.off+1 < len(text) && text[m.off+1] == '\n' {
		size = 2
	}
	m.off += size
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

// find returns the place of a line and column, or the nearest one before.
func (s *source) find(line, col int) mark {
	i := sort.Search(len(s.marks), func(i int) bool {
		m := s.marks[i]
		return m.line > line || m.line == line && m.col > col
	})
	if i == 0 {
		return s.marks[0]
	}
	m := s.marks[i-1]
	for m.off < len(s.text) && m.line == line && m.col < col {
		next := m.next(s.text)
		if next.line != line {
			break
		}
		m = next
	}
	return m
}

func (s *source) pos(m mark) Pos { return Pos{File: s.name, Line: m.line, Col: m.col} }

// cursor finds where the bytes of a scalar's value stand in the file. It walks
// the value and the file together: YAML changes blanks only (indentation, folded
// lines), so that each other rune of a value has one place in the file, in the
// same order. Offsets must be asked for in rising order; the walk is linear.
type cursor struct {
	src   *source
	value string
	quote byte // 0 for plain and block scalars, or the quote
	at    mark // in the file, behind what was matched
	done  int  // bytes of value that were matched
	// lost is set if value and file do not agree, which would be a bug here:
	// places stay at the last that was right.
	lost bool
}

// newCursor makes the cursor of a scalar node.
func newCursor(src *source, n *yaml.Node) *cursor {
	c := &cursor{src: src, value: n.Value, at: src.find(n.Line, n.Column)}
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

// textCursor makes the cursor of a text that is a whole file.
func textCursor(name, text string) *cursor {
	src := newSource(name, text)
	return &cursor{src: src, value: text, at: mark{line: 1, col: 1}}
}

// pos returns the place of the byte at off of the value. For a blank and for
// the end it is the place right after what stands before.
func (c *cursor) pos(off int) Pos {
	for !c.lost && c.done < off && c.done < len(c.value) {
		r, size := utf8.DecodeRuneInString(c.value[c.done:])
		if !isBlank(r) {
			c.skipBlanks()
			got, length := c.unit()
			if got != r {
				c.lost = true
				break
			}
			c.step(length)
		}
		c.done += size
	}
	if c.done == off && off < len(c.value) {
		if r, _ := utf8.DecodeRuneInString(c.value[off:]); !isBlank(r) {
			c.skipBlanks()
		}
	}
	return c.src.pos(c.at)
}

// step moves over n bytes of the file.
func (c *cursor) step(n int) {
	for end := c.at.off + n; c.at.off < end && c.at.off < len(c.src.text); {
		c.at = c.at.next(c.src.text)
	}
}

func (c *cursor) skipLine() {
	for line := c.at.line; c.at.line == line && c.at.off < len(c.src.text); {
		c.at = c.at.next(c.src.text)
	}
}

// skipBlanks moves over blanks, written as such or as escapes.
func (c *cursor) skipBlanks() {
	for c.at.off < len(c.src.text) {
		r, size := c.unit()
		if !isBlank(r) {
			return
		}
		c.step(size)
	}
}

// skipProperties moves over the anchor and the tag of a node, and over the
// comments and line breaks behind them.
func (c *cursor) skipProperties() {
	text := c.src.text
	if c.at.off >= len(text) || text[c.at.off] != '&' && text[c.at.off] != '!' {
		return
	}
	for c.at.off < len(text) {
		r, size := utf8.DecodeRuneInString(text[c.at.off:])
		switch {
		case r == '&' || r == '!':
			// The library ends an anchor, but no tag, also before these signs.
			anchor := r == '&'
			for c.at.off < len(text) && !isBlank(r) && !(anchor && strings.ContainsRune("?:,]}%@`", r)) {
				c.step(size)
				r, size = utf8.DecodeRuneInString(text[c.at.off:])
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
func (c *cursor) unit() (rune, int) {
	rest := c.src.text[c.at.off:]
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
