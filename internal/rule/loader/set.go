package loader

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/compose"
)

// Source is a rule set that comes from the Kubernetes API: a RuleSet, or a
// ClusterRuleSet if it has no namespace.
type Source struct {
	Namespace  string
	Name       string
	Order      int32 // of a ClusterRuleSet: smaller ones are read earlier
	Generation int64 // of the object, for those who hand results on
	Text       string
	// Last is the text that was in force before, "" if there was none: it stays when
	// Text is refused.
	Last string
}

// Place is the name that places in the source's text have.
func (s *Source) Place() string {
	if s.Namespace == "" {
		return "clusterruleset/" + s.Name
	}
	return "ruleset/" + s.Namespace + "/" + s.Name
}

// ParsePlace returns the source that has a place: its namespace and its name.
func ParsePlace(place string) (Source, bool) {
	kind, rest, _ := strings.Cut(place, "/")
	namespace, name, confined := strings.Cut(rest, "/")
	switch {
	case kind == "ruleset" && confined && namespace != "" && name != "":
		return Source{Namespace: namespace, Name: name}, true
	case kind == "clusterruleset" && !confined && rest != "":
		return Source{Name: rest}, true
	}
	return Source{}, false
}

func (s *Source) file(text string) rule.File {
	return rule.File{Name: s.Place(), Text: text, Namespace: s.Namespace}
}

// Version says which text of a source is in force.
type Version uint8

// The versions.
const (
	None    Version = iota // none: its text was refused, and there was none before
	Earlier                // Last: its text was refused
	Current                // Text
)

// Result is what became of a source.
type Result struct {
	Source   Source
	InForce  Version
	Rules    int           // of a source of a namespace that are in force
	Narrowed int           // rules of others that it takes cases away from
	Errors   []*rule.Error // why its text was refused
	Warnings []*rule.Error // of the text that is in force
}

// Limits of what comes from the API, where many may write. A namespace cannot take
// the room of others.
const (
	MaxSource    = 256 << 10 // bytes of one text
	maxNamespace = 512 << 10 // of all texts of a namespace
	maxSources   = 32 << 20  // of all
)

// inOrder returns sources in the order in which they are read: those without a
// namespace first.
func inOrder(sources []Source) []Source {
	sorted := slices.Clone(sources)
	slices.SortFunc(sorted, func(a, b Source) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Order, b.Order), cmp.Compare(a.Name, b.Name))
	})
	return sorted
}

// candidate is a source and which text of it is tried.
type candidate struct {
	Result
}

// text returns the one that is tried, false if there is none.
func (c *candidate) text() (string, bool) {
	switch c.InForce {
	case Current:
		return c.Source.Text, true
	case Earlier:
		return c.Source.Last, true
	}
	return "", false
}

// refuse notes why the text that is tried cannot be used, and goes on to the one
// before it.
func (c *candidate) refuse(errs []*rule.Error) {
	if c.InForce == Current {
		c.Errors = errs
		if last := c.Source.Last; last != "" && last != c.Source.Text {
			c.InForce = Earlier
			return
		}
	}
	c.InForce = None
}

// candidates makes one of each source, and refuses those that are too large.
func candidates(sources []Source) []*candidate {
	var list []*candidate
	all, of := 0, map[string]int{}
	for _, s := range inOrder(sources) {
		c := &candidate{Result: Result{Source: s, InForce: Current}}
		list = append(list, c)
		size := max(len(s.Text), len(s.Last))
		tooLarge := func(format string, args ...any) {
			c.Errors, c.InForce = []*rule.Error{{Code: rule.CodeTooLarge, Pos: rule.Pos{File: s.Place()}, Err: fmt.Errorf(format, args...)}}, None
		}
		switch {
		case size > MaxSource:
			tooLarge("the rules are larger than %d KiB", MaxSource>>10)
		case s.Namespace != "" && of[s.Namespace]+size > maxNamespace:
			tooLarge("the rule sets of namespace %s are larger than %d KiB together", s.Namespace, maxNamespace>>10)
		case all+size > maxSources:
			tooLarge("all rule sets together are larger than %d MiB", maxSources>>20)
		default:
			all += size
			of[s.Namespace] += size
		}
	}
	return list
}

