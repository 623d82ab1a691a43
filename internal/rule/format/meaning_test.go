package format

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/rule/syntax"
)

// TestOneForm: what a condition is written as on one line or on several is read as
// the same tree.
func TestOneForm(t *testing.T) {
	conds := []string{
		`proc.name='it"s' and  proc.env["A  (B), c"]!='\''`, `tolower( proc.env["x , y"] , 'a , b' )  = "x"`,
		`join(",",(proc.name,"x",-1))[q] exists`, `getopt(proc.args, "a b:")["c  d"]=val( proc.env["e  f"] )`,
		`proc.name in ( a,"b,c",'d)',"\x00\n" )`, `proc.name contains  anyof(a,"b")`, `proc.name pmatch mine`, `proc.name in ()`,
		`not(not not a)`, `not ((a or b) and c)`, `((a and b) and c) or ((d or e) or f)`, `proc.name == ""`, `proc.name=and or proc.name = "and"`,
		`proc.name = tolower(val.x) or proc.name in val(x.y[z])`, `proc.name = allof`, `fd.num <= -0x1f and x.y >= +1.5e+3`, `m.dest[/a/*] = \x and a.b[it] = "日"`,
	}
	for _, name := range ruleFiles() {
		conds = append(conds, conditions(t, name)...)
	}
	for _, cond := range conds {
		e, err := syntax.ParseText("", cond)
		if err != nil {
			continue // a part of another
		}
		for _, most := range []int{20, 60, 1000} {
			text := strings.Join(broken(e, most), "\n")
			again, err := syntax.ParseText("", text)
			if err != nil || shape(again) != shape(e) {
				t.Errorf("%s\nbecame\n%s\n%v\n%s\n%s", cond, text, err, shape(e), shape(again))
			}
		}
	}
}

func ruleFiles() []string {
	own, _ := filepath.Glob("../../../rules/*.yaml")
	public, _ := filepath.Glob("../../../../shared/falco-rules/*.yaml")
	return append(own, public...)
}

// conditions returns all texts below a key condition.
func conditions(t *testing.T, name string) []string {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var items []map[string]any
	if yaml.Unmarshal(text, &items) != nil {
		return nil // a test of rules, or several documents
	}
	var all []string
	for _, item := range items {
		if s, ok := item["condition"].(string); ok {
			all = append(all, s)
		}
	}
	return all
}
