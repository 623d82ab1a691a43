package loader

import (
	"io/fs"
	"slices"

	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/compose"
)

// Files reads rule files in the order given. A directory stands for the *.yaml
// and *.yml files in it and below, sorted by path; hidden files and directories
// and the rules' own tests (*.test.yaml) are left out. A later definition
// replaces an earlier one of the same name. A file may also be a manifest of
// RuleSets and ClusterRuleSets, which then hold as they would in a cluster.
//
// The error joins every mistake of every file (see [rule.Errors]). The set is never
// nil: when there is an error it has no rules, but the warnings.
func Files(files []string, cat *field.Catalogue) (*rule.Set, error) {
	f := &finder{}
	for _, name := range files {
		f.path(name)
	}
	return f.load(cat)
}

// FS is Files for a file or directory of a file system, such as an embedded
// one. Places are named as fsys names the files.
func FS(fsys fs.FS, name string, cat *field.Catalogue) (*rule.Set, error) {
	f := &finder{}
	f.fs(fsys, name)
	return f.load(cat)
}

// Texts is Files for texts that are in memory, in the order given.
func Texts(texts []rule.File, cat *field.Catalogue) (*rule.Set, error) {
	f := &finder{}
	for _, t := range texts {
		f.text(t.Name, t.Text)
	}
	return f.load(cat)
}

// load makes a set of what was found.
func (f *finder) load(cat *field.Catalogue) (*rule.Set, error) {
	set, _, err := (&load{Config: Config{Catalogue: cat}, found: f}).run()
	return set, err
}

// Config says what Load makes a set of.
type Config struct {
	Files     []string // as for the function Files
	Shipped   fs.FS    // takes the place of Files if there are none
	Sources   []Source // in any order
	Catalogue *field.Catalogue
	// Compile says why checked rules cannot be used, nil if they can: it refuses a
	// source as its mistakes do. It may be nil.
	Compile func([]*rule.Rule) error
}

// Load makes a set of files, then of the sources that hold everywhere, then of those
// of namespaces, and says what became of each source. A source with a mistake takes
// none of the others with it; a mistake in a file is the error, and then there are
// neither rules nor results.
//
// The set's warnings are those of the files.
func Load(c Config) (*rule.Set, []Result, error) {
	l := &load{Config: c, found: &finder{}}
	if len(c.Files) == 0 && c.Shipped != nil {
		l.found.fs(c.Shipped, ".")
	}
	for _, name := range c.Files {
		l.found.path(name)
	}
	return l.run()
}

// load is one call of Load.
type load struct {
	Config
	found *finder
	// compileEach says that the rules of the whole set cannot be compiled, so that it
	// must be found out whose they are.
	compileEach bool
}

func (l *load) run() (*rule.Set, []Result, error) {
	set, results, err := l.try()
	if err != nil || l.compileEach {
		return set, results, err
	}
	if errs := l.compile(set.Rules); len(errs) == 0 || len(results) == 0 {
		return set, results, joined(errs)
	}
	l.compileEach = true
	set, results, err = l.try()
	if err != nil {
		return set, results, err
	}
	return set, results, joined(l.compile(set.Rules))
}

// try makes the set of what loads.
func (l *load) try() (*rule.Set, []Result, error) {
	all := candidates(l.Sources)
	first := slices.IndexFunc(all, func(c *candidate) bool { return c.Source.Namespace != "" })
	if first < 0 {
		first = len(all)
	}
	everywhere, confined := all[:first], all[first:]
	base := l.global(everywhere)
	if err := base.Err(); err != nil {
		return l.found.show(base.Set), nil, err
	}
	tenants, problems := l.manifests(base)
	if len(problems.Errors) > 0 {
		none := &rule.Set{Warnings: append(base.Set.Warnings, problems.Warnings...), Files: base.Set.Files}
		return l.found.show(none), nil, joined(rule.Tidy(problems.Errors))
	}
	for _, c := range confined {
		if t := l.tenant(base, c); t != nil {
			tenants = append(tenants, t)
		}
	}
	set := base.With(tenants)
	by := byPlace(set.Warnings)
	set.Warnings = slices.Clone(set.Warnings)
	for _, c := range everywhere {
		c.Warnings = slices.DeleteFunc(by[c.Source.Place()], func(e *rule.Error) bool {
			// What it defines may be for the sets of namespaces.
			return e.Code == rule.CodeUnusedMacro || e.Code == rule.CodeUnusedList
		})
		set.Warnings = slices.DeleteFunc(set.Warnings, func(e *rule.Error) bool { return e.Pos.File == c.Source.Place() })
		c.count(set.Rules)
	}
	set.Warnings = rule.Tidy(append(set.Warnings, problems.Warnings...))
	results := make([]Result, len(all))
	for i, c := range all {
		results[i] = c.Result
	}
	return l.found.show(set), results, nil
}

// count counts the rules that a source without a namespace defined last.
func (c *candidate) count(rules []*rule.Rule) {
	for _, r := range rules {
		if r.Pos.File == c.Source.Place() {
			c.Rules++
		}
	}
}

// manifests reads the sets of namespaces that files have.
func (l *load) manifests(b *compose.Base) ([]*compose.Tenant, rule.Problems) {
	var tenants []*compose.Tenant
	var problems rule.Problems
	for _, m := range l.found.confined {
		t := b.Tenant(m.name, m.file)
		tenants = append(tenants, t)
		problems.Errors = append(problems.Errors, t.Errors...)
		problems.Warnings = append(problems.Warnings, t.Warnings...)
	}
	return tenants, problems
}
