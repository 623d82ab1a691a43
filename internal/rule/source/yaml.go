package source

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// Limits of one file. They are far above what people write and keep a hostile
// file cheap.
const (
	MaxFile = 8 << 20
	// maxAliased bounds what aliases (*name) stand for, in bytes: without it one
	// long text named many times would be read as often.
	MaxAliased = 1 << 20
)

// Documents parses the YAML of a file into one node for each document.
func Documents(src *File) ([]*yaml.Node, *rule.Error) {
	if err := checkBytes(src); err != nil {
		return nil, err
	}
	docs, err := decode(src.Text)
	if err != nil {
		return nil, yamlError(src, err)
	}
	return docs, nil
}

// decode runs the YAML library. A panic of it becomes an error: a reload reads
// files that are being written, and must never end the agent.
func decode(text string) (docs []*yaml.Node, err error) {
	defer func() {
		if v := recover(); v != nil {
			docs, err = nil, fmt.Errorf("yaml: the parser gave up: %v", v)
		}
	}()
	dec := yaml.NewDecoder(strings.NewReader(text))
	for {
		var doc yaml.Node
		switch err := dec.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, err
		}
		docs = append(docs, &doc)
	}
}

// checkBytes finds what is no text before the YAML parser does, since it
// reports neither line nor column of it.
func checkBytes(src *File) *rule.Error {
	if strings.HasPrefix(src.Text, "\xff\xfe") || strings.HasPrefix(src.Text, "\xfe\xff") {
		return &rule.Error{Code: rule.CodeBadYAML, Pos: src.Pos(src.marks[0]), Err: errors.New("the file is UTF-16"), Hint: "save it as UTF-8"}
	}
	for off, r := range src.Text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(src.Text[off:], "\uFFFD"):
			return byteError(src, off, fmt.Errorf("byte 0x%02x is not UTF-8", src.Text[off]))
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7F:
			return byteError(src, off, fmt.Errorf("control character 0x%02x in the text", r))
		}
	}
	return nil
}

func byteError(src *File, off int, err error) *rule.Error {
	m := src.marks[0]
	for m.Off < off {
		m = m.next(src.Text)
	}
	return &rule.Error{Code: rule.CodeBadYAML, Pos: src.Pos(m), Err: err}
}

// yamlError gives a library error its place. The library names a line at most,
// and not always the right one. But it reads the text once, forwards: the
// shortest beginning of the file that fails in the same way ends at the character
// it stumbled over.
func yamlError(src *File, err error) *rule.Error {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if rest, ok := strings.CutPrefix(msg, "line "); ok {
		if number, text, ok := strings.Cut(rest, ": "); ok {
			line, _ = strconv.Atoi(number)
			msg = text
		}
	}
	at := src.Find(line, 1)
	if len(src.Text) <= maxSearch {
		at = src.marks[0]
		for last := src.failure(err.Error()); at.Off < last; {
			at = at.next(src.Text)
		}
	}
	return &rule.Error{Code: rule.CodeBadYAML, Pos: src.Pos(at), Err: fmt.Errorf("not valid YAML: %s", msg), Hint: yamlHint(msg)}
}

// maxSearch is the size from which the search for a column costs more than it
// is worth.
const maxSearch = 1 << 19

// failure returns the offset of the last character that the parser needed to
// fail with this message.
func (s *File) failure(msg string) int {
	low, high := 0, len(s.Text) // fails the same way with high bytes, not with low
	for high-low > 1 {
		middle := low + (high-low)/2
		cut := middle
		for cut > 0 && !utf8.RuneStart(s.Text[cut]) {
			cut--
		}
		if _, err := decode(s.Text[:cut]); err != nil && err.Error() == msg {
			high = middle
		} else {
			low = middle
		}
	}
	for high--; high > 0 && !utf8.RuneStart(s.Text[high]); {
		high--
	}
	return max(0, high)
}

func yamlHint(msg string) string {
	switch {
	case strings.Contains(msg, "cannot start any token"):
		return "put the text in quotes"
	case strings.Contains(msg, "mapping values are not allowed"):
		return "put a text with a colon in quotes, or use >"
	case strings.Contains(msg, "unknown escape character"):
		return "write \\\\ for a backslash, or use single quotes"
	}
	return ""
}
