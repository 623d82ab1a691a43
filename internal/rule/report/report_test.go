package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/rule"
)

var update = flag.Bool("update", false, "write the golden files")

const tabbed = "- rule: Typo\n  condition: >\n\t\tproc.nmae = sh\tand x\n"

var long = "  condition: " + strings.Repeat("proc.name = sh or ", 20) + "proc.nmae = zsh or " + strings.Repeat("proc.name = sh or ", 20) + "x"

// files are the texts of the report below.
var files = map[string]string{
	"/srv/rules/a.yaml": tabbed,
	"/srv/rules/b.yaml": "\uFEFF- macro: größe\r\n  condition: proc.name in (\"日本 語\", x\x1b[31m)\r\n",
	"c d.yaml":          long,
}

func example() *Report {
	at := func(file string, line, col int) rule.Pos { return rule.Pos{File: file, Line: line, Col: col} }
	return &Report{
		Rules: 3,
		Text:  func(name string) string { return files[name] },
		Errors: []*rule.Error{
			{Code: rule.CodeUnknownField, Pos: at("/srv/rules/a.yaml", 3, 3), Rule: "Typo", Err: errors.New("unknown field proc.nmae"), Hint: "did you mean proc.name?"},
			{Code: rule.CodeFileUnreadable, Pos: rule.Pos{File: "/etc/none.yaml"}, Err: errors.New("read rules: no such file or directory")},
			{Code: rule.CodeUnknownField, Pos: at("c d.yaml", 1, strings.Index(long, "proc.nmae")+1), Rule: "Long", Err: errors.New("unknown field proc.nmae")},
			{Code: rule.CodeBadYAML, Pos: at("/srv/rules/a.yaml", 99, 1), Err: errors.New("a line that is not there")},
		},
		Warnings: []*rule.Error{
			{Code: rule.CodeImpossibleValue, Pos: at("/srv/rules/b.yaml", 2, 28), Kind: rule.KindMacro, Rule: "größe", Err: errors.New("never \x1b[31m")},
			{Code: rule.CodeImpossibleValue, Pos: at("/srv/rules/b.yaml", 2, 36), Kind: rule.KindMacro, Rule: "größe", Err: errors.New("red")},
		},
	}
}

func TestGolden(t *testing.T) {
	tests := []struct {
		name  string
		write func(*bytes.Buffer) error
	}{
		{"text.golden", func(b *bytes.Buffer) error { return Text(b, example(), false) }},
		{"json.golden", func(b *bytes.Buffer) error { return JSON(b, example()) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := tt.write(&b); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", tt.name)
			if *update {
				if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestColour: colours change nothing but colours, and what files hold does not
// reach the terminal as it is.
func TestColour(t *testing.T) {
	var with, without bytes.Buffer
	if err := errors.Join(Text(&with, example(), true), Text(&without, example(), false)); err != nil {
		t.Fatal(err)
	}
	bare := with.String()
	for _, c := range []string{red, yellow, blue, bold, plain} {
		bare = strings.ReplaceAll(bare, c, "")
	}
	if bare != without.String() || !strings.Contains(with.String(), red) {
		t.Errorf("with colours:\n%s", with.String())
	}
	if strings.ContainsAny(without.String(), "\x1b\r\t") {
		t.Errorf("signs of control:\n%q", without.String())
	}
}

func TestWordEnd(t *testing.T) {
	tests := []struct {
		line string
		col  int
		want int
	}{
		{"proc.name = x", 1, 10},
		{"proc.name=x", 1, 10},
		{"evt.type in (a, b)", 14, 15},
		{`x = "a b" or`, 5, 10},
		{`x = "a b`, 5, 9},
		{"a (b)", 3, 4},
		{"größe = 1", 1, 6},
		{"ab", 3, 4}, // the end of the line
		{"a b", 2, 3},
		{"", 1, 2},
		{"ab", 9, 0},
	}
	for _, tt := range tests {
		if got := wordEnd(tt.line, tt.col); got != tt.want {
			t.Errorf("%q at %d: got %d, want %d", tt.line, tt.col, got, tt.want)
		}
	}
}

// TestWindow: the mark is under the place, however long the line is.
func TestWindow(t *testing.T) {
	for col := 1; col <= 400; col += 13 {
		line := strings.Repeat("x", col-1) + "HERE" + strings.Repeat("y", 400-col)
		text, before, under := window(line, col, col+4)
		shown := []rune(text)
		if len(shown) > maxWidth+4 || string(shown[before:before+under]) != "HERE" {
			t.Errorf("column %d: %d wide, the mark stands under %q", col, len(shown), string(shown[before:before+under]))
		}
	}
}

// TestSARIF holds the report against what the standard asks of a log, and GitHub
// of what it takes.
func TestSARIF(t *testing.T) {
	var b bytes.Buffer
	if err := SARIF(&b, example(), "1.2.3", "/srv"); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			ColumnKind string
			Tool       struct {
				Driver struct {
					Name, Version string
					Rules         []struct {
						ID                     string
						ShortDescription, Help struct{ Text string }
						DefaultConfiguration   struct{ Level string }
					}
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           *struct{ StartLine, StartColumn, EndColumn int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || !strings.HasSuffix(log.Schema, "sarif-2.1.0.json") || len(log.Runs) != 1 {
		t.Fatalf("version %q, schema %q, %d runs", log.Version, log.Schema, len(log.Runs))
	}
	run := log.Runs[0]
	if run.Tool.Driver.Name != "goshawk" || run.Tool.Driver.Version != "1.2.3" || run.ColumnKind != "unicodeCodePoints" {
		t.Errorf("tool is %+v", run.Tool.Driver)
	}
	for _, r := range run.Tool.Driver.Rules {
		if r.ID == "" || r.ShortDescription.Text == "" || r.Help.Text == "" || r.DefaultConfiguration.Level != "error" && r.DefaultConfiguration.Level != "warning" {
			t.Errorf("rule is %+v", r)
		}
	}
	var got []string
	for _, r := range run.Results {
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID || r.Message.Text == "" || len(r.Locations) != 1 {
			t.Errorf("result is %+v", r)
			continue
		}
		l := r.Locations[0].PhysicalLocation
		line := fmt.Sprintf("%s %s %s", r.Level, r.RuleID, l.ArtifactLocation.URI)
		if l.Region != nil {
			line += fmt.Sprintf(" %d:%d-%d", l.Region.StartLine, l.Region.StartColumn, l.Region.EndColumn)
		}
		got = append(got, line)
	}
	want := []string{
		"error file-unreadable file:///etc/none.yaml",
		"error unknown-field rules/a.yaml 3:3-12",
		"error bad-yaml rules/a.yaml 99:1-2",
		"warning impossible-value rules/b.yaml 2:28-34",
		"warning impossible-value rules/b.yaml 2:36-42",
		"error unknown-field c%20d.yaml 1:374-383",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCodes: each code once, with all that a person needs.
func TestCodes(t *testing.T) {
	seen := map[rule.Code]bool{}
	for _, c := range rule.Codes() {
		if seen[c.Code] || c.Meaning == "" || c.Help == "" || !strings.HasPrefix(c.Falco, "LOAD_") {
			t.Errorf("code is %+v", c)
		}
		if strings.HasPrefix(c.Falco, "LOAD_ERR_") != (c.Severity == rule.Failure) {
			t.Errorf("severity of %s", c.Code)
		}
		seen[c.Code] = true
	}
}
