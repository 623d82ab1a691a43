package schema

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/field"
)

// compiled is the schema as a validator reads it.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	var text bytes.Buffer
	if err := Write(&text, field.New(field.Syscall())); err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(&text)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("rules.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("rules.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate holds YAML against the schema.
func validate(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// TestFiles: the schema has nothing against the rules that are shipped, nor
// against public ones.
func TestFiles(t *testing.T) {
	s := compiled(t)
	shipped, err := filepath.Glob("../../../rules/*[a-z].yaml")
	if err != nil || len(shipped) == 0 {
		t.Fatal("no shipped rules", err)
	}
	public, _ := filepath.Glob("../../../../shared/falco-rules/*.yaml")
	for _, name := range append(shipped, public...) {
		if ok, _ := filepath.Match("*.test.yaml", filepath.Base(name)); ok {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, s, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestItems(t *testing.T) {
	const whole = "- {rule: R, desc: d, condition: evt.type = open, output: o, priority: "
	tests := []struct {
		name, text string
		valid      bool
	}{
		{"nothing", "", true},
		{"a rule", whole + "WARNING}", true},
		{"priority in any case", whole + "Info}", true},
		{"unknown priority", whole + "Loud}", false},
		{"unknown key", whole + "Info, ouput: x}", false},
		{"no output", "- {rule: R, desc: d, condition: evt.type = open, priority: Info}", false},
		{"switched off", "- {rule: R, enabled: false}", true},
		{"overridden", "- {rule: R, tags: [x], override: {tags: append}}", true},
		{"no such override", "- {rule: R, priority: Info, override: {priority: append}}", false},
		{"deprecated append", "- {macro: m, condition: or x, append: true}", true},
		{"a list", "- {list: l, items: [1, a]}", true},
		{"a list of lists", "- {list: l, items: [[a]]}", false},
		{"no kind", "- {condition: x}", false},
		{"engine by number", "- required_engine_version: 26", true},
		{"engine by version", "- required_engine_version: 0.57.0", true},
		{"no engine", "- required_engine_version: new", false},
		{"exception", whole + "Info, exceptions: [{name: e, fields: [proc.name, fd.name], comps: [=, in], values: [[a, [b, c]]]}]}", true},
		{"exception of one field", whole + "Info, exceptions: [{name: e, fields: \"proc.aname[2]\", values: [a]}]}", true},
		{"exception of an unknown field", whole + "Info, exceptions: [{name: e, fields: proc.nmae}]}", false},
	}
	s := compiled(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := validate(t, s, []byte(tt.text)); (err == nil) != tt.valid {
				t.Errorf("valid should be %v, got %v", tt.valid, err)
			}
		})
	}
}
