package list

import (
	"path"
	"slices"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// Filter chooses rules. What is empty does not restrict.
type Filter struct {
	Names    []string      // globs; one must fit the name
	Tags     []string      // all of them
	Priority rule.Priority // this severe or more
	Source   string
	Disabled bool // also those that are not enabled
}

// Everything is a filter that restricts nothing.
func Everything() Filter { return Filter{Priority: rule.PriorityDebug, Disabled: true} }

// Rules returns those of a set that the filter lets through, in their order.
func (f *Filter) Rules(all []*rule.Rule) []*rule.Rule {
	var chosen []*rule.Rule
	for _, r := range all {
		if f.takes(r) {
			chosen = append(chosen, r)
		}
	}
	return chosen
}

func (f *Filter) takes(r *rule.Rule) bool {
	for _, tag := range f.Tags {
		if !slices.Contains(r.Tags, tag) {
			return false
		}
	}
	named := len(f.Names) == 0 || slices.ContainsFunc(f.Names, func(glob string) bool { return fits(glob, r.Name) || fits(glob, r.ID()) })
	return named && r.Priority <= f.Priority && (f.Source == "" || f.Source == r.Source) && (r.Enabled || f.Disabled)
}

// fits tells that a name is what was asked for. A slash is an ordinary letter of
// a rule's name, and a pattern that is none stands for itself.
func fits(glob, name string) bool {
	if glob == name {
		return true
	}
	ok, err := path.Match(noSlash(glob), noSlash(name))
	return err == nil && ok
}

func noSlash(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] == '/' {
			b[i] = 0
		}
	}
	return string(b)
}
