package format

import (
	"strings"
	"testing"
)

// TestTrailing: comments behind things stay, wherever YAML allows them.
func TestTrailing(t *testing.T) {
	for _, text := range []string{
		"- rule: R # c1\n  desc: x # c2\n  condition: > # c3\n    a\n    and b\n  output: 'o' # c4\n  priority: INFO # c5\n  tags: # c6\n    - a # c7\n    - b\n",
		"- rule: R\n  tags: # c1\n    # c2\n    - a\n  condition: a\n    # c3\n  desc: d\n",
		"- list: l # c1\n  items: # c2\n    [ # c3\n      a, b # c4\n    ] # c5\n",
		"- list: l\n  items: [] # c1\n- macro: m\n  condition: a # c2\n# c3\n",
		"- # c1\n  list: l\n  items: [a]\n",
		"- # c1\n  rule: R\n  desc: d\n",
		"- macro: m\n  condition: a\n    and b # c1\n    # c2\n- macro: n\n  condition: | # c3\n    a # x\n",
		"- macro: m\n  condition:\n    # c1\n    a and b\n",
		"- macro: m\n  # c1\n  condition: # c2\n    a and b\n",
		"- macro: m\n  condition: 'a\n\n    and b' # c2\n",
		"- rule: R\n  exceptions: # c1\n  - name: n # c2\n    # c3\n    fields: a.b # c4\n  # c5\n  desc: d\n  condition: a\n",
		"- rule: R\n  desc: &x d # c1\n  condition: a\n",
		"--- # c1\n- list: l\n  items: [a]\n... # c2\n",
		"- list: l\n  items:\n  - a\n  - b\n  # c1\n\n  # c2\n- list: k\n  items: [x]\n",
		"- list: l\n  items: [a,\n  b] # c1\n  append: true # c2\n",
		"- {list: l, items: [a]} # c1\n",
		"- rule: R\n  ? desc # c1\n  : d # c2\n  condition: a\n",
		"- rule: R\n  desc: \"a \\\n    b\" # c1\n  condition: \"a and\\\n    \\ b\" # c2\n",
	} {
		out, errs := File("r.yaml", text)
		if len(errs) > 0 {
			t.Errorf("%s%v", text, errs)
		}
		if again, errs := File("r.yaml", out); again != out {
			t.Errorf("%s\nbecame\n%s\nand then\n%s%v", text, out, again, errs)
		}
		for _, c := range []string{"c1", "c2", "c3", "c4", "c5", "c6", "c7"} {
			if strings.Count(text, "# "+c) != strings.Count(out, "# "+c) {
				t.Errorf("%s lost in\n%s\nwhich became\n%s", c, text, out)
			}
		}
	}
}
