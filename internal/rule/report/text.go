package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxWidth is how much of a long line is shown, in columns of a terminal.
const maxWidth = 100

// The colours of a terminal.
const (
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	blue   = "\x1b[1;34m"
	bold   = "\x1b[1m"
	plain  = "\x1b[0m"
)

// Text writes a report for people. colour is for terminals.
func Text(w io.Writer, r *Report, colour bool) error {
	paint := func(_, s string) string { return s }
	if colour {
		paint = func(c, s string) string { return c + s + plain }
	}
	var b strings.Builder
	for _, p := range r.problems() {
		p.write(&b, paint)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// write writes one problem: its place and what is wrong, the line with a mark, and
// what to do.
func (p *problem) write(b *strings.Builder, paint func(colour, s string) string) {
	colour := yellow
	if p.fail {
		colour = red
	}
	level := p.level() + "[" + string(p.info.Code) + "]"
	message := p.Err.Error()
	if p.Rule != "" {
		message = fmt.Sprintf("%s %q: %s", p.kind(), p.Rule, message)
	}
	fmt.Fprintf(b, "%s: %s: %s\n", paint(bold, clean(p.Pos.String())), paint(colour, level), clean(message))
	margin := ""
	if p.line != "" {
		number := strconv.Itoa(p.Pos.Line)
		margin = strings.Repeat(" ", len(number))
		text, before, under := window(p.line, p.Pos.Col, p.end)
		fmt.Fprintf(b, " %s %s\n", paint(blue, number+" |"), text)
		fmt.Fprintf(b, " %s %s%s\n", paint(blue, margin+" |"), strings.Repeat(" ", before), paint(colour, strings.Repeat("^", under)))
	}
	if p.Hint != "" {
		fmt.Fprintf(b, " %s %s\n", paint(blue, margin+" ="), clean(p.Hint))
	}
}

// cell is a rune as it is shown.
type cell struct {
	text  string
	width int
}

// window cuts a line around the columns from col to end and returns it with the
// width of what stands before the place, and of the place.
func window(line string, col, end int) (text string, before, under int) {
	var cells []cell
	for _, r := range line {
		cells = append(cells, show(r))
	}
	from := min(max(col-1, 0), len(cells))
	to := min(max(end-1, from), len(cells))
	first, last := 0, len(cells)
	if widthOf(cells) > maxWidth {
		first, last = around(cells, from, to)
	}
	var b strings.Builder
	if first > 0 {
		b.WriteString("…")
		before++
	}
	for i := first; i < last; i++ {
		b.WriteString(cells[i].text)
		if i < from {
			before += cells[i].width
		} else if i < to {
			under += cells[i].width
		}
	}
	if last < len(cells) {
		b.WriteString("…")
	}
	return strings.TrimRight(b.String(), " "), before, max(under, 1)
}

// around chooses the cells that are shown of a long line: most of them after the
// place, since what is before it was read.
func around(cells []cell, from, to int) (first, last int) {
	first, last = from, from
	for width := 0; first > 0 && width < maxWidth/3; first-- {
		width += cells[first-1].width
	}
	for width := widthOf(cells[first:from]); last < len(cells) && width < maxWidth; last++ {
		width += cells[last].width
	}
	if last == len(cells) {
		for width := widthOf(cells[first:]); first > 0 && width < maxWidth; first-- {
			width += cells[first-1].width
		}
	}
	return first, last
}

func widthOf(cells []cell) int {
	n := 0
	for _, c := range cells {
		n += c.width
	}
	return n
}

const tabWidth = 4

// show makes a rune fit for a terminal: files can hold anything.
func show(r rune) cell {
	switch {
	case r == '\t':
		return cell{strings.Repeat(" ", tabWidth), tabWidth}
	case r == utf8.RuneError || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
		return cell{"\uFFFD", 1}
	case unicode.In(r, unicode.Mn, unicode.Me):
		return cell{string(r), 0}
	case unicode.Is(wide, r):
		return cell{string(r), 2}
	}
	return cell{string(r), 1}
}

// clean makes a text fit for a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return '\uFFFD'
		}
		return r
	}, s)
}

// wide are the runes that take two columns.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115F, Stride: 1}, {Lo: 0x231A, Hi: 0x231B, Stride: 1}, {Lo: 0x23E9, Hi: 0x23EC, Stride: 1},
		{Lo: 0x2E80, Hi: 0x303E, Stride: 1}, {Lo: 0x3041, Hi: 0xA4CF, Stride: 1}, {Lo: 0xA960, Hi: 0xA97C, Stride: 1},
		{Lo: 0xAC00, Hi: 0xD7A3, Stride: 1}, {Lo: 0xF900, Hi: 0xFAFF, Stride: 1}, {Lo: 0xFE30, Hi: 0xFE6F, Stride: 1},
		{Lo: 0xFF00, Hi: 0xFF60, Stride: 1}, {Lo: 0xFFE0, Hi: 0xFFE6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x16FE0, Hi: 0x18AFF, Stride: 1}, {Lo: 0x1B000, Hi: 0x1B2FF, Stride: 1}, {Lo: 0x1F300, Hi: 0x1F64F, Stride: 1},
		{Lo: 0x1F680, Hi: 0x1F6FF, Stride: 1}, {Lo: 0x1F900, Hi: 0x1FAFF, Stride: 1}, {Lo: 0x20000, Hi: 0x3FFFD, Stride: 1},
	},
}
