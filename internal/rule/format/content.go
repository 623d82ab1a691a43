package format

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/source"
	"github.com/goshawk-security/goshawk/internal/rule/syntax"
)

// content writes what a file holds, without its layout, and its comments.
func content(text string) (string, error) {
	docs, bad := source.Documents(source.NewFile("", text))
	if bad != nil {
		return "", bad
	}
	var b strings.Builder
	for _, doc := range docs {
		node(&b, doc, "")
	}
	var comments []string
	for _, l := range strings.Split(text, "\n") {
		if isComment(l) {
			comments = append(comments, strings.TrimSpace(l))
		}
	}
	slices.Sort(comments)
	return b.String() + strings.Join(comments, "\n"), nil
}

// node writes a node. Keys of a mapping are sorted; texts of conditions,
// descriptions and outputs have single blanks.
func node(b *strings.Builder, n *yaml.Node, key string) {
	switch n.Kind {
	case yaml.MappingNode:
		var pairs []string
		for i := 0; i+1 < len(n.Content); i += 2 {
			var p strings.Builder
			fmt.Fprintf(&p, "%s:", n.Content[i].Value)
			node(&p, n.Content[i+1], n.Content[i].Value)
			pairs = append(pairs, p.String())
		}
		slices.Sort(pairs)
		fmt.Fprintf(b, "{%s}", strings.Join(pairs, "\n"))
	case yaml.ScalarNode:
		value := n.Value
		if key == "condition" || key == "desc" || key == "output" {
			value = strings.TrimSpace(value)
			if key == "condition" {
				value = meaning(value)
			}
		}
		fmt.Fprintf(b, "%q%s", value, n.Tag)
	case yaml.AliasNode:
		fmt.Fprintf(b, "*%s", n.Value)
	default:
		fmt.Fprintf(b, "&%s[", n.Anchor)
		for _, c := range n.Content {
			node(b, c, "")
		}
		b.WriteString("]")
	}
}

// meaning writes what the tree of a condition says; one that is a part of another as
// its words.
func meaning(s string) string {
	if e, err := syntax.ParseText("", s); err == nil {
		return shape(e)
	}
	return rule.OneLine(strings.TrimSpace(s))
}
