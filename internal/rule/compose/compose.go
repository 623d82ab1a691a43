package compose

import (
	"errors"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/check"
	"github.com/goshawk-security/goshawk/internal/rule/source"
)

// Base is what texts that hold everywhere were made into.
type Base struct {
	Set *rule.Set // without rules if there is an error, but with the warnings
	// Errors are the mistakes of all texts, in the order of their places.
	Errors []*rule.Error

	catalogue *field.Catalogue
	scope     *check.Scope
	byRule    map[string]*draft
	byMacro   map[string]*macro
}

// Err joins the errors, nil if there is none.
func (b *Base) Err() error {
	all := make([]error, len(b.Errors))
	for i, e := range b.Errors {
		all[i] = e
	}
	return errors.Join(all...)
}

// Global reads texts in the order given. before is what was found wrong on the way
// to the texts.
func Global(texts []rule.File, cat *field.Catalogue, before *rule.Problems) *Base {
	l := newLoader(cat)
	l.Errors, l.Warnings = slices.Clone(before.Errors), slices.Clone(before.Warnings)
	for _, t := range texts {
		l.text(t)
	}
	return l.finish()
}

// text reads the items of a text.
func (l *loader) text(text rule.File) {
	l.Input.Files++
	l.files = append(l.files, text)
	src := source.NewFile(text.Name, text.Text)
	docs, err := source.Documents(src)
	if err != nil {
		l.Fail(err)
		return
	}
	r := &reader{loader: l, src: src, aliased: source.MaxAliased, sizes: map[*yaml.Node]int{}, seen: map[[2]string]rule.Pos{}}
	for _, doc := range docs {
		r.document(doc)
	}
}

// loader collects the items of all texts and makes a set of them.
type loader struct {
	check.Input
	rules     []*draft // in the order of their first definition
	replaced  []*draft // by a later one of the same file
	byRule    map[string]*draft
	byMacro   map[string]*macro
	oldMacros []*macro // replaced, or changes of what is not there
	files     []rule.File
	work      int // name comparisons left for suggestions
	room      int // left for the comparisons that exceptions make

	tenant *tenant // of the set of a namespace; nil for texts that hold everywhere
}

// maxWork is far above what files that people write need.
const maxWork = 1_000_000

func newLoader(cat *field.Catalogue) *loader {
	l := &loader{
		Input: check.Input{
			Problems:  &rule.Problems{},
			Catalogue: cat,
			Macros:    map[string]*rule.Macro{},
			Lists:     map[string]*rule.List{},
			Unread:    map[*rule.Macro]string{},
		},
		byRule:  map[string]*draft{},
		byMacro: map[string]*macro{},
		work:    maxWork,
		room:    maxExceptions,
	}
	l.Work = &l.work
	return l
}

// finish checks what was read.
func (l *loader) finish() *Base {
	l.build()
	b := &Base{catalogue: l.Catalogue, byRule: l.byRule, byMacro: l.byMacro, scope: check.Run(&l.Input)}
	b.Set, b.Errors = &rule.Set{Warnings: rule.Tidy(l.Warnings), Files: l.files}, rule.Tidy(l.Errors)
	if len(b.Errors) > 0 {
		return b
	}
	b.Set.Macros, b.Set.Lists = l.Macros, l.Lists
	for _, d := range l.Rules {
		if !d.Foreign && !d.Skipped {
			b.Set.Rules = append(b.Set.Rules, d.Rule)
		}
	}
	return b
}
