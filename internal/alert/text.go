package alert

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxTextAncestors bounds the lineage of the text form: what lies between the
// nearest and the oldest is left out.
const maxTextAncestors = 8

// Text returns the alert for people: Falco's line
//
//	15:04:05.000000000: Priority output
//
// in local time, as Falco prints it, and, when the process has ancestors, a
// second, indented line with them, the newest first:
//
//	nc(123) ← bash(120) ← sshd(88)
//
// then, in a container, where it is and what the other end of a connection is.
//
// What a traced program can choose (names, command lines, paths) is part of
// the text, so everything that is not printable is written as an escape: an
// alert can neither forge a second alert nor move a terminal's cursor. The text
// does not end in a newline.
func (a *Alert) Text() string {
	var b strings.Builder
	b.Grow(32 + len(a.Output) + 24*len(a.Lineage))
	escape(&b, a.line(a.Time.Local()))
	if len(a.Lineage) > 1 {
		b.WriteString("\n    ")
		writeLineage(&b, a.Lineage)
	}
	a.writePlace(&b)
	return b.String()
}

// writeLineage writes the processes, at most maxTextAncestors of them: the
// oldest says where the story began, so the middle is what goes.
func writeLineage(b *strings.Builder, lineage []Ancestor) {
	for i, p := range lineage {
		if len(lineage) > maxTextAncestors && i >= maxTextAncestors-1 && i < len(lineage)-1 {
			if i == maxTextAncestors-1 {
				b.WriteString(" ← …")
			}
			continue
		}
		if i > 0 {
			b.WriteString(" ← ")
		}
		escape(b, p.Name)
		fmt.Fprintf(b, "(%d)", p.PID)
	}
}

// escape writes s with every rune that is not printable as Go would write it
// in a string: \n, \x1b, \u202e. Bytes that are not UTF-8 become \xNN.
func escape(b *strings.Builder, s string) {
	for i := 0; i < len(s); {
		from := i
		for i < len(s) && ' ' <= s[i] && s[i] <= '~' {
			i++
		}
		if b.WriteString(s[from:i]); i == len(s) {
			return
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(b, `\x%02x`, s[i])
		case unicode.IsPrint(r):
			b.WriteString(s[i : i+n])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < utf8.RuneSelf:
			fmt.Fprintf(b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			fmt.Fprintf(b, `\U%08x`, r)
		}
		i += n
	}
}
