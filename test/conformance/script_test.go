package conformance

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// section is one case of a file, or what several cases share.
type section struct {
	line    int
	kind    string // condition, output or files
	text    string // the condition or the output; the name of files
	want    string // of a condition or an output: what stands behind =>
	event   string // the event that using named last
	given   string // the rules that given has, for conditions and outputs
	pending string // why the case is known to fail
	files   []ruleFile
	order   []string // files and directories, if they are named
	expect  []line
}

type ruleFile struct{ name, text string }

// line is a line of a file, with its number.
type line struct {
	number int
	text   string
}

// script is a file of cases.
type script struct {
	name   string
	lines  []line
	at     int
	events map[string]*eventSpec
	all    []section

	event, given, pending string
}

func readScript(t *testing.T, path string) *script {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{name: path, events: map[string]*eventSpec{}}
	for i, l := range strings.Split(string(text), "\n") {
		s.lines = append(s.lines, line{i + 1, l})
	}
	for s.at < len(s.lines) {
		l := s.lines[s.at]
		s.at++
		if err := s.top(l); err != nil {
			t.Fatalf("%s:%d: %v", path, l.number, err)
		}
	}
	return s
}

// top reads what begins with a line that is not indented.
func (s *script) top(l line) error {
	text := strings.TrimRight(l.text, " ")
	word, rest, _ := strings.Cut(text, " ")
	switch {
	case text == "" || strings.HasPrefix(text, "#"):
		return nil
	case word == "event":
		return s.readEvent(rest)
	case word == "using":
		s.event = rest
		if s.events[rest] == nil {
			return fmt.Errorf("there is no event %q", rest)
		}
		return nil
	case word == "pending:":
		s.pending = rest
		return nil
	case text == "given":
		s.given = strings.Join(s.block("    "), "\n") + "\n"
		return nil
	case word == "files":
		return s.readFiles(l.number, rest)
	}
	cond, want, ok := strings.Cut(text, " => ")
	if !ok {
		return fmt.Errorf("neither a case nor a block: %s", text)
	}
	sec := section{line: l.number, kind: "condition", text: repeat(strings.TrimSpace(cond)), want: strings.TrimSpace(want)}
	if rest, ok := strings.CutPrefix(sec.text, "output "); ok {
		text, err := strconv.Unquote(strings.TrimSpace(rest))
		if err != nil {
			return fmt.Errorf("read output %s: %w", rest, err)
		}
		sec.kind, sec.text = "output", text
	}
	s.add(sec)
	return nil
}

func (s *script) add(sec section) {
	sec.event, sec.given, sec.pending = s.event, s.given, s.pending
	s.pending = ""
	s.all = append(s.all, sec)
}

// block returns the lines that are indented, without the indent. Empty lines
// within belong to it.
func (s *script) block(indent string) []string {
	var out []string
	for ; s.at < len(s.lines); s.at++ {
		text, ok := strings.CutPrefix(s.lines[s.at].text, indent)
		if !ok && strings.TrimSpace(text) != "" {
			break
		}
		out = append(out, text)
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

// readEvent reads "event NAME" or "event NAME like OTHER" and its keys.
func (s *script) readEvent(head string) error {
	name, base, _ := strings.Cut(head, " like ")
	spec := &eventSpec{}
	if base != "" {
		if s.events[base] == nil {
			return fmt.Errorf("there is no event %q", base)
		}
		*spec = *s.events[base]
		spec.process = append([]imageSpec(nil), spec.process...)
	}
	spec.derived = base != ""
	for _, l := range s.block("    ") {
		if l = strings.TrimSpace(l); l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		key, value, _ := strings.Cut(l, " ")
		if err := spec.set(key, strings.TrimSpace(value)); err != nil {
			return fmt.Errorf("event %s: %s: %w", name, key, err)
		}
	}
	if _, err := spec.build(); err != nil {
		return fmt.Errorf("event %s: %w", name, err)
	}
	s.events[name] = spec
	return nil
}

var fileLine = regexp.MustCompile(`^-- (\S+)((?: \S+)*) --$`)

// readFiles reads "files NAME", perhaps "order FILE…", then each file behind its
// "-- NAME --", then the lines behind "-- expect --" up to an empty one.
func (s *script) readFiles(number int, name string) error {
	sec := section{line: number, kind: "files", text: name}
	if s.at < len(s.lines) {
		if rest, ok := strings.CutPrefix(s.lines[s.at].text, "order "); ok {
			sec.order = strings.Fields(rest)
			s.at++
		}
	}
	for s.at < len(s.lines) && strings.HasPrefix(s.lines[s.at].text, "#") {
		s.at++
	}
	for s.at < len(s.lines) {
		m := fileLine.FindStringSubmatch(s.lines[s.at].text)
		if m == nil {
			return fmt.Errorf("line %d: expected -- NAME --", s.lines[s.at].number)
		}
		s.at++
		if m[1] == "expect" {
			break
		}
		var lines []string
		for ; s.at < len(s.lines) && !fileLine.MatchString(s.lines[s.at].text); s.at++ {
			lines = append(lines, s.lines[s.at].text)
		}
		text, err := fileText(lines, strings.Fields(m[2]))
		if err != nil {
			return fmt.Errorf("file %s: %w", m[1], err)
		}
		sec.files = append(sec.files, ruleFile{m[1], text})
	}
	for ; s.at < len(s.lines) && strings.TrimSpace(s.lines[s.at].text) != ""; s.at++ {
		if !strings.HasPrefix(s.lines[s.at].text, "#") {
			sec.expect = append(sec.expect, s.lines[s.at])
		}
	}
	if len(sec.expect) == 0 {
		return fmt.Errorf("files %s expect nothing", name)
	}
	s.add(sec)
	return nil
}

// fileText makes the text of a rule file. Options say what cannot be seen:
// crlf, bom, escaped (\t, \xff as in Go) and repeated ({{3*text}}).
func fileText(lines []string, options []string) (string, error) {
	end, begin := "\n", ""
	for _, o := range options {
		switch o {
		case "crlf":
			end = "\r\n"
		case "bom":
			begin = "\ufeff"
		case "escaped":
			for i := range lines {
				text, err := strconv.Unquote(`"` + strings.ReplaceAll(lines[i], `"`, `\"`) + `"`)
				if err != nil {
					return "", fmt.Errorf("read %s: %w", lines[i], err)
				}
				lines[i] = text
			}
		case "repeated":
			for i := range lines {
				lines[i] = repeat(lines[i])
			}
		default:
			return "", fmt.Errorf("unknown option %q", o)
		}
	}
	if len(lines) == 0 {
		return begin, nil
	}
	return begin + strings.Join(lines, end) + end, nil
}

var repetition = regexp.MustCompile(`\{\{(\d+)\*(.*?)\}\}`)

// repeat writes {{3*text}} as texttexttext.
func repeat(s string) string {
	return repetition.ReplaceAllStringFunc(s, func(m string) string {
		parts := repetition.FindStringSubmatch(m)
		n, _ := strconv.Atoi(parts[1]) // digits
		return strings.Repeat(parts[2], n)
	})
}

// words splits a text at blanks; what stands in " is one word, with escapes as
// in Go.
func words(s string) ([]string, error) {
	var all []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		if s[0] == '"' {
			q, err := strconv.QuotedPrefix(s)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", s, err)
			}
			text, err := strconv.Unquote(q)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", q, err)
			}
			all, s = append(all, text), s[len(q):]
			continue
		}
		word, rest, _ := strings.Cut(s, " ")
		all, s = append(all, word), rest
	}
	return all, nil
}
