package loader

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/report"
)

// codeExamples has a text for each code that brings it up: a whole file, or a
// condition. Those without one cannot be shown in a few lines.
var codeExamples = map[rule.Code]string{
	rule.CodeFileUnreadable: "",
	rule.CodeTooLarge:       "",
	rule.CodeNoRuleFiles:    "",

	rule.CodeBadYAML:          "- rule: Shell\n  desc: A shell started: or so\n",
	rule.CodeBadItem:          "- list: shells\n",
	rule.CodeBadCondition:     "evt.type = execve and and proc.name = sh",
	rule.CodeBadOutput:        exampleFile("evt.type = execve and proc.name = sh", "100 % sure"),
	rule.CodeUnknownField:     "evt.type = execve and proc.nmae = sh",
	rule.CodeUnknownMacro:     "spawned_process and proc.name = sh",
	rule.CodeUnknownList:      "evt.type = execve and proc.name in shells",
	rule.CodeUnknownEventType: "evt.type = opne and fd.name = /etc/passwd",
	rule.CodeUnknownPriority:  strings.Replace(exampleFile("evt.type = execve", "x"), "Notice", "Loud", 1),
	rule.CodeBadArgument:      "evt.type = execve and proc.aname[two] = sh",
	rule.CodeBadOperator:      "evt.type = connect and fd.sip > 10.0.0.1",
	rule.CodeBadValue:         "evt.type = connect and fd.sport = 99999",
	rule.CodeBadRegex:         `evt.type = execve and proc.name regex "(ba|z"`,
	rule.CodeBadTransformer:   "evt.type = execve and tolower(proc.pid) = sh",
	rule.CodeCircle:           "- macro: a\n  condition: b\n- macro: b\n  condition: a\n" + exampleFile("evt.type = execve and a", "x"),
	rule.CodeBadException:     exampleFile("evt.type = execve", "x") + "  exceptions:\n    - name: known\n      fields: [proc.name, proc.pname]\n      comps: [=]\n",
	rule.CodeBadOverride:      exampleFile("evt.type = execve", "x") + "- rule: Example\n  condition: and proc.name = sh\n  tags: [shell]\n  override:\n    condition: append\n",
	rule.CodeNothingToChange:  "- list: shells\n  items: [zsh]\n  override:\n    items: append\n",
	rule.CodeNeedsNewerEngine: "- required_engine_version: 9.0.0\n",
	rule.CodeNotOwn: objectOf("ClusterRuleSet", "base", exampleFile("evt.type = execve and proc.name = sh", "x")) +
		objectOf("RuleSet", "team", "- rule: Example\n  enabled: false\n"),

	rule.CodeUnknownSource:      "- rule: Example\n  desc: D\n  source: k8s_audit\n  condition: ka.verb = get\n  output: x\n  priority: Notice\n",
	rule.CodeUnknownItem:        "- note: nothing\n",
	rule.CodeUnknownKey:         exampleFile("evt.type = execve and proc.name = sh", "x") + "  tag: [shell]\n",
	rule.CodeUnknownFilter:      exampleFile("evt.type = execve and proc.new_field = sh", "x") + "  skip-if-unknown-filter: true\n",
	rule.CodeUnknownPlugin:      "- required_plugin_versions:\n    - name: json\n      version: 0.7.0\n",
	rule.CodeNoEffect:           exampleFile("evt.type = execve and proc.name = sh", "x") + "  capture: true\n",
	rule.CodeDeprecated:         "evt.type = execve and evt.dir = <",
	rule.CodeRedefined:          "- list: shells\n  items: [sh]\n- list: shells\n  items: [bash]\n",
	rule.CodeUnusedMacro:        "- macro: shell\n  condition: proc.name = sh\n" + exampleFile("evt.type = execve and proc.name = bash", "x"),
	rule.CodeUnusedList:         "- list: shells\n  items: [sh]\n" + exampleFile("evt.type = execve and proc.name = bash", "x"),
	rule.CodeUnusableMacro:      "- macro: shell\n  condition: proc.nmae = sh\n" + exampleFile("evt.type = execve and proc.name = bash", "x"),
	rule.CodeBadMacroName:       "- macro: my-shell\n  condition: proc.name = sh\n",
	rule.CodeBadListName:        "- list: my shells\n  items: [sh]\n",
	rule.CodeExceptionNoValues:  exampleFile("evt.type = execve", "x") + "  exceptions:\n    - name: known\n      fields: proc.name\n      values: [sh]\n- rule: Example\n  exceptions:\n    - name: known\n  override:\n    exceptions: append\n",
	rule.CodeExceptionNotUnique: exampleFile("evt.type = execve", "x") + "  exceptions:\n    - {name: known, fields: proc.name, values: [sh]}\n    - {name: known, fields: proc.pname, values: [sh]}\n",
	rule.CodeExceptionUnused:    exampleFile("evt.type = execve", "x") + "  exceptions:\n    - name: known\n      fields: proc.name\n",
	rule.CodeNoEventType:        "proc.name = sh",
	rule.CodeNeverMatches:       "evt.type = execve and fd.name = /etc/shadow",
	rule.CodeFieldNotCarried:    "evt.type = execve and (proc.name = sh or fd.name = /etc/shadow)",
	rule.CodeFieldNotDelivered:  "evt.type = execve and (proc.name = sh or thread.cpu > 50)",
	rule.CodeEventNotDelivered:  "evt.type in (execve, page_fault) and proc.name = sh",
	rule.CodeTrueIfAbsent:       "evt.type in (open, execve) and not fd.name startswith /tmp",
	rule.CodeImpossibleValue:    "evt.type = open and fd.type = fil",
	rule.CodeAlwaysTrue:         `evt.type = execve and proc.cmdline contains ""`,
	rule.CodeEmptyList:          "evt.type = execve and proc.name in ()",
	rule.CodeDuplicateValue:     "evt.type = execve and proc.name in (sh, bash, sh)",
	rule.CodeListAsValue:        "- list: my_shells\n  items: [sh, bash]\n" + exampleFile("evt.type = execve and proc.name = my_shells", "x"),
	rule.CodeFieldAsValue:       "evt.type = execve and proc.name = proc.pname",
	rule.CodeTextOrder:          "evt.type = chmod and evt.arg.mode > 100",
	rule.CodeSimplerOperator:    `evt.type = execve and proc.name regex "(ba|z)sh"`,
	rule.CodePathIsLink:         "evt.type = open and fd.name startswith /proc/self/",
	rule.CodeRuleImplied: exampleFile("evt.type = execve and proc.name in (sh, bash)", "x") +
		strings.Replace(exampleFile("evt.type = execve and proc.name = sh", "x"), "Example", "Another", 1),
}

