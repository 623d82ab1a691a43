package loader

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/source"
	"github.com/goshawk-security/goshawk/internal/rule/syntax"
)

// publicRules are rule files of the Falco project, data beside this repository.
const publicRules = "../../../../shared/falco-rules"

// TestPublicRules parses every condition of the public rule files. Their fields
// are the catalogue's business.
func TestPublicRules(t *testing.T) {
	if _, err := os.Stat(publicRules); err != nil {
		t.Skipf("the public rule files are not at %s: %v", publicRules, err)
	}
	conditions, files := 0, 0
	err := filepath.WalkDir(publicRules, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isRuleFile(d.Name()) {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		src := source.NewFile(path, string(text))
		docs, bad := source.Documents(src)
		if bad != nil {
			t.Error(bad)
			return nil
		}
		for _, doc := range docs {
			for _, item := range doc.Content[0].Content {
				conditions += checkPublic(t, src, item)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 3 || conditions < 100 {
		t.Errorf("read %d conditions in %d files: too few to mean anything", conditions, files)
	}
	t.Logf("%d conditions in %d files", conditions, files)
}

// checkPublic parses what an item has of conditions and outputs.
func checkPublic(t *testing.T, src *source.File, item *yaml.Node) int {
	n := 0
	for i := 0; i+1 < len(item.Content); i += 2 {
		value := item.Content[i+1]
		switch item.Content[i].Value {
		case "condition":
			n++
			c := source.NewCursor(src, value)
			e, errs := syntax.Parse(value.Value, c)
			for _, err := range errs {
				t.Error(err)
			}
			if len(errs) == 0 {
				c.Pos(len(value.Value))
				checkTree(t, src, e)
			}
			if c.Lost {
				t.Errorf("%s: places were lost in\n%s", src.Pos(c.At), value.Value)
			}
		case "output":
			_, errs := syntax.ParseTemplate(value.Value, source.NewCursor(src, value))
			for _, err := range errs {
				t.Error(err)
			}
		}
	}
	return n
}

// checkTree holds every node against the file: at its place must stand the
// first word of its text.
func checkTree(t *testing.T, src *source.File, e rule.Expr) {
	switch e := e.(type) {
	case *rule.And:
		for _, p := range e.Parts {
			checkTree(t, src, p)
		}
	case *rule.Or:
		for _, p := range e.Parts {
			checkTree(t, src, p)
		}
	case *rule.Not:
		checkTree(t, src, e.X)
		checkPlace(t, src, e.Pos, "not")
	case *rule.MacroRef:
		checkPlace(t, src, e.Pos, e.Name)
	case *rule.Comparison:
		checkPlace(t, src, e.Pos, e.Field.Text)
		for _, v := range e.Values {
			if v.Bare {
				checkPlace(t, src, v.Pos, v.Text)
			}
		}
	case *rule.Exists:
		checkPlace(t, src, e.Pos, e.Field.Text)
	}
}

func checkPlace(t *testing.T, src *source.File, pos rule.Pos, want string) {
	m := src.Find(pos.Line, pos.Col)
	if !strings.HasPrefix(src.Text[m.Off:], want) {
		t.Errorf("%s: %q does not stand here", pos, want)
	}
}
