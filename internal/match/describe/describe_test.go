package describe

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

// load reads rules from YAML.
func load(tb testing.TB, text string) []*rule.Rule {
	tb.Helper()
	set, err := loader.FS(fstest.MapFS{"r.yaml": {Data: []byte(text)}}, "r.yaml", field.New(field.Syscall()))
	if err != nil {
		tb.Fatal(err)
	}
	return set.Rules
}

// item writes a rule of a condition.
func item(name, condition string) string {
	return fmt.Sprintf("- rule: %s\n  desc: d\n  condition: >\n    %s\n  output: o\n  priority: INFO\n", name, condition)
}

var update = flag.Bool("update", false, "rewrite the golden files")

func TestDescribe(t *testing.T) {
	rules := load(t, `
- list: shells
  items: [bash, sh]
- macro: shell
  condition: proc.name in (shells)
- macro: opened
  condition: evt.type in (open, openat) and evt.is_open_read = true
`+item("reads", `(opened and fd.name in (/etc/shadow, /bin/secret) or evt.type = connect and fd.rport = 22) and (shell or not proc.pname exists) and not shell`)+
		item("all", `evt.type = connect`)+item("never", `evt.type = connect and fd.filename = x`)+
		item("pair", `evt.type = openat and fd.filename = val(proc.name) and fd.name regex ".*a.*b"`))
	var b strings.Builder
	for _, r := range rules {
		d, err := Rule(rules, r.Name)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Text(&b); err != nil {
			t.Fatal(err)
		}
		b.WriteString("\n---\n")
	}
	const golden = "testdata/describe.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestUnknown(t *testing.T) {
	if _, err := Rule(nil, "x"); err == nil {
		t.Error("no error")
	}
}

// A condition that doubles with each macro is written to a bound.
func TestBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("- macro: m0\n  condition: proc.name = a or proc.pname = b\n")
	for i := 1; i <= 40; i++ {
		b.WriteString(strings.NewReplacer("$i", strconv.Itoa(i), "$j", strconv.Itoa(i-1)).Replace("- macro: m$i\n  condition: (m$j and fd.num = $i) or (m$j and fd.num > $i)\n"))
	}
	rules := load(t, b.String()+item("deep", "evt.type = open and m40"))
	d, err := Rule(rules, "deep")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(d.Left[0].Condition); n > 8000 {
		t.Errorf("%d bytes", n)
	}
}