// global makes the base of files and of the sources without a namespace: of as many
// of them as possible. Sources that do not load are refused, and the others are tried
// without them. If the files do not load by themselves, the base has their errors.
func (l *load) global(sources []*candidate) *compose.Base {
	b := l.base(sources)
	if len(b.Errors) == 0 {
		return b
	}
	if files := l.base(nil); len(files.Errors) > 0 {
		return files
	}
	for len(b.Errors) > 0 {
		l.refuseGuilty(sources, b.Errors)
		b = l.base(sources)
	}
	for _, c := range sources { // perhaps it was the fault of another one
		if was := c.InForce; was != Current && c.Errors[0].Code != rule.CodeTooLarge {
			c.InForce = Current
			if again := l.base(sources); len(again.Errors) == 0 {
				b, c.Errors = again, nil
				continue
			}
			c.InForce = was
		}
	}
	return b
}

// refuseGuilty refuses the sources that have mistakes. If the mistakes are in the
// files, which have none by themselves, it refuses the first source with which they
// come up.
func (l *load) refuseGuilty(sources []*candidate, errs []*rule.Error) {
	by := byPlace(errs)
	guilty := false
	for _, c := range sources {
		if mine := by[c.Source.Place()]; mine != nil && c.InForce != None {
			c.refuse(mine)
			guilty = true
		}
	}
	if guilty {
		return
	}
	low, high := 0, len(sources) // the files load with low, not with high
	for high-low > 1 {
		middle := (low + high) / 2
		if len(l.base(sources[:middle]).Errors) == 0 {
			low = middle
		} else {
			high = middle
		}
	}
	c := sources[low]
	because := l.base(sources[:high]).Errors
	if len(because) == 0 { // not reached: low would have been raised
		because = errs
	}
	c.refuse([]*rule.Error{{Code: because[0].Code, Pos: rule.Pos{File: c.Source.Place()},
		Err: fmt.Errorf("with this set other rules cannot be loaded: %w", because[0])}})
}

// base makes a base of the files and of the texts of sources that are tried.
func (l *load) base(sources []*candidate) *compose.Base {
	texts := slices.Clone(l.found.texts)
	for _, c := range sources {
		if text, ok := c.text(); ok {
			texts = append(texts, c.Source.file(text))
		}
	}
	b := compose.Global(texts, l.Catalogue, &l.found.problems)
	if l.compileEach && len(b.Errors) == 0 {
		b.Errors = l.compile(b.Set.Rules)
	}
	return b
}

// compile returns why rules cannot be compiled.
func (l *load) compile(rules []*rule.Rule) []*rule.Error {
	if l.Compile == nil {
		return nil
	}
	err := l.Compile(rules)
	if err == nil {
		return nil
	}
	if errs := rule.Errors(err); len(errs) > 0 {
		return errs
	}
	return []*rule.Error{{Err: err}}
}

// tenant reads a source of a namespace on top of a base, nil if none of its texts can
// be used.
func (l *load) tenant(b *compose.Base, c *candidate) *compose.Tenant {
	for {
		text, ok := c.text()
		if !ok {
			return nil
		}
		t := b.Tenant(c.Source.Name, c.Source.file(text))
		if l.compileEach && len(t.Errors) == 0 {
			t.Errors = l.compile(slices.DeleteFunc(b.With([]*compose.Tenant{t}).Rules, func(r *rule.Rule) bool {
				return slices.Contains(b.Set.Rules, r) // not touched by it
			}))
		}
		if len(t.Errors) == 0 {
			c.Rules, c.Narrowed, c.Warnings = len(t.Rules), t.Narrowed, t.Warnings
			return t
		}
		c.refuse(t.Errors)
	}
}

func byPlace(errs []*rule.Error) map[string][]*rule.Error {
	by := map[string][]*rule.Error{}
	for _, e := range errs {
		by[e.Pos.File] = append(by[e.Pos.File], e)
	}
	return by
}

func joined(errs []*rule.Error) error {
	all := make([]error, len(errs))
	for i, e := range errs {
		all[i] = e
	}
	return errors.Join(all...)
}
