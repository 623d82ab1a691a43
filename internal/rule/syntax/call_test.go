package syntax

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/source"
)

// TestComparisons shows what is read of each form of a check: left side, operator,
// quantity, right side or values.
func TestComparisons(t *testing.T) {
	tests := []struct{ cond, want string }{
		{`proc.name regex 'a.*'`, `proc.name|regex|||a.*`},
		{`evt.buffer bcontains cafe`, `evt.buffer|bcontains|||cafe`},
		{`evt.buffer bstartswith "0a"`, `evt.buffer|bstartswith|||0a`},
		{`fd.name iglob /TMP/*`, `fd.name|iglob|||/TMP/*`},
		{`proc.name startswith anyof (a, "b c")`, `proc.name|startswith|anyof||a,b c`},
		{`proc.name = oneof(a)`, `proc.name|=|oneof||a`},
		{`proc.name != allof shells`, `proc.name|!=|allof||shells`},
		{`proc.name = anyof`, `proc.name|=|||anyof`},
		{`proc.name = anyof and a`, `proc.name|=|||anyof`},
		{`proc.name contains anyofx`, `proc.name|contains|||anyofx`},
		{`proc.name = val(proc.pname)`, `proc.name|=||proc.pname|`},
		{`proc.name in val( proc.aname[2] )`, `proc.name|in||proc.aname[2]|`},
		{`proc.name = value`, `proc.name|=|||value`},
		{`proc.name = val`, `proc.name|=|||val`},
		{`proc.name = tolower(proc.pname)`, `proc.name|=||tolower(proc.pname)|`},
		{`proc.name=tolower(val.x)`, `proc.name|=||tolower(val.x)|`},
		{`proc.pid < len(proc.args)`, `proc.pid|<||len(proc.args)|`},
		{`tolower( proc.name ) = a`, `tolower( proc.name )|=|||a`},
		{`toupper(basename(proc.exepath)) in (A, B)`, `toupper(basename(proc.exepath))|in|||A,B`},
		{`join(",", (proc.name, "x", 0x1f)) contains y`, `join(",", (proc.name, "x", 0x1f))|contains|||y`},
		{`len(()) = 0`, `len(())|=|||0`},
		{`getopt(proc.args, "ab:")[b] = c`, `getopt(proc.args, "ab:")[b]|=|||c`},
		{`concat(proc.env["A B"], '-', evt.arg.flags) endswith z`, `concat(proc.env["A B"], '-', evt.arg.flags)|endswith|||z`},
	}
	for _, tt := range tests {
		e, err := ParseText("r.yaml", tt.cond)
		if err != nil {
			t.Errorf("%s: %v", tt.cond, err)
			continue
		}
		if and, ok := e.(*rule.And); ok {
			e = and.Parts[0]
		}
		if got := flat(e.(*rule.Comparison)); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.cond, got, tt.want)
		}
		again, err := ParseText("r.yaml", e.String())
		if err != nil || again.String() != e.String() {
			t.Errorf("%s became %s, and that %v, %v", tt.cond, e, again, err)
		}
	}
}

func flat(c *rule.Comparison) string {
	var values []string
	for _, v := range c.Values {
		values = append(values, v.Text)
	}
	right := ""
	if c.Right != nil {
		right = c.Right.Text
	}
	return fmt.Sprintf("%s|%s|%s|%s|%s", c.Field.Text, c.Op, c.Quant, right, strings.Join(values, ","))
}

// TestArguments shows the tree of a transformer.
func TestArguments(t *testing.T) {
	e, err := ParseText("r.yaml", `join( ":" , (proc.name,tolower(proc.pname), '(', -5)) exists`)
	if err != nil {
		t.Fatal(err)
	}
	ref := e.(*rule.Exists).Field
	if got, want := tree(&ref), `join[":" [proc.name tolower[proc.pname] "(" "-5"]]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := ref.Call.Args[1].List[1].Ref.Pos.Col; got != 24 {
		t.Errorf("tolower stands at column 24, not %d", got)
	}
}

func tree(f *rule.FieldRef) string {
	if f.Call == nil {
		return f.Text
	}
	return f.Call.Func + operandsText(f.Call.Args)
}

func operandsText(args []rule.Operand) string {
	var parts []string
	for _, a := range args {
		switch {
		case a.Ref != nil:
			parts = append(parts, tree(a.Ref))
		case a.Lit != nil:
			parts = append(parts, fmt.Sprintf("%q", a.Lit.Text))
		default:
			parts = append(parts, operandsText(a.List))
		}
	}
	return "[" + strings.Join(parts, " ") + "]"
}

func TestTemplate(t *testing.T) {
	tests := []struct{ text, want string }{
		{`a %proc.name b`, `"a " proc.name " b"`},
		{`100%% of %toupper(basename(proc.exepath)).`, `"100% of " toupper[basename[proc.exepath]] "."`},
		{`%evt.arg.flags. %proc.aname[2]`, `evt.arg.flags ". " proc.aname[2]`},
		{`%10proc.name|%0tolower(proc.name)`, `proc.name:10 "|" tolower[proc.name]`},
		{`%proc.name[%proc.pid] %proc.aname[x=%proc.pid`, `proc.name "[" proc.pid "] " proc.aname "[x=" proc.pid`},
		{`%proc.env["A\d"]`, `! unknown escape \d`},
		{`%5000proc.name`, `! output has a length of 5000`},
		{`%5`, `! output has a % without a field`},
		{`(%getopt(proc.args, "x:")[x])`, `"(" getopt[proc.args "x:"] ")"`},
		{`%`, `! output has a % without a field`},
		{`%nothing(x)`, `! output has %nothing, which is no field`},
		{`%tolower(proc.name`, `! the parenthesis behind tolower is not closed`},
	}
	for _, tt := range tests {
		tmpl, errs := ParseTemplate(tt.text, source.TextCursor("r.yaml", tt.text))
		var parts []string
		for i := range tmpl.Parts {
			if p := &tmpl.Parts[i]; p.Field.Text != "" {
				parts = append(parts, tree(&p.Field))
				if p.Width > 0 {
					parts[len(parts)-1] += fmt.Sprint(":", p.Width)
				}
			} else {
				parts = append(parts, fmt.Sprintf("%q", p.Text))
			}
		}
		got := strings.Join(parts, " ")
		if len(errs) > 0 {
			got = "! " + errs[0].Err.Error()
		}
		if got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.text, got, tt.want)
		}
	}
}
