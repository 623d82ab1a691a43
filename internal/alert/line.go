package alert

import (
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

// span is a part of a text.
type span struct{ from, to int32 }

// lineKind says what the items of a line are.
type lineKind uint8

const (
	ofText lineKind = iota // it has none
	ofArgs                 // arguments
	ofEnv                  // NAME=value
)

// line is the begin of a text, and the items that it was joined of: they tell
// what blanks do not, where a secret ends.
type line struct {
	text  string
	cut   bool // the text goes on, but not here
	kind  lineKind
	items []span
	// argv says that the first item is the program's name.
	argv bool
}

func newLine(s string, limit int) *line {
	text := cutText(s, limit)
	return &line{text: text, cut: len(text) < len(s)}
}

// argvLine joins an argument list with its program.
func argvLine(words event.Words) *line {
	l := joinedLine(words)
	l.kind, l.argv = ofArgs, true
	return l
}

// envLine joins an environment.
func envLine(words event.Words) *line {
	l := joinedLine(words)
	l.kind = ofEnv
	return l
}

func joinedLine(words event.Words) *line {
	kept := event.Words(cutText(string(words), maxText))
	l := &line{text: kept.Joined(), cut: len(kept) < len(words)}
	l.fit(kept, 0)
	return l
}

// commandLine is an image's command line. Where it is not the name and the
// arguments, as it should be, the rest has no items.
func commandLine(img *event.Image, limit int) *line {
	l := newLine(img.CmdLine, limit)
	l.cut = l.cut || img.ArgsCut
	l.kind = ofArgs
	if rest, ok := strings.CutPrefix(l.text, img.Comm); ok && strings.HasPrefix(rest, " ") {
		_, args := img.Argv.Next()
		l.fit(args, len(img.Comm)+1)
	}
	return l
}

// fit notes where the words are in the text, as far as they are.
func (l *line) fit(words event.Words, at int) {
	for w := range words.All() {
		if at > len(l.text) {
			return
		}
		n := min(len(w), len(l.text)-at)
		end := at + n
		if l.text[at:end] != w[:n] || end < len(l.text) && l.text[end] != ' ' {
			return
		}
		l.items = append(l.items, span{int32(at), int32(end)})
		at = end + 1
	}
}

// maskedLine is a line whose secrets are known. It never changes.
type maskedLine struct {
	line
	secrets []span // in order, apart from each other
}

// render returns the line without its secrets.
func (l *maskedLine) render() string {
	return l.part(span{0, int32(len(l.text))}) + l.mark()
}

// mark is what is written after the last byte.
func (l *maskedLine) mark() string {
	if l.cut {
		return cutMark
	}
	return ""
}

// part returns a part of the line without its secrets, those included that
// reach into it.
func (l *maskedLine) part(p span) string {
	i, _ := slices.BinarySearchFunc(l.secrets, p.from, func(s span, at int32) int {
		if s.to <= at {
			return -1
		}
		return 1
	})
	if i == len(l.secrets) || l.secrets[i].from >= p.to {
		return l.text[p.from:p.to]
	}
	var b strings.Builder
	b.Grow(int(p.to - p.from))
	at := p.from
	for _, s := range l.secrets[i:] {
		if s.from >= p.to {
			break
		}
		if s.from > at {
			b.WriteString(l.text[at:s.from])
		}
		b.WriteString(masked)
		at = min(s.to, p.to)
	}
	b.WriteString(l.text[at:p.to])
	return b.String()
}

// merge sorts spans and joins those that touch.
func merge(spans []span) []span {
	if len(spans) < 2 {
		return spans
	}
	slices.SortFunc(spans, func(a, b span) int { return int(a.from - b.from) })
	kept := spans[:1]
	for _, s := range spans[1:] {
		if last := &kept[len(kept)-1]; s.from <= last.to {
			last.to = max(last.to, s.to)
			continue
		}
		kept = append(kept, s)
	}
	return kept
}
