package format

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/source"
	"github.com/goshawk-security/goshawk/internal/rule/syntax"
)

// width is the longest line that is written where it can be broken.
const width = 120

// blockIndent is that of the lines of a folded block.
const blockIndent = 4

// condition writes a condition, nil if it stays as it is.
func (f *file) condition(p pair, appended bool) []string {
	if p.value.Kind != yaml.ScalarNode {
		return nil
	}
	e, errs := syntax.Parse(p.value.Value, source.NewCursor(f.src, p.value))
	switch {
	case len(errs) > 0 && appended:
		return words(p.key.Value, p.value)
	case len(errs) > 0:
		f.errs = append(f.errs, errs...)
		return nil
	}
	lines := broken(e, width-blockIndent-2)
	text := line(e)
	if inParentheses(p.value.Value) { // they count when another file appends to it
		lines, text = surrounded("(", e, width-blockIndent), "("+text+")"
	}
	if line := "  condition: " + text; utf8.RuneCountInString(line) <= width && plain(text) {
		return []string{line}
	}
	return append([]string{"  condition: >"}, deeper(lines, 0, blockIndent)...)
}

// deeper indents lines from one on.
func deeper(lines []string, from, n int) []string {
	for i := from; i < len(lines); i++ {
		lines[i] = strings.Repeat(" ", n) + lines[i]
	}
	return lines
}

// inParentheses tells that parentheses stand around a whole condition.
func inParentheses(s string) bool {
	s = strings.TrimSpace(s)
	if s == "" || s[0] != '(' {
		return false
	}
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"', '\'':
			_, n, _ := rule.Unquote(s[i:])
			i += n - 1
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i == len(s)-1
			}
		}
	}
	return false
}

// broken writes a condition in lines of at most most runes, as far as its parts
// allow. Lines behind the first begin with and or or, and are indented below the
// parenthesis that they stand in. (YAML keeps the breaks of such lines, and a
// condition does not mind.)
func broken(e rule.Expr, most int) []string {
	if s := line(e); utf8.RuneCountInString(s) <= most {
		return []string{s}
	}
	switch e := e.(type) {
	case *rule.And:
		return joinedLines(e.Parts, "and ", most, true)
	case *rule.Or:
		return joinedLines(e.Parts, "or ", most, false)
	case *rule.Not:
		if _, isMacro := e.X.(*rule.MacroRef); !isMacro {
			return surrounded("not (", e.X, most)
		}
	case *rule.Comparison:
		return brokenList(e, most)
	}
	return []string{line(e)}
}

func joinedLines(parts []rule.Expr, word string, most int, and bool) []string {
	var lines []string
	for i, p := range parts {
		_, isOr := p.(*rule.Or)
		_, isAnd := p.(*rule.And)
		var part []string
		prefix := ""
		if i > 0 {
			prefix = word
		}
		if isOr || isAnd && and {
			part = surrounded("(", p, most-len(prefix))
		} else {
			part = broken(p, most-len(prefix))
		}
		part[0] = prefix + part[0]
		lines = append(lines, part...)
	}
	return lines
}

// nested is the indentation of what stands in parentheses or in a list.
const nested = "  "

// surrounded writes a condition in parentheses.
func surrounded(open string, e rule.Expr, most int) []string {
	lines := deeper(broken(e, most-len(open)-1), 1, len(nested))
	lines[0] = open + lines[0]
	lines[len(lines)-1] += ")"
	return lines
}

// brokenList writes a comparison with many values.
func brokenList(e *rule.Comparison, most int) []string {
	s := line(e)
	var lines []string
	for utf8.RuneCountInString(s) > most-len(nested) {
		at := lastComma(s, most-len(nested))
		if at < 0 {
			break
		}
		lines, s = append(lines, s[:at+1]), strings.TrimLeft(s[at+1:], " ")
	}
	return deeper(append(lines, s), 1, len(nested))
}

// lastComma finds the last comma outside of quotes within the first runes.
func lastComma(s string, most int) int {
	last := -1
	var quote byte
	for i := 0; i < len(s) && i < most; i++ {
		switch c := s[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '"' || c == '\'':
			quote = c
		case c == ',':
			last = i
		}
	}
	return last
}

// plain tells that a text can stand behind a key as it is.
func plain(s string) bool {
	var doc map[string]any
	err := yaml.Unmarshal([]byte("k: "+s+"\n"), &doc)
	got, ok := doc["k"].(string)
	return err == nil && ok && got == s && !strings.Contains(s, " #")
}

// words writes a text that may be broken between any words, nil if it is another.
func words(key string, n *yaml.Node) []string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return nil
	}
	text := strings.TrimRight(n.Value, " \n")
	if text == "" || strings.ContainsAny(text, "\n\t\u0085\u2028\u2029") || strings.Contains(text, "  ") || text[0] == ' ' {
		return nil
	}
	if line := "  " + key + ": " + text; utf8.RuneCountInString(line) <= width && plain(text) {
		return []string{line}
	}
	return append([]string{"  " + key + ": >"}, wrapped(strings.Split(text, " "), " ", blockIndent)...)
}

// wrapped fills lines with words.
func wrapped(all []string, between string, indent int) []string {
	var lines []string
	line := strings.Repeat(" ", indent) + all[0]
	for _, w := range all[1:] {
		if utf8.RuneCountInString(line)+utf8.RuneCountInString(between)+utf8.RuneCountInString(w) > width {
			lines = append(lines, line+strings.TrimRight(between, " "))
			line = strings.Repeat(" ", indent) + w
			continue
		}
		line += between + w
	}
	return append(lines, line)
}

// list writes a list of texts in brackets, nil if it is another.
func list(key string, n *yaml.Node) []string {
	if n.Kind != yaml.SequenceNode {
		return nil
	}
	var all []string
	for _, c := range n.Content {
		if c.Kind != yaml.ScalarNode {
			return nil
		}
		s, ok := element(c)
		if !ok {
			return nil
		}
		all = append(all, s)
	}
	open := "  " + key + ": ["
	if len(all) == 0 {
		return []string{open + "]"}
	}
	all[0], all[len(all)-1] = strings.TrimLeft(open, " ")+all[0], all[len(all)-1]+"]"
	if len(all) == 1 {
		all[0] = strings.TrimLeft(open, " ") + strings.TrimPrefix(all[0], strings.TrimLeft(open, " "))
	}
	lines := wrapped(all, ", ", 2)
	for i := 1; i < len(lines); i++ {
		lines[i] = "  " + lines[i]
	}
	return lines
}

// element writes a text so that it can stand in brackets: as it is, or in quotes.
func element(n *yaml.Node) (string, bool) {
	forms := []string{n.Value}
	if n.Style&yaml.DoubleQuotedStyle != 0 && strings.ContainsAny(n.Value, " :") && !strings.ContainsAny(n.Value, "\"\\") {
		forms = []string{`"` + n.Value + `"`} // easier to read with its quotes
	}
	for _, s := range append(forms, "'"+strings.ReplaceAll(n.Value, "'", "''")+"'") {
		var doc yaml.Node
		if s == "" || strings.Contains(s, " #") && s[0] != '\'' && s[0] != '"' || strings.Contains(s, "\n") || yaml.Unmarshal([]byte("["+s+", x]\n"), &doc) != nil {
			continue
		}
		root := doc.Content[0]
		if root.Kind == yaml.SequenceNode && len(root.Content) == 2 && root.Content[0].Kind == yaml.ScalarNode && root.Content[0].Value == n.Value && root.Content[0].Tag == n.Tag {
			return s, true
		}
	}
	return "", false
}