// objectOf is an object of the Kubernetes API that holds rules.
func objectOf(kind, name, rules string) string {
	return "apiVersion: goshawk.dev/v1alpha1\nkind: " + kind + "\nmetadata:\n  name: " + name + "\nspec:\n  rules: |\n    " +
		strings.ReplaceAll(strings.TrimSpace(rules), "\n", "\n    ") + "\n---\n"
}

// exampleFile is a file of one rule.
func exampleFile(cond, output string) string {
	return "- rule: Example\n  desc: What it is for.\n  condition: " + cond + "\n  output: " + output + "\n  priority: Notice\n"
}

const diagnosticsHead = `# Diagnostics

<!-- Made by go test ./internal/rule/loader -update. -->

What ` + "`goshawk rules check`" + ` and ` + "`goshawk run`" + ` can say about rule files. Errors keep the files from being
loaded, warnings do not: exit code 2 and 0 (1 with ` + "`--strict`" + `). The codes do not change when the texts do; ` + "`--format json`" + `
and ` + "`--format sarif`" + ` have them too, with the code that Falco uses for problems of the same kind.
`

// TestCodes brings up each code and writes the page that explains them.
func TestCodes(t *testing.T) {
	var b strings.Builder
	b.WriteString(diagnosticsHead)
	for _, severity := range []rule.Severity{rule.Failure, rule.Warning} {
		b.WriteString(map[rule.Severity]string{rule.Failure: "\n## Errors\n", rule.Warning: "\n## Warnings\n"}[severity])
		for _, info := range rule.Codes() {
			if info.Severity == severity {
				describe(t, &b, info)
			}
		}
	}
	const page = "../../../docs/diagnostics.md"
	if *update {
		if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", page, diff)
	}
}

// describe writes the section of a code.
func describe(t *testing.T, b *strings.Builder, info rule.CodeInfo) {
	fmt.Fprintf(b, "\n### %s\n\n%s (Falco: `%s`). What to do: %s.\n", info.Code, upper(info.Meaning), info.Falco, info.Help)
	text, listed := codeExamples[info.Code]
	if !listed {
		t.Errorf("%s has no example", info.Code)
	}
	if text == "" {
		return
	}
	if !strings.HasPrefix(text, "- ") && !strings.HasPrefix(text, "apiVersion: ") {
		text = exampleFile(text, "x")
	}
	set, err := loadSyscall(text)
	r := &report.Report{Text: func(string) string { return text }}
	isIt := func(e *rule.Error) bool { return e.Code == info.Code }
	if r.Errors = rule.Errors(err); info.Severity == rule.Warning {
		if err != nil {
			t.Errorf("%s: %v", info.Code, err)
		}
		r.Errors, r.Warnings = nil, set.Warnings
	}
	i, all := -1, append(slices.Clone(r.Errors), r.Warnings...)
	if i = slices.IndexFunc(all, isIt); i < 0 {
		t.Errorf("%s does not come up: %v", info.Code, all)
		return
	}
	if r.Warnings = nil; info.Severity == rule.Warning {
		r.Warnings = all[i : i+1]
	} else {
		r.Errors = all[i : i+1]
	}
	var shown bytes.Buffer
	if err := report.Text(&shown, r, false); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(b, "\n```\n%s```\n", shown.String())
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
