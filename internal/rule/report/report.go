package report

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/source"
)

// Report is what a load of rule files found.
type Report struct {
	Errors   []*rule.Error
	Warnings []*rule.Error
	Rules    int // that were loaded
	// Text returns the content of a file by the name that places have, "" if it is
	// not known.
	Text func(file string) string
}

// problem is one thing to say, with what is known of it.
type problem struct {
	*rule.Error
	info rule.CodeInfo
	fail bool
	line string // of the source; "" if it is not known
	end  int    // the column behind the place; 0 if it is not known
}

// level is the word that formats use.
func (p *problem) level() string {
	if p.fail {
		return "error"
	}
	return "warning"
}

// kind is what the problem is in: a rule, a macro, a list; "" outside of all.
func (p *problem) kind() string {
	if p.Kind == "" && p.Rule != "" {
		return rule.KindRule
	}
	return p.Kind
}

// problems puts all in the order of files and lines, errors and warnings mixed:
// a person works through a file from top to bottom.
func (r *Report) problems() []problem {
	infos := map[rule.Code]rule.CodeInfo{}
	for _, i := range rule.Codes() {
		infos[i.Code] = i
	}
	fails := map[*rule.Error]bool{}
	for _, e := range r.Errors {
		fails[e] = true
	}
	var all []problem
	files := map[string]*source.File{}
	for _, e := range rule.Tidy(append(append([]*rule.Error(nil), r.Errors...), r.Warnings...)) {
		info, known := infos[e.Code]
		if !known {
			info = infos[rule.CodeBadItem]
		}
		p := problem{Error: e, info: info, fail: fails[e]}
		if e.Pos.Line > 0 && r.Text != nil {
			src := files[e.Pos.File]
			if src == nil {
				src = source.NewFile(e.Pos.File, r.Text(e.Pos.File))
				files[e.Pos.File] = src
			}
			p.line = lineOf(src, e.Pos.Line)
			p.end = wordEnd(p.line, e.Pos.Col)
		}
		all = append(all, p)
	}
	return all
}

// lineOf returns a line of a file without its end.
func lineOf(src *source.File, line int) string {
	text := src.Text[src.Find(line, 1).Off:]
	if i := strings.IndexFunc(text, isBreak); i >= 0 {
		text = text[:i]
	}
	return text
}

// isBreak tells what ends a line in YAML.
func isBreak(r rune) bool {
	return r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

// wordEnd returns the column behind the word at a column: up to a blank or a
// sign, or to the closing quote. It is 0 if the line has no such column.
func wordEnd(line string, col int) int {
	rest := line
	for i := 1; i < col; i++ {
		_, size := utf8.DecodeRuneInString(rest)
		if size == 0 {
			return 0
		}
		rest = rest[size:]
	}
	first, size := utf8.DecodeRuneInString(rest)
	if size == 0 || unicode.IsSpace(first) {
		return col + 1
	}
	n := 1
	for rest = rest[size:]; rest != ""; n++ {
		r, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		if first == '"' || first == '\'' {
			if r == first {
				return col + n + 1
			}
			continue
		}
		if unicode.IsSpace(r) || strings.ContainsRune(`(),="'`, r) || strings.ContainsRune(`(),=`, first) {
			break
		}
	}
	return col + n
}
