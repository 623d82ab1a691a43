package check

import (
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/suggest"
	"github.com/goshawk-security/goshawk/internal/rule/verdict"
)

// empty warns of a list that is written and has nothing in it. One that has a
// name is for others to fill.
func (c *checker) empty(e *rule.Comparison) {
	if takesList(e) && len(e.Values) == 0 {
		c.warn(e.Pos, rule.CodeEmptyList, "", "the list is empty: %s is never true", rule.OneLine(e.Text))
	}
}

// hasParam warns of a parameter that no event of these types has.
func (c *checker) hasParam(f *rule.FieldRef, ctx verdict.Types) {
	name := f.Arg.Name
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		return // by position
	}
	var known []string
	for _, t := range ctx.List() {
		known = append(known, c.params[t]...)
		for _, a := range t.Info().Args {
			known = append(known, a.Name)
		}
	}
	if slices.Contains(known, name) {
		return
	}
	where := "of " + ctx.Names() + " "
	if ctx == verdict.All() {
		where = ""
	}
	c.warn(f.Pos, rule.CodeFieldNotCarried, suggest.DidYouMean(name, known, c.Work),
		"no event %shas a parameter %s: the comparison is always false here", where, name)
}

// pathFields are fields that name files, each for events of other types.
var pathFields = []string{"fd.name", "fs.path.name", "fs.path.source", "fs.path.target"}

// insteadOf suggests a field for one that no event of these types has.
func (c *checker) insteadOf(f *rule.FieldRef, ctx verdict.Types) string {
	class := strings.HasPrefix(f.Name, "fs.path.") || strings.HasPrefix(f.Name, "fd.name") || f.Name == "fd.directory" || f.Name == "fd.filename"
	if !class || *c.Work <= 0 {
		return ""
	}
	*c.Work -= len(pathFields)
	var use []string
	for _, name := range pathFields {
		if row := c.Catalogue.Find(name); row != nil && row.Types != nil && ctx.And(verdict.Of(row.Types)) == ctx {
			use = append(use, name)
		}
	}
	execs := verdict.Of([]event.Type{event.Execve, event.Execveat})
	if row := c.Catalogue.Find("proc.exepath"); row != nil && ctx.And(execs) == ctx {
		use = append(use, row.Name)
	}
	if len(use) == 0 {
		return ""
	}
	return "use " + strings.Join(use, " or ")
}
