package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// object is one of Kubernetes' as JSON has it.
type object map[string]any

func (o object) kind() string { return text(o, "kind") }
func (o object) id() string   { return o.kind() + "/" + text(o, "metadata", "name") }

// at follows keys and returns nil where there is nothing.
func at(value any, keys ...string) any {
	for _, key := range keys {
		switch m := value.(type) {
		case object:
			value = m[key]
		case map[string]any:
			value = m[key]
		default:
			return nil
		}
	}
	return value
}

func text(value any, keys ...string) string { s, _ := at(value, keys...).(string); return s }
func list(value any, keys ...string) []any  { l, _ := at(value, keys...).([]any); return l }

// texts is a list of strings; a number in it is left out.
func texts(value any, keys ...string) []string {
	var all []string
	for _, item := range list(value, keys...) {
		if s, ok := item.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

// parse reads the documents of a YAML text as JSON has them.
func parse(t *testing.T, manifests []byte) []object {
	t.Helper()
	var all []object
	for d := yaml.NewDecoder(bytes.NewReader(manifests)); ; {
		var doc any
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, manifests)
		}
		if m, ok := asJSON(t, doc).(map[string]any); ok {
			all = append(all, m)
		}
	}
}

func asJSON(t *testing.T, value any) any {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// plain reads what is in manifests/.
func plain(t *testing.T) []object {
	t.Helper()
	files, err := filepath.Glob("manifests/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests (%v): make manifests", err)
	}
	var all []object
	for _, file := range files {
		manifests, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, parse(t, manifests)...)
	}
	return all
}

// find returns the object of that kind and name.
func find(t *testing.T, all []object, id string) object {
	t.Helper()
	for _, o := range all {
		if o.id() == id {
			return o
		}
	}
	t.Fatalf("there is no %s", id)
	return nil
}

// kinds checks objects against Kubernetes' OpenAPI document.
type kinds struct {
	compiler *jsonschema.Compiler
	names    map[string]string // apiVersion/kind → definition
}

const openAPI = "testdata/openapi-1.34.json"

func newKinds(t *testing.T) kinds {
	t.Helper()
	raw, err := os.ReadFile(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	k := kinds{compiler: jsonschema.NewCompiler(), names: map[string]string{}}
	definitions, _ := at(doc, "definitions").(map[string]any)
	for name, definition := range definitions {
		d := definition.(map[string]any)
		for _, gvk := range list(d, "x-kubernetes-group-version-kind") {
			version := strings.TrimPrefix(text(gvk, "group")+"/"+text(gvk, "version"), "/")
			k.names[version+"/"+text(gvk, "kind")] = name
		}
		tighten(name, d)
	}
	if err := k.compiler.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	return k
}

// tighten makes JSON Schema of a definition. OpenAPI lets unknown keys pass, the API
// server drops them: here they are mistakes. Two of its types are two of JSON's each.
func tighten(name string, definition map[string]any) {
	_, properties := definition["properties"]
	_, further := definition["additionalProperties"]
	if properties && !further {
		definition["additionalProperties"] = false
	}
	switch {
	case strings.HasSuffix(name, ".IntOrString"):
		definition["type"] = []any{"string", "integer"}
	case strings.HasSuffix(name, ".Quantity"):
		definition["type"] = []any{"string", "number"}
	}
}

// check says what is wrong with an object.
func (k kinds) check(t *testing.T, o object) {
	t.Helper()
	name, known := k.names[text(o, "apiVersion")+"/"+o.kind()]
	if !known {
		t.Errorf("%s: %s has no %s of %s: add it to openapi.jq", o.id(), openAPI, o.kind(), text(o, "apiVersion"))
		return
	}
	schema, err := k.compiler.Compile("openapi.json#/definitions/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(map[string]any(o)); err != nil {
		t.Errorf("%s: %v", o.id(), err)
	}
}

// foreign are kinds of other projects, of which there is no schema here.
func foreign(o object) bool {
	return slices.Contains([]string{"PodMonitor"}, o.kind())
}
