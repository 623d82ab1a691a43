package compose

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// engineMinor is the version of Falco's engine that rule files may ask for:
// 0.62. Its numbers were bare before they became 0.N.0.
const engineMinor = 62

// engineVersion checks what a file says it needs.
func (r *reader) engineVersion(it *item) {
	version := r.text(it, rule.KindEngine, true)
	if version == "" {
		return
	}
	n := it.value[rule.KindEngine]
	if major, minor, ok := parseVersion(version); !ok {
		r.wrong(it, n, rule.CodeBadItem, "write 0.57.0 or 57", "%q is not a version", version)
	} else if major > 0 || minor > engineMinor {
		r.wrong(it, n, rule.CodeNeedsNewerEngine, "", "the file needs engine %s, and this version speaks that of 0.%d.0", version, engineMinor)
	}
}

// parseVersion reads a version of two or three numbers; a single one is the
// second.
func parseVersion(s string) (major, minor uint64, ok bool) {
	parts := strings.Split(s, ".")
	if len(parts) == 1 {
		parts = []string{"0", s}
	}
	var numbers []uint64
	for _, p := range parts {
		n, err := strconv.ParseUint(p, 10, 31)
		if err != nil || len(parts) > 3 {
			return 0, 0, false
		}
		numbers = append(numbers, n)
	}
	return numbers[0], numbers[1], true
}

// builtIn are plugins whose fields this agent has without them.
var builtIn = map[string]bool{"container": true}

// pluginVersions checks the list of plugins that a file asks for. There are none
// here: what a rule needs of them, fields and sources, is found missing there.
func (r *reader) pluginVersions(it *item) {
	n := it.value[rule.KindPlugins]
	if n.Kind != yaml.SequenceNode {
		r.wrong(it, n, rule.CodeBadItem, "", "%s must be a list", rule.KindPlugins)
		return
	}
	for _, p := range n.Content {
		p = r.follow(p)
		name, ok := r.plugin(it, p)
		if !ok || builtIn[name] {
			continue
		}
		e := r.at(it, p, fmt.Errorf("the file asks for the plugin %s, and there are no plugins here", name))
		e.Code = rule.CodeUnknownPlugin
		r.Warn(e)
	}
}

// plugin reads one requirement, with its alternatives.
func (r *reader) plugin(it *item, n *yaml.Node) (name string, ok bool) {
	if n.Kind != yaml.MappingNode {
		r.wrong(it, n, rule.CodeBadItem, "", "a plugin is a mapping with name and version")
		return "", false
	}
	version, alternatives := "", (*yaml.Node)(nil)
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := r.follow(n.Content[i+1])
		switch r.follow(n.Content[i]).Value {
		case "name":
			name = value.Value
		case "version":
			version = value.Value
		case "alternatives":
			alternatives = value
		}
	}
	_, _, valid := parseVersion(strings.SplitN(version, "-", 2)[0])
	switch {
	case name == "":
		r.wrong(it, n, rule.CodeBadItem, "", "the plugin has no name")
		return "", false
	case !valid:
		r.wrong(it, n, rule.CodeBadItem, "write 0.4.0", "%q is not a version of plugin %s", version, name)
		return "", false
	case alternatives == nil:
		return name, true
	case alternatives.Kind != yaml.SequenceNode:
		r.Fail(coded(rule.CodeBadItem, r.at(it, alternatives, errors.New("alternatives must be a list"))))
		return "", false
	}
	for _, a := range alternatives.Content {
		other, ok := r.plugin(it, r.follow(a))
		if !ok {
			return "", false
		}
		if builtIn[other] {
			name = other
		}
	}
	return name, true
}
