package format

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFile(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", "", "\n"},
		{"comments alone", "# nothing\n\n\n\n# yet\n", "# nothing\n\n# yet\n"},
		{"order of keys", `
- rule: R
  tags: [a,  "b"]
  priority: WARNING
  output:   o
  # why
  condition: evt.type=execve   and  proc.name in ( 'a',b )
  desc: "D"
`, `
- rule: R
  desc: D
  # why
  condition: evt.type = execve and proc.name in ("a", b)
  output: o
  priority: WARNING
  tags: [a, b]
`},
		{"comments stay with their items", `
# file

# first
- list: l
  # some
  items:
  - a
  - b
- list: k
  items: [a, # one
    b]   # two



# second
- macro: m
  condition: (a)
# end
`, `
# file

# first
- list: l
  # some
  items: [a, b]

- list: k
  items: [a, # one
    b]   # two

# second
- macro: m
  condition: (a)
# end
`},
		{"long condition", `
- macro: m
  condition: evt.type in (open, openat, openat2, creat) and (proc.name = a or proc.name = b and not (proc.pname = c or proc.pname = d) or fd.name in (/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, /bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, /cccccccccccccccccccccccccc))
`, `
- macro: m
  condition: >
    evt.type in (open, openat, openat2, creat)
    and (proc.name = a
      or proc.name = b and not (proc.pname = c or proc.pname = d)
      or fd.name in (/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, /bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb,
        /cccccccccccccccccccccccccc))
`},
		{"parentheses count when others append", `
- macro: m
  condition: >
    ( a
     or b )
`, `
- macro: m
  condition: (a or b)
`},
		{"parts of conditions", `
- rule: R
  override: {condition: append}
  condition:   and   proc.name = "x y"
`, `
- rule: R
  condition: and   proc.name = "x y"
  override: {condition: append}
`},
		{"texts", `
- rule: R
  desc: >-
    One line
    and another.
  condition: a
  output: |
    two
    lines
  priority: Info
`, `
- rule: R
  desc: One line and another.
  condition: a
  output: |
    two
    lines
  priority: Info
`},
		{"exceptions and unknown keys stay", `
- rule: R
  exceptions:
   - name: e
     fields: [proc.name]   # which
     values:
      - [a]
  mine: 1
  condition: tolower( proc.name )==A
`, `
- rule: R
  condition: tolower(proc.name) = A
  exceptions:
   - name: e
     fields: [proc.name]   # which
     values:
      - [a]
  mine: 1
`},
		{"quotes where they must be", `
- list: l
  items: ['a', "b c", '"(x)"', '*.so', "it's", yes, 'yes', 1, '1', a:b, '#']
`, `
- list: l
  items: [a, "b c", '"(x)"', '*.so', it's, yes, yes, 1, '1', a:b, '#']
`},
		{"what is special stays", `
- &a {list: l,   items: [x]}
- list: k
  items: &b [ x,y ]
- macro: m
  condition: &c   a
`, `
- &a {list: l,   items: [x]}

- list: k
  items: &b [ x,y ]

- macro: m
  condition: &c   a
`},
		{"documents", "- list: l\n  items: []\n---\n# second\n- list: k\n  items: []\n", "- list: l\n  items: []\n---\n\n# second\n- list: k\n  items: []\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, errs := File("r.yaml", strings.TrimPrefix(tt.text, "\n"))
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			want := strings.TrimPrefix(tt.want, "\n")
			if tt.text == "" {
				want = tt.want
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if again, errs := File("r.yaml", got); again != got {
				t.Errorf("formatted again it differs: %v\n%s", errs, cmp.Diff(got, again))
			}
		})
	}
}

func TestMistakes(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"- macro: m\n  condition: a and\n", "r.yaml:2:19: expected a condition, found the end"},
		{"- macro: [\n", "r.yaml:1:10: not valid YAML: did not find expected node content"},
	} {
		if _, errs := File("r.yaml", tt.text); len(errs) != 1 || errs[0].Error() != tt.want {
			t.Errorf("%q: %v, want %s", tt.text, errs, tt.want)
		}
	}
}

// TestPublic formats public rule files: formatted again they are the same. That
// their meaning is, File checks itself.
func TestPublic(t *testing.T) {
	files, _ := filepath.Glob("../../../../shared/falco-rules/*.yaml")
	if len(files) == 0 {
		t.Skip("the public rules are not beside the project: ../shared/falco-rules")
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, errs := File(name, string(text))
		if len(errs) > 0 {
			t.Errorf("%s: %v", name, errs)
			continue
		}
		if again, _ := File(name, got); again != got {
			t.Errorf("%s: formatted again it differs:\n%s", name, cmp.Diff(got, again))
		}
	}
}

// FuzzFile: any file is formatted, or refused; formatted again it is the same.
func FuzzFile(f *testing.F) {
	f.Add("- rule: R\n  desc: D\n  # c\n  condition: a and (b or c)\n  tags: [x, 'y']\n")
	f.Add("# a\n\n- list: l\n  items:\n  - a # b\n  - \"c\"\n\n---\n- macro: m\n  condition: >\n    a\n     or b\n")
	f.Add("  - macro: m\n    condition: a\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, errs := File("r.yaml", text)
		if len(errs) > 0 {
			return
		}
		if again, errs := File("r.yaml", got); len(errs) > 0 || again != got {
			t.Errorf("%q became %q and then %q: %v", text, got, again, errs)
		}
	})
}
