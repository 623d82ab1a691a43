package lint

import (
	"fmt"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/transform"
)

// Twice finds values that a list has twice.
func Twice(items []rule.Literal, found func(rule.Pos, error)) {
	first := make(map[string]rule.Pos, len(items))
	for _, item := range items {
		pos, twice := first[item.Text]
		if !twice {
			first[item.Text] = item.Pos
			continue
		}
		found(item.Pos, fmt.Errorf("%s is in the list already, at %s", quoted(item.Text), place(pos, item.Pos)))
	}
}

// place names a place for a text that stands at another.
func place(pos, at rule.Pos) string {
	if pos.File == at.File {
		return fmt.Sprintf("%d:%d", pos.Line, pos.Col)
	}
	return pos.String()
}

// quoted writes a value as a condition has it, cut if it is long.
func quoted(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most-1]) + "…"
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`(),="'\`, r) }) < 0 {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// notAvailable looks at what Falco prints for a missing value.
func (l *values) notAvailable(v *rule.Literal) {
	f := l.e.Field.Text
	if l.e.Op == rule.OpNe {
		l.warn(v.Pos, rule.CodeTrueIfAbsent, fmt.Sprintf("write %s exists", f),
			"%s is never <NA>: where it is missing it is absent, and this is true whenever it is there", f)
		return
	}
	l.warn(v.Pos, rule.CodeTrueIfAbsent, fmt.Sprintf("write %s exists, or not %s exists", f, f),
		"%s is never <NA>: where it is missing it is absent, no comparison with it is true, and a not before one is", f)
}

// misused looks at a value that is the name of a field or a transformer.
func (l *values) misused(v *rule.Literal) bool {
	name, _, _ := strings.Cut(v.Text, "[")
	if strings.Contains(name, ".") && l.cat.Find(name) != nil {
		l.warn(v.Pos, rule.CodeFieldAsValue, fmt.Sprintf("write val(%s) to compare with the field", v.Text),
			"%s is the name of a field, and is taken as a text here", v.Text)
		return true
	}
	fn, rest, call := strings.Cut(v.Text, "(")
	if _, known := transform.Funcs()[fn]; known && call && strings.HasSuffix(rest, ")") {
		l.warn(v.Pos, rule.CodeFieldAsValue, "write it without quotes", "%s looks like a transformer, and is taken as a text here", quoted(v.Text))
		return true
	}
	return false
}

// order looks at a text in an order of texts.
func (l *values) order(v *rule.Literal) {
	if strings.Trim(v.Text, "0123456789") != "" {
		return
	}
	hint := ""
	if l.e.Field.Name == "evt.arg" {
		hint = fmt.Sprintf("evt.rawarg.%s is a number", l.e.Field.Arg.Name)
	}
	l.warn(v.Pos, rule.CodeTextOrder, hint, "%s is a text, and texts are compared letter by letter: 9 comes after 10", l.e.Field.Text)
}

// links are paths that are usually links and lead somewhere else for each
// process or machine, so that a literal behind them has no other name.
var links = []struct{ path, leads string }{
	{"/proc/self", "the directory of the process that asks"},
	{"/proc/thread-self", "the directory of the thread that asks"},
	{"/proc/mounts", "/proc/PID/mounts"},
	{"/proc/net", "/proc/PID/net"},
	{"/dev/fd", "/proc/PID/fd"},
	{"/etc/mtab", "/proc/PID/mounts"},
}

// link looks at a path that is usually a link: fd.name is what is behind it. Other
// fields can have the name as it was written.
func (l *values) link(v *rule.Literal) {
	if l.e.Field.Name != "fd.name" || isPart(l.e.Op) && l.e.Op != rule.OpStartsWith {
		return
	}
	for _, link := range links {
		rest, below := strings.CutPrefix(v.Text, link.path)
		if !below || rest != "" && rest[0] != '/' {
			continue
		}
		l.warn(v.Pos, rule.CodePathIsLink, "",
			"%s is usually a link to %s: files that are opened through it for reading have the name behind it", link.path, link.leads)
		return
	}
}
