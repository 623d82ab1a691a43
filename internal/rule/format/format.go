package format

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/source"
)

// File returns the text of a rule file in the canonical layout. A file that is no
// YAML, or has a condition that cannot be read, is not formatted: the errors say
// why.
func File(name, text string) (string, []*rule.Error) {
	src := source.NewFile(name, text)
	docs, bad := source.Documents(src)
	if bad != nil {
		return "", []*rule.Error{bad}
	}
	f := &file{src: src, lines: splitLines(text)}
	for _, doc := range docs {
		for _, root := range doc.Content {
			if root.Kind == yaml.SequenceNode && root.Style&yaml.FlowStyle == 0 {
				f.items = append(f.items, root.Content...)
			}
		}
	}
	out := f.write()
	if len(f.errs) > 0 {
		return "", rule.Tidy(f.errs)
	}
	if err := same(text, out); err != nil {
		return "", []*rule.Error{{Code: rule.CodeBadItem, Pos: rule.Pos{File: name}, Err: fmt.Errorf("cannot be formatted without changing it: %w", err)}}
	}
	return out, nil
}

// file is a file being formatted.
type file struct {
	src   *source.File
	lines []string
	items []*yaml.Node
	errs  []*rule.Error
	out   []string
}

// splitLines cuts a text into lines without their ends, tabs and blanks at ends
// left out.
func splitLines(text string) []string {
	text = strings.TrimPrefix(text, "\uFEFF")
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t")
	}
	return lines
}

// write puts items and what stands between them one behind the other.
func (f *file) write() string {
	at := 0 // the first line that was not written
	for i, n := range f.items {
		from := f.head(n.Line-1, at)
		f.between(at, from)
		end := len(f.lines)
		if i+1 < len(f.items) {
			end = f.head(f.items[i+1].Line-1, n.Line)
		}
		end = f.tail(n.Line, end)
		f.blank()
		f.out = append(f.out, f.lines[from:n.Line-1]...)
		f.out = append(f.out, f.item(n, end)...)
		at = end
	}
	f.between(at, len(f.lines))
	for len(f.out) > 0 && f.out[len(f.out)-1] == "" {
		f.out = f.out[:len(f.out)-1]
	}
	return strings.Join(f.out, "\n") + "\n"
}

// head goes back from the first line of an item over the comments right above it,
// but not before a line.
func (f *file) head(line, least int) int {
	for line > least && isComment(f.lines[line-1]) && indent(f.lines[line-1]) == 0 {
		line--
	}
	return line
}

// tail goes back from the end of an item over blank lines, comments and marks of
// documents that do not belong to it.
func (f *file) tail(least, end int) int {
	for end > least {
		l := f.lines[end-1]
		if l != "" && !(isComment(l) && indent(l) == 0) && !isMark(l) {
			break
		}
		end--
	}
	return end
}

// between writes lines that belong to no item: comments, and marks of documents.
// Of several blank lines one is left.
func (f *file) between(from, to int) {
	for _, l := range f.lines[from:to] {
		switch {
		case l == "":
			f.blank()
		default:
			f.out = append(f.out, l)
		}
	}
}

// blank writes a blank line unless there is one, or nothing yet.
func (f *file) blank() {
	if n := len(f.out); n > 0 && f.out[n-1] != "" {
		f.out = append(f.out, "")
	}
}

// isMark tells that a line begins or ends a document: at its start nothing else can
// look so.
func isMark(line string) bool {
	word, _, _ := strings.Cut(line, " ")
	return word == "---" || word == "..."
}

func isComment(line string) bool { return strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") }

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

var errMeaning = errors.New("the content would be another")

// same tells that two files have the same content but for what no rule sees: blanks
// in conditions and texts, and the order of keys.
func same(old, next string) error {
	a, err := content(old)
	if err != nil {
		return err
	}
	b, err := content(next)
	if err != nil {
		return err
	}
	if a != b {
		return errMeaning
	}
	return nil
}
