package compose

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/source"
	"github.com/goshawk-security/goshawk/internal/rule/suggest"
)

// Falco's names of macros, and names of lists that can be written in a condition.
var (
	macroName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	listName  = regexp.MustCompile(`^[^\s(),="']+$`)
)

// reader turns the nodes of one file into definitions.
type reader struct {
	*loader
	src     *source.File
	aliased int                    // bytes left that aliases may stand for
	sizes   map[*yaml.Node]int     // of what aliases stand for
	seen    map[[2]string]rule.Pos // what the file defined, by kind and name
}

// item is one mapping of the file's list.
type item struct {
	kind  string
	name  string
	pos   rule.Pos
	value map[string]*yaml.Node
	key   map[string]*yaml.Node
	// partial says that the item has no name: what it has is checked, and nothing
	// is defined.
	partial bool
	// override says what is to be done with each key of an item that changes
	// another; nil for one that does not.
	override map[string]string
}

func (it *item) has(key string) bool { return it.value[key] != nil }

func (r *reader) pos(n *yaml.Node) rule.Pos {
	return rule.Pos{File: r.src.Name, Line: n.Line, Col: n.Column}
}

// document reads one document: a list of items.
func (r *reader) document(doc *yaml.Node) {
	for _, root := range doc.Content {
		root = r.follow(root)
		switch {
		case root.Kind == yaml.SequenceNode:
			for _, n := range root.Content {
				r.item(n)
			}
		case root.Kind == yaml.ScalarNode && root.Tag == "!!null":
			// An empty file, or one of comments.
		default:
			r.Fail(&rule.Error{
				Code: rule.CodeBadItem,
				Pos:  r.pos(root), Err: errors.New("a rule file is a list"),
				Hint: "begin each item with - rule:, - macro: or - list:",
			})
		}
	}
}

// follow returns what an alias stands for.
func (r *reader) follow(n *yaml.Node) *yaml.Node {
	if n.Kind != yaml.AliasNode {
		return n
	}
	target := n.Alias
	r.aliased -= r.size(target)
	if r.aliased >= 0 {
		return target
	}
	if r.aliased > aliasesReported {
		r.Fail(&rule.Error{Code: rule.CodeTooLarge, Pos: r.pos(n), Err: errors.New("the aliases of this file stand for too much text")})
		r.aliased = aliasesReported
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line, Column: n.Column}
}

// size is what an alias of a node counts: all that stands below, however deep. An
// alias below counts when it is followed itself.
func (r *reader) size(n *yaml.Node) int {
	size, known := r.sizes[n]
	if known {
		return size
	}
	size = 16 + len(n.Value)
	for _, c := range n.Content {
		size += r.size(c)
	}
	if len(n.Content) > 0 {
		r.sizes[n] = size
	}
	return size
}

// aliasesReported marks that the limit was exceeded and reported: once a file.
const aliasesReported = -1 << 40

// item reads one item and defines what it says.
func (r *reader) item(n *yaml.Node) {
	n = r.follow(n)
	if n.Kind != yaml.MappingNode {
		r.Fail(&rule.Error{Code: rule.CodeBadItem, Pos: r.pos(n), Err: errors.New("an item is a mapping"), Hint: "begin it with rule:, macro: or list:"})
		return
	}
	it := r.keys(n)
	if it == nil {
		return
	}
	switch it.kind {
	case rule.KindEngine:
		r.engineVersion(it)
		return
	case rule.KindPlugins:
		r.pluginVersions(it)
		return
	}
	it.name = r.text(it, it.kind, true)
	it.partial = it.name == "" // reported
	r.checkKeys(it)
	it.override = r.overrides(it)
	switch it.kind {
	case rule.KindRule:
		r.rule(it)
	case rule.KindMacro:
		r.macro(it)
	case rule.KindList:
		r.list(it)
	}
}

