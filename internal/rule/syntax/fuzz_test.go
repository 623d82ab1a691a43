package syntax

import (
	"errors"
	"testing"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// FuzzParse: any condition parses or has mistakes with places, and what parsed
// reads back from its own text.
func FuzzParse(f *testing.F) {
	for _, cond := range []string{
		`evt.type in (open, openat) and fd.name startswith "/etc" and not (proc.name = sh or m)`,
		`tolower(proc.name) regex val(a.b)`, `a.b = anyof (x, "y") or c.d in val(e.f[2])`, `join(",", (a.b, "x", 0x1f))[q] exists`,
		`getopt(a.b, "x:")[x] < len(c.d)`, `) and[x,y `, `)) and[x]) or[y] b.c = d`, `a and[x] b`,
	} {
		f.Add(cond)
	}
	f.Fuzz(func(t *testing.T, cond string) {
		e, err := ParseText("r.yaml", cond)
		if err != nil {
			for _, one := range rule.Errors(err) {
				if one.Pos.Line < 1 || one.Pos.Col < 1 || one.Code == "" {
					t.Fatalf("Parse(%q): %v (%q)", cond, one, one.Code)
				}
			}
			if !errors.As(err, new(*rule.Error)) {
				t.Fatalf("Parse(%q): %v", cond, err)
			}
			return
		}
		checkRoundTrip(t, cond, e)
	})
}
