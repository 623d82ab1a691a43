package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/rule/suggest"
)

var (
	yamlUnmarshaler = reflect.TypeFor[yaml.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	durationType    = reflect.TypeFor[time.Duration]()
)

// decode reads n into v, which can be set. key is the path of n.
func (s *strict) decode(n *yaml.Node, v reflect.Value, key string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	s.places[key] = n
	switch {
	case v.Addr().Type().Implements(yamlUnmarshaler):
		if err := n.Decode(v.Addr().Interface()); err != nil {
			s.fail(n, key, "%w", plainYAML(err))
		}
	case v.Addr().Type().Implements(textUnmarshaler) || v.Type() == durationType:
		s.scalar(n, v, key)
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		s.decode(n, v.Elem(), key)
	case v.Kind() == reflect.Struct:
		s.mapping(n, v, key)
	case v.Kind() == reflect.Slice:
		s.list(n, v, key)
	case v.Kind() == reflect.Map:
		s.table(n, v, key)
	default:
		s.scalar(n, v, key)
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func (s *strict) mapping(n *yaml.Node, v reflect.Value, key string) {
	if isNull(n) {
		return // a key without a value: its defaults
	}
	if n.Kind != yaml.MappingNode {
		s.fail(n, key, "want keys and values, got %s", kindName(n))
		return
	}
	fields := keysOf(v)
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		field, ok := fields[name.Value]
		switch {
		case !ok:
			s.fail(name, "", "unknown key %q%s", join(key, name.Value), nearest(name.Value, fields))
		case seen[name.Value]:
			s.fail(name, "", "key %q is given twice", join(key, name.Value))
		default:
			s.decode(value, field, join(key, name.Value))
		}
		seen[name.Value] = true
	}
}

func (s *strict) list(n *yaml.Node, v reflect.Value, key string) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		s.fail(n, key, "want a list, got %s", kindName(n))
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		s.decode(item, out.Index(i), fmt.Sprintf("%s[%d]", key, i))
	}
	v.Set(out)
}

func (s *strict) table(n *yaml.Node, v reflect.Value, key string) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		s.fail(n, key, "want keys and values, got %s", kindName(n))
		return
	}
	out := reflect.MakeMap(v.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		item := reflect.New(v.Type().Elem()).Elem()
		s.decode(n.Content[i+1], item, join(key, n.Content[i].Value))
		out.SetMapIndex(reflect.ValueOf(n.Content[i].Value).Convert(v.Type().Key()), item)
	}
	v.Set(out)
}

func (s *strict) scalar(n *yaml.Node, v reflect.Value, key string) {
	if n.Kind != yaml.ScalarNode {
		s.fail(n, key, "want %s, got %s", typeName(v.Type()), kindName(n))
		return
	}
	if isNull(n) {
		s.fail(n, key, "has no value: want %s", typeName(v.Type()))
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(n.Value)); err != nil {
			s.fail(n, key, "%w", err)
		}
		return
	}
	// A number where text is wanted is taken as it is written.
	if v.Kind() == reflect.String {
		v.SetString(n.Value)
		return
	}
	// A stage counts bytes in a plain int; people write 32MiB.
	if v.Kind() == reflect.Int && strings.HasSuffix(strings.ToLower(key), "bytes") {
		q, err := ParseQuantity(n.Value)
		if err != nil {
			s.fail(n, key, "%w", err)
		}
		v.SetInt(int64(q))
		return
	}
	if err := n.Decode(v.Addr().Interface()); err != nil {
		s.fail(n, key, "want %s, got %q", typeName(v.Type()), n.Value)
	}
}

// keysOf returns the fields of a struct by their YAML names, those of inlined
// structs included.
func keysOf(v reflect.Value) map[string]reflect.Value {
	out := map[string]reflect.Value{}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case name == "-" || !field.IsExported():
		case strings.Contains(options, "inline"):
			for k, inner := range keysOf(v.Field(i)) {
				out[k] = inner
			}
		case name == "":
			out[strings.ToLower(field.Name)] = v.Field(i)
		default:
			out[name] = v.Field(i)
		}
	}
	return out
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func kindName(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "keys and values"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	}
	return fmt.Sprintf("%q", n.Value)
}

func typeName(t reflect.Type) string {
	switch {
	case t == durationType:
		return "a duration such as 5s"
	case t == reflect.TypeFor[Quantity]():
		return "a size such as 8MiB"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64:
		return "a whole number"
	case t.Kind() == reflect.Float64:
		return "a number"
	}
	return "text"
}

// nearest returns "; did you mean X?" for the nearest known key, or nothing.
func nearest(name string, known map[string]reflect.Value) string {
	names := make([]string, 0, len(known))
	for k := range known {
		names = append(names, k)
	}
	slices.Sort(names)
	if hint := suggest.DidYouMean(name, names, nil); hint != "" {
		return "; " + hint
	}
	return "; known are " + strings.Join(names, ", ")
}