// keys sorts the keys of an item and finds its kind, nil if it has none.
func (r *reader) keys(n *yaml.Node) *item {
	it := &item{pos: r.pos(n), value: map[string]*yaml.Node{}, key: map[string]*yaml.Node{}}
	var order []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := r.follow(n.Content[i])
		if k.Kind != yaml.ScalarNode {
			r.Fail(&rule.Error{Code: rule.CodeBadItem, Pos: r.pos(k), Err: errors.New("a key must be a word")})
			continue
		}
		if _, twice := it.value[k.Value]; twice {
			r.Fail(&rule.Error{Code: rule.CodeBadItem, Pos: r.pos(k), Err: fmt.Errorf("key %s is given twice", k.Value)})
			continue
		}
		it.key[k.Value] = k
		it.value[k.Value] = r.follow(n.Content[i+1])
		order = append(order, k.Value)
	}
	for _, kind := range rule.Kinds() {
		if it.key[kind] != nil {
			it.kind = kind
			return it
		}
	}
	r.unknownItem(it, order)
	return nil
}

// unknownItem reports an item without a key that names it. Falco skips such an
// item with a warning; one that looks like a rule is a mistake.
func (r *reader) unknownItem(it *item, order []string) {
	e := &rule.Error{Code: rule.CodeBadItem, Pos: it.pos, Err: errors.New("the item has no rule, macro or list key")}
	for _, k := range order {
		if near := suggest.Closest(k, rule.Kinds(), r.Work); near != "" {
			e.Pos, e.Hint = r.pos(it.key[k]), fmt.Sprintf("did you mean %s instead of %s?", near, k)
			r.Fail(e)
			return
		}
		if k == "condition" || k == "items" || k == "output" {
			r.Fail(e)
			return
		}
	}
	r.Warn(&rule.Error{Code: rule.CodeUnknownItem, Pos: it.pos, Err: errors.New("unknown item, left out")})
}

// checkKeys warns of keys that the item cannot have.
func (r *reader) checkKeys(it *item) {
	var known []string
	for _, k := range rule.Keys(it.kind) {
		known = append(known, k.Name)
	}
	for k, n := range it.key {
		if !slices.Contains(known, k) {
			e := coded(rule.CodeUnknownKey, r.at(it, n, fmt.Errorf("unknown key %q", k)))
			e.Hint = suggest.DidYouMean(k, known, r.Work)
			r.Warn(e)
		}
	}
}

// at makes an error of an item at a node; at the item's beginning for nil.
func (r *reader) at(it *item, n *yaml.Node, err error) *rule.Error {
	e := &rule.Error{Pos: it.pos, Rule: it.name, Err: err}
	if it.kind != rule.KindRule {
		e.Kind = it.kind
	}
	if n != nil {
		e.Pos = r.pos(n)
	}
	return e
}

// text returns the text of a key, "" with an error if it is none, or if it is
// needed and not there.
func (r *reader) text(it *item, key string, needed bool) string {
	n := it.value[key]
	switch {
	case n == nil && needed && !it.partial:
		r.wrong(it, nil, rule.CodeBadItem, "", "the %s has no %s", it.kind, key)
		return ""
	case n == nil:
		return ""
	case n.Kind != yaml.ScalarNode:
		r.wrong(it, n, rule.CodeBadItem, "", "%s must be a text", key)
		return ""
	case needed && (n.Tag == "!!null" || key != "desc" && strings.TrimSpace(n.Value) == ""):
		r.wrong(it, n, rule.CodeBadItem, "", "%s is empty", key)
		return ""
	case n.Tag == "!!null":
		return ""
	}
	return n.Value
}

// flag returns the truth value of a key, or what holds without it.
func (r *reader) flag(it *item, key string, absent bool) bool {
	n := it.value[key]
	if n == nil {
		return absent
	}
	if n.Kind == yaml.ScalarNode {
		switch strings.ToLower(n.Value) {
		case "true", "yes", "on":
			return true
		case "false", "no", "off":
			return false
		}
	}
	r.wrong(it, n, rule.CodeBadItem, "", "%s must be true or false", key)
	return absent
}

// texts returns the scalars of a key that holds a list.
func (r *reader) texts(it *item, key string) []*yaml.Node {
	n := it.value[key]
	if n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.wrong(it, n, rule.CodeBadItem, "", "%s must be a list", key)
		return nil
	}
	var all []*yaml.Node
	for _, c := range n.Content {
		c = r.follow(c)
		if c.Kind != yaml.ScalarNode {
			r.wrong(it, c, rule.CodeBadItem, "", "%s must be a list of texts", key)
			return nil
		}
		all = append(all, c)
	}
	return all
}
