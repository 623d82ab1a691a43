package loader

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/source"
)

// The objects of the Kubernetes API that hold rules.
const (
	Group              = "goshawk.dev"
	KindRuleSet        = "RuleSet"
	KindClusterRuleSet = "ClusterRuleSet"
)

// defaultNamespace is that of a manifest that names none.
const defaultNamespace = "default"

// confined is the rule set of a namespace that a manifest has.
type confined struct {
	name string
	file rule.File
}

// manifest takes the rule sets out of a file of Kubernetes objects, and tells whether
// it is one. Objects of other kinds are left alone. The text of a set has the lines
// and columns of the file.
func (f *finder) manifest(name, text string) bool {
	if !strings.Contains(text, Group+"/") {
		return false
	}
	src := source.NewFile(name, text)
	docs, err := source.Documents(src)
	if err != nil {
		return false // reported where it is read as a file of rules
	}
	found := false
	for _, doc := range docs {
		for _, n := range doc.Content {
			found = f.object(src, n) || found
		}
	}
	if found {
		f.whole = append(f.whole, rule.File{Name: name, Text: text})
	}
	return found
}

// object takes the rules out of one object, and tells whether it is a rule set.
func (f *finder) object(src *source.File, n *yaml.Node) bool {
	kind := textAt(n, "kind")
	if !strings.HasPrefix(textAt(n, "apiVersion"), Group+"/") || kind != KindRuleSet && kind != KindClusterRuleSet {
		return false
	}
	fail := func(at *yaml.Node, format string, args ...any) {
		f.problems.Fail(&rule.Error{Code: rule.CodeBadItem, Pos: rule.Pos{File: src.Name, Line: at.Line, Col: at.Column}, Err: fmt.Errorf(format, args...)})
	}
	name := textAt(n, "metadata", "name")
	rules := at(n, "spec", "rules")
	switch {
	case name == "":
		fail(n, "the %s has no metadata.name", kind)
		return true
	case rules == nil:
		fail(n, "the %s has no spec.rules", kind)
		return true
	case rules.Kind != yaml.ScalarNode:
		fail(rules, "spec.rules of the %s must be a text", kind)
		return true
	}
	file := inPlace(src, rules)
	if kind == KindClusterRuleSet {
		f.texts = append(f.texts, file)
		return true
	}
	if file.Namespace = textAt(n, "metadata", "namespace"); file.Namespace == "" {
		file.Namespace = defaultNamespace
	}
	f.confined = append(f.confined, confined{name, file})
	return true
}

// at returns what stands below keys, nil if there is nothing.
func at(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		if n.Kind != yaml.MappingNode {
			return nil
		}
		var below *yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				below = n.Content[i+1]
			}
		}
		if below == nil {
			return nil
		}
		n = below
	}
	return n
}

// textAt returns the text below keys, "" if there is none.
func textAt(n *yaml.Node, keys ...string) string {
	if below := at(n, keys...); below != nil && below.Kind == yaml.ScalarNode {
		return below.Value
	}
	return ""
}

// inPlace returns the text of a scalar behind as many empty lines as stand before it
// in the file, and as far from the margin: what is said of a place in it is true of
// the file. A text in another form than a block of lines has a name and lines of its
// own.
func inPlace(src *source.File, n *yaml.Node) rule.File {
	if n.Style&yaml.LiteralStyle == 0 {
		return rule.File{Name: src.Name + " (spec.rules)", Text: n.Value}
	}
	first := n.Line + 1
	lines := strings.Count(strings.TrimRight(n.Value, "\n"), "\n") + 1
	return rule.File{Name: src.Name, Text: strings.Repeat("\n", n.Line) + src.Text[src.Find(first, 1).Off:src.Find(first+lines, 1).Off]}
}

// show gives a set the texts of manifests as they are in the files.
func (f *finder) show(set *rule.Set) *rule.Set {
	for _, m := range f.whole {
		for i := range set.Files {
			if set.Files[i].Name == m.Name {
				set.Files[i].Text = m.Text
			}
		}
	}
	return set
}
