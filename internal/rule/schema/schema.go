package schema

import (
	"encoding/json"
	"io"
	"regexp"
	"strings"

	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/attack"
)

// object is a part of a schema. Its keys are written in alphabetical order.
type object = map[string]any

// Write writes the schema of rule files, draft 7, which the language servers of
// YAML understand. It returns what w returned.
func Write(w io.Writer, cat *field.Catalogue) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(object{
		"$schema":     "http://json-schema.org/draft-07/schema#",
		"title":       "Rules of Falco's language",
		"description": "Rules, macros and lists.",
		"type":        []string{"array", "null"},
		"items":       anyItem(),
		"definitions": definitions(cat),
	})
}

// anyItem is one item of a file. Which kind it is, the key says that names it:
// what is wrong is then said of that kind alone, and not of all.
func anyItem() object {
	var kinds, named []object
	names := object{}
	for _, kind := range rule.Kinds() {
		keys := rule.Keys(kind)
		names[kind] = object{"description": keys[0].Meaning}
		named = append(named, object{"required": []string{kind}})
		kinds = append(kinds, object{"if": object{"required": []string{kind}}, "then": item(kind, keys)})
	}
	return object{"type": "object", "properties": names, "anyOf": named, "allOf": kinds}
}

// item is an item of a kind: a definition with all that it needs, or a change of
// what is there.
func item(kind string, keys []rule.Key) object {
	properties := object{}
	var needed []string
	ways := []object{}
	for _, k := range keys {
		value := valueOf(kind, k.Name)
		value["description"] = k.Meaning
		properties[k.Name] = value
		switch {
		case k.Needed:
			needed = append(needed, k.Name)
		case k.Name == "override" || k.Name == "append" || k.Name == "enabled":
			ways = append(ways, object{"required": []string{k.Name}})
		}
	}
	ways = append([]object{{"required": needed}}, ways...)
	return object{"properties": properties, "additionalProperties": false, "anyOf": ways}
}

// valueOf describes the value of a key.
func valueOf(kind, key string) object {
	switch key {
	case "priority":
		return object{"allOf": []object{ref("priority")}}
	case "enabled", "warn_evttypes", "skip-if-unknown-filter", "capture", "append":
		return object{"type": "boolean"}
	case "capture_duration":
		return object{"type": "integer", "minimum": 0}
	case "tags":
		return object{"type": "array", "items": object{"allOf": []object{ref("tag")}}}
	case "items":
		return object{"type": "array", "items": object{"type": []string{"string", "number", "boolean"}}}
	case "exceptions":
		return object{"type": "array", "items": ref("exception")}
	case "override":
		return override(kind)
	case "macro":
		return object{"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]*$"}
	case rule.KindEngine:
		return object{"anyOf": []object{{"type": "integer", "minimum": 0}, {"type": "string", "pattern": `^[0-9]+(\.[0-9]+){0,2}$`}}}
	case rule.KindPlugins:
		return object{"type": "array", "items": ref("plugin")}
	}
	return object{"type": "string", "minLength": 1}
}

// override has the keys that can be overridden, each with what can be done.
func override(kind string) object {
	properties := object{}
	for _, k := range rule.Keys(kind) {
		var ways []string
		if k.Append {
			ways = append(ways, "append")
		}
		if k.Replace {
			ways = append(ways, "replace")
		}
		if ways != nil {
			properties[k.Name] = object{"enum": ways}
		}
	}
	return object{"type": "object", "properties": properties, "additionalProperties": false, "minProperties": 1}
}

func ref(name string) object { return object{"$ref": "#/definitions/" + name} }

func definitions(cat *field.Catalogue) object {
	return object{
		"priority":  priority(),
		"tag":       tag(),
		"field":     fields(cat),
		"operator":  operators(),
		"exception": exception(),
		"plugin": object{
			"type": "object", "required": []string{"name", "version"},
			"properties": object{
				"name": object{"type": "string"}, "version": object{"type": "string"},
				"alternatives": object{"type": "array", "items": object{"type": "object"}},
			},
		},
	}
}

// priority offers the names as they are written, and takes them in any case.
func priority() object {
	var names, patterns []string
	for p := rule.PriorityEmergency; p <= rule.PriorityDebug; p++ {
		names = append(names, strings.ToUpper(p.String()))
	}
	names = append(names, "INFO")
	for _, name := range names {
		patterns = append(patterns, anyCase(name))
	}
	return object{"anyOf": []object{{"enum": names}, {"type": "string", "pattern": "^(" + strings.Join(patterns, "|") + ")$"}}}
}

// anyCase is a pattern for a name in any case: JSON Schema has no flag for it.
func anyCase(name string) string {
	var b strings.Builder
	for _, c := range name {
		b.WriteString("[" + string(c) + strings.ToLower(string(c)) + "]")
	}
	return b.String()
}

func tag() object {
	var known []object
	for _, t := range attack.Tactics() {
		known = append(known, object{"const": t.Tag, "description": "MITRE ATT&CK " + t.ID + ", " + t.Name + "."})
	}
	return object{"anyOf": append(known, object{"type": "string", "minLength": 1})}
}

// fields offers every field by name with its meaning, and takes arguments and
// transformers as well.
func fields(cat *field.Catalogue) object {
	var known []object
	rows := cat.All()
	for i := range rows {
		known = append(known, object{"const": rows[i].Name, "description": rows[i].Desc})
	}
	return object{"anyOf": append(known, withArgument(rows), object{"type": "string", "pattern": `^[a-z0-9]+\(.*\)(\[.*\])?$`})}
}

// withArgument takes a field with an argument in brackets, or behind a dot.
func withArgument(rows []field.Field) object {
	var names []string
	for i := range rows {
		if rows[i].Arg != field.NoArg {
			names = append(names, regexp.QuoteMeta(rows[i].Name))
		}
	}
	return object{"type": "string", "pattern": "^(" + strings.Join(names, "|") + `)(\[.+\]|\..+)$`}
}

func operators() object {
	var names []string
	for _, op := range rule.Ops() {
		names = append(names, op.String())
	}
	return object{"enum": append(names, "==")}
}

// exception is a named exception. One field may stand without a list, with one
// operator and a list of values.
func exception() object {
	value := object{"type": []string{"string", "number", "boolean", "array"}}
	return object{
		"type": "object", "required": []string{"name"}, "additionalProperties": false,
		"properties": object{
			"name":   object{"type": "string", "minLength": 1, "description": "Name of the exception, one of its kind in the rule."},
			"fields": oneOrMany(ref("field"), "Fields that the values are compared with."),
			"comps":  oneOrMany(ref("operator"), "An operator for each field; = unless said, in for a field that stands without a list."),
			"values": object{"type": "array", "items": value, "description": "Tuples with a value for each field; the rule is not true when all of one tuple fit."},
		},
	}
}

func oneOrMany(one object, meaning string) object {
	return object{"description": meaning, "anyOf": []object{one, {"type": "array", "items": one}}}
}
