package format

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// pair is a key of an item with the lines that it takes up.
type pair struct {
	key, value *yaml.Node
	head       []string // comments above it
	lines      []string
}

// item returns the lines of an item that ends before line end.
func (f *file) item(n *yaml.Node, end int) []string {
	own := f.lines[n.Line-1 : end]
	if n.Kind != yaml.MappingNode || n.Style&yaml.FlowStyle != 0 || !strings.HasPrefix(own[0], "- ") || special(n) {
		return squeeze(own)
	}
	pairs := f.pairs(n, end)
	kind := kindOf(n)
	if pairs == nil || kind == "" {
		return squeeze(own)
	}
	order := rule.Keys(kind)
	place := func(p pair) int {
		i := slices.IndexFunc(order, func(k rule.Key) bool { return k.Name == p.key.Value })
		if i < 0 {
			return len(order)
		}
		return i
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return place(a) - place(b) })
	var out []string
	for i, p := range pairs {
		lines := f.pair(kind, p, pairs)
		if i == 0 {
			// Comments above a key that comes first now would part it from its dash.
			if len(p.head) > 0 {
				return squeeze(own)
			}
			lines[0] = "- " + strings.TrimPrefix(lines[0], "  ")
		}
		out = append(append(out, p.head...), lines...)
	}
	return out
}

// special tells that a node has an anchor, a tag or an alias in it.
func special(n *yaml.Node) bool {
	if n.Anchor != "" || n.Kind == yaml.AliasNode || n.Style&yaml.TaggedStyle != 0 {
		return true
	}
	return slices.ContainsFunc(n.Content, special)
}

func kindOf(n *yaml.Node) string {
	for _, kind := range rule.Kinds() {
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value == kind {
				return kind
			}
		}
	}
	return ""
}

// pairs cuts an item into its keys, nil if two keys stand on one line.
func (f *file) pairs(n *yaml.Node, end int) []pair {
	var all []pair
	for i := 0; i < len(n.Content); i += 2 {
		p := pair{key: n.Content[i], value: n.Content[i+1]}
		if p.key.Column != n.Content[0].Column || i > 0 && p.key.Line == n.Content[i-2].Line {
			return nil
		}
		from, to := p.key.Line-1, end
		if i+2 < len(n.Content) {
			to = n.Content[i+2].Line - 1
		}
		if len(all) > 0 {
			for from > all[len(all)-1].key.Line && (isComment(f.lines[from-1]) || f.lines[from-1] == "") {
				from--
			}
			last := &all[len(all)-1]
			last.lines = last.lines[:len(last.lines)-(p.key.Line-1-from)]
		}
		p.head = indented(f.lines[from:p.key.Line-1], 2)
		p.lines = shifted(f.lines[p.key.Line-1:to], 3-p.key.Column)
		all = append(all, p)
	}
	return all
}

// indented gives lines an indentation, and leaves blank ones out.
func indented(lines []string, n int) []string {
	var out []string
	for _, l := range lines {
		if l != "" {
			out = append(out, strings.Repeat(" ", n)+strings.TrimLeft(l, " \t"))
		}
	}
	return out
}

// shifted moves lines to the right by n, or to the left. The dash of an item goes.
func shifted(lines []string, n int) []string {
	out := slices.Clone(lines)
	for i, l := range out {
		if i == 0 {
			l = strings.Replace(l, "- ", "  ", 1)
		}
		switch {
		case l == "":
		case n > 0:
			l = strings.Repeat(" ", n) + l
		default:
			l = l[min(-n, indent(l)):]
		}
		out[i] = l
	}
	return out
}

// squeeze leaves one of several blank lines.
func squeeze(lines []string) []string {
	var out []string
	for _, l := range lines {
		if l != "" || len(out) > 0 && out[len(out)-1] != "" {
			out = append(out, l)
		}
	}
	return out
}

// pair returns the lines of one key, which begin with two blanks. What cannot be
// written anew stays.
func (f *file) pair(kind string, p pair, all []pair) []string {
	var lines []string
	if !f.hasComment(p) {
		switch p.key.Value {
		case "condition":
			lines = f.condition(p, isAppended(all))
		case "desc", "output":
			lines = words(p.key.Value, p.value)
		case "items", "tags":
			lines = list(p.key.Value, p.value)
		}
	}
	if lines == nil {
		lines = squeeze(p.lines)
		for len(lines) > 1 && lines[len(lines)-1] == "" {
			lines = lines[:len(lines)-1]
		}
		if key, value, ok := strings.Cut(lines[0], ":"); ok && strings.TrimSpace(key) == p.key.Value {
			lines[0] = strings.TrimRight(key+": "+strings.TrimLeft(value, " "), " ")
		}
	}
	return lines
}

// hasComment tells that a comment stands among the lines of a key.
func (f *file) hasComment(p pair) bool {
	var inside func(n *yaml.Node) bool
	inside = func(n *yaml.Node) bool {
		return n.HeadComment != "" || n.LineComment != "" || n.FootComment != "" || slices.ContainsFunc(n.Content, inside)
	}
	if p.key.LineComment != "" || p.key.FootComment != "" || inside(p.value) {
		return true
	}
	// The library loses some: a line that is a comment, outside of a block.
	return p.value.Style&(yaml.FoldedStyle|yaml.LiteralStyle) == 0 && slices.ContainsFunc(p.lines, isComment)
}

// isAppended tells that an item adds to a condition: it has none of its own then.
func isAppended(all []pair) bool {
	return slices.ContainsFunc(all, func(p pair) bool {
		return p.key.Value == "append" || p.key.Value == "override"
	})
}
