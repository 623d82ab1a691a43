package alert

import (
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/goshawk-security/goshawk/internal/event"
)

const (
	// masked stands where a secret was.
	masked = "***"
	// cutMark ends a text of which only the begin was kept.
	cutMark = "…"

	// maxText bounds a text before secrets are looked for in it, maxLineageText a
	// command line of the lineage: what a traced program makes long must not
	// keep the reader of the kernel's ring from its work.
	maxText        = 4 << 10
	maxLineageText = 1 << 10
)

// Masker replaces secrets in text: the usual ones, which it finds in time linear
// in the text's length and only around words that hint at one, and what extra
// patterns match. It never changes and is safe for use by any number of
// goroutines. A nil Masker masks nothing.
type Masker struct {
	words *wordTable
	extra []pattern
}

type pattern struct {
	re    *regexp.Regexp
	group int // what is replaced; 0 is the whole match
}

// NewMasker returns a Masker for the usual secrets and for what the extra
// patterns match. An extra pattern is an RE2 expression; with a group named
// secret only that is replaced.
func NewMasker(extra ...string) (*Masker, error) {
	m := &Masker{words: newWordTable()}
	for _, text := range extra {
		re, err := regexp.Compile(text)
		if err != nil {
			return nil, &PatternError{Pattern: text, Err: err}
		}
		m.extra = append(m.extra, pattern{re: re, group: max(0, re.SubexpIndex("secret"))})
	}
	return m, nil
}

// PatternError is an extra pattern that does not compile.
type PatternError struct {
	Pattern string
	Err     error
}

func (e *PatternError) Error() string { return "mask pattern " + e.Pattern + ": " + e.Err.Error() }

func (e *PatternError) Unwrap() error { return e.Err }

// Text returns s with every secret replaced by ***. Of a long text only the
// first 4 KiB are kept, with … after them.
func (m *Masker) Text(s string) string {
	if m == nil || s == "" {
		return s
	}
	return m.mask(newLine(s, maxText)).render()
}

// Args returns a copy of an argument list in which secrets are replaced: the
// values of secret flags and assignments whole, blanks and all, what else Text
// finds in the joined line, and what programs take as an argument of a short
// flag. The first argument is the program's name.
func (m *Masker) Args(args []string) []string {
	if m == nil {
		return args
	}
	words := event.WordsOf(args...)
	l := m.mask(argvLine(words))
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = m.arg(l, i, words, a)
	}
	return out
}

// arg returns argument i of a list, a, without its secrets. l is the line of the
// list; what lies beyond its end is masked by the argument before it.
func (m *Masker) arg(l *maskedLine, i int, words event.Words, a string) string {
	if i < len(l.items) {
		if it := l.items[i]; l.text[it.from:it.to] == a {
			return l.part(it)
		}
	}
	first, _ := words.Next()
	before, _ := words.At(i - 1)
	if i == 0 || len(before) > maxLineageText {
		before = ""
	}
	near := m.mask(argvLine(event.WordsOf(cutText(first, maxLineageText), before, a)))
	if len(near.items) < 3 {
		return masked // an argument that holds a NUL: not of a process
	}
	text := near.part(span{near.items[2].from, int32(len(near.text))})
	return text + near.mark()
}

// CommandLine returns an image's command line without its secrets.
func (m *Masker) CommandLine(img *event.Image) string {
	if m == nil {
		return img.CmdLine
	}
	return m.mask(commandLine(img, maxText)).render()
}

// envValue returns the value of a variable without its secrets: all of it is
// one if the variable's name says so.
func (m *Masker) envValue(name, value string) string {
	l := m.mask(envLine(event.Words(name + "=" + cutText(value, maxText) + "\x00")))
	if len(name) >= len(l.text) {
		return masked // a name as long as a text
	}
	return l.part(span{int32(len(name) + 1), int32(len(l.text))}) + l.mark()
}

// mask finds the secrets of a line.
func (m *Masker) mask(l *line) *maskedLine {
	out := &maskedLine{line: *l}
	switch {
	case m == nil:
	case l.kind == ofEnv:
		for _, it := range l.items {
			s := newScanner(l.text[it.from:it.to], l.cut && int(it.to) == len(l.text))
			s.variable()
			m.scan(&s)
			for _, found := range s.spans {
				out.secrets = append(out.secrets, span{found.from + it.from, found.to + it.from})
			}
		}
	default:
		s := newScanner(l.text, l.cut)
		if l.kind == ofArgs {
			s.args(l)
			s.spans = merge(s.spans)
			s.known, s.named0 = slices.Clone(s.spans), l.argv
		}
		m.scan(&s)
		out.secrets = s.spans
	}
	out.secrets = merge(out.secrets)
	return out
}

// scan runs everything that needs no list of items.
func (m *Masker) scan(s *scanner) {
	m.words.scan(s.lower, s.found)
	if s.program {
		s.programs()
	}
	for i := range m.extra {
		p := &m.extra[i]
		for _, at := range p.re.FindAllStringSubmatchIndex(s.text, -1) {
			s.add(at[2*p.group], at[2*p.group+1]) // -1: the group took no part
		}
	}
}

// cutText returns the begin of s, at most limit bytes, without half a rune.
func cutText(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for n := limit; n > limit-utf8.UTFMax; n-- {
		if utf8.RuneStart(s[n]) {
			return s[:n]
		}
	}
	return s[:limit] // no UTF-8
}

// lowerASCII returns s with A to Z in lower case: offsets stay what they are.
func lowerASCII(s string) string {
	i := 0
	for i < len(s) && (s[i] < 'A' || 'Z' < s[i]) {
		i++
	}
	if i == len(s) {
		return s
	}
	b := []byte(s)
	for ; i < len(b); i++ {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}
