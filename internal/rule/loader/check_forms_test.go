package loader

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/field"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// loadSyscall loads rules with the fields of the system calls.
func loadSyscall(texts ...string) (*rule.Set, error) {
	fsys := fstest.MapFS{}
	for i, text := range texts {
		fsys[string(rune('a'+i))+".yaml"] = &fstest.MapFile{Data: []byte(text)}
	}
	return FS(fsys, ".", field.New(field.Syscall()))
}

// quotedCondition is a rule whose condition stands in single quotes.
func quotedCondition(cond string) string {
	return withCondition("'" + strings.ReplaceAll(cond, "'", "''") + "'")
}

// TestForms: the forms of comparisons that load.
func TestForms(t *testing.T) {
	for _, cond := range []string{
		`proc.name iglob "S*"`,
		`proc.name regex "^(ba|z)?sh[0-9]{1,3}$"`,
		`proc.name regex "[[:alpha:]]+\\."`,
		`proc.cmdline bcontains 2f62696e`,
		`proc.cmdline bstartswith 2F62`,
		`proc.cmdline > abc`,
		`evt.failed intersects (true, false)`,
		`proc.name startswith oneof (a, b)`,
		`proc.name contains anyof (shells)`,
		`proc.name endswith allof shells`,
		`proc.name regex anyof ("a.c", "b.d")`,
		`proc.name bcontains anyof (61, 62)`,
		`proc.pid = anyof (1, 0x2)`,
		`fd.sip != allof (10.0.0.0/8, ::1)`,

		`proc.name = val(proc.pname)`,
		`proc.pid >= val(proc.ppid)`,
		`proc.name glob val(proc.pname)`,
		`proc.name in val(proc.pname)`,
		`fd.sip = val(fd.cip)`,
		`fd.sport != val(fd.cport)`,
		`proc.aname[2] = val(proc.aname[3])`,
		`tolower(proc.name) = val(proc.pname)`,
		`proc.name = tolower(proc.pname)`,
		`len(proc.cmdline) > val(proc.pid)`,

		`tolower(proc.name) in (shells)`,
		`toupper( proc.name ) startswith A`,
		`basename(proc.exepath) != val(proc.name)`,
		`b64(proc.env[SECRET]) contains password`,
		`len(proc.cmdline) > 100`,
		`len(fd.types) = 0`,
		`tolower(fd.types) intersects (file)`,
		`tolower(proc.aname) = sh`,
		`join("-", (proc.name, proc.pid, "x")) = "sh-1-x"`,
		`concat(proc.name, ":", proc.pname) = "sh:bash"`,
		`getopt((proc.name, "-x"), "x:y")[x] exists`,
		`getopt((proc.name, "-x"), "x:y") intersects (x)`,
		`tolower(basename(concat(proc.exepath, "/", proc.name))) = sh`,
		`not tolower(proc.name) exists`,
	} {
		set, err := loadSyscall("- list: shells\n  items: [sh, bash]\n" + quotedCondition("evt.type = connect and "+cond))
		if err != nil {
			t.Errorf("%s: %v", cond, err)
			continue
		}
		for _, w := range set.Warnings {
			if w.Kind == "" && w.Code != rule.CodeTextOrder {
				t.Errorf("%s: %v", cond, w)
			}
		}
	}
}

// TestFormErrors: the mistakes in these forms, at the last place that has the
// text at.
func TestFormErrors(t *testing.T) {
	tests := []struct {
		cond, at string
		code     rule.Code
		want     string
	}{
		{`proc.pid iglob 1`, `proc.pid`, rule.CodeBadOperator, `iglob cannot be used with proc.pid, which is a number; use one of = != < <= > >= in intersects exists`},
		{`fd.sip regex 1`, `fd.sip`, rule.CodeBadOperator, `regex cannot be used with fd.sip, which is an address or a network; use one of = != in intersects exists`},
		{`fd.types contains x`, `fd.types`, rule.CodeBadOperator, `contains cannot be used with fd.types, which is a list; use one of in intersects exists`},
		{`proc.name bcontains xyz`, `xyz`, rule.CodeBadValue, `"xyz" is no row of bytes in hexadecimal, as bcontains needs: 2f62 stands for /b`},
		{`proc.name bstartswith 2f6`, `2f6`, rule.CodeBadValue, `"2f6" is no row of bytes in hexadecimal, as bstartswith needs: 2f62 stands for /b`},
		{`proc.name regex "a("`, `"a("`, rule.CodeBadRegex, `no regular expression: missing closing ): a(`},
		{`proc.name regex '\\d+'`, `'\\d+'`, rule.CodeBadRegex, `no regular expression: invalid escape sequence: \d`},
		{`proc.name regex "(?i)x"`, `"(?i)x"`, rule.CodeBadRegex, "no regular expression: missing argument to repetition operator: ?"},
		{`proc.name regex anyof (a, "*b")`, `"*b"`, rule.CodeBadRegex, "no regular expression: missing argument to repetition operator: *"},
		{`proc.name regex "((a{100}){10}){10}"`, `"((a{`, rule.CodeBadRegex, "no regular expression: invalid repeat count: {10}"},
		{`proc.name regex "` + strings.Repeat("x{999}", 10) + `"`, `"x{`, rule.CodeBadRegex, "the regular expression stands for 9992 instructions, and at most 9000 are taken"},
		{`proc.pid = anyof (1, x)`, `x`, rule.CodeBadValue, `"x" is not a number, as proc.pid needs`},

		{`proc.name = val(proc.pid)`, `proc.pid`, rule.CodeBadValue, `proc.pid is a number and cannot be compared with proc.name, which is a text`},
		{`proc.pid = len(proc.nmae)`, `proc.nmae`, rule.CodeUnknownField, `unknown field proc.nmae; did you mean proc.name?`},
		{`proc.name = val(proc.aname)`, `proc.aname`, rule.CodeBadValue, `proc.aname has a value for each ancestor and cannot be compared with a field; write a number in brackets, as proc.aname[1]`},
		{`proc.aname = val(proc.name)`, `proc.aname`, rule.CodeBadValue, `proc.aname has a value for each ancestor and cannot be compared with a field; write a number in brackets, as proc.aname[1]`},
		{`fd.sip = val(fd.ip)`, `fd.ip`, rule.CodeBadValue, `fd.ip stands for two fields and cannot be compared with a field; use fd.cip or fd.sip`},
		{`fd.port = val(fd.sport)`, `fd.port`, rule.CodeBadValue, `fd.port stands for two fields and cannot be compared with a field; use fd.cport or fd.sport`},
		{`proc.name pmatch val(proc.pname)`, `proc.pname`, rule.CodeBadOperator, `pmatch takes no field on its right; write the values themselves`},
		{`proc.name regex val(proc.pname)`, `proc.pname`, rule.CodeBadOperator, `regex takes no field on its right; write the values themselves`},

		{`tolower(proc.pid) = x`, `tolower`, rule.CodeBadTransformer, `tolower takes one text or list, and proc.pid is a number`},
		{`len(proc.name, proc.pname) = 1`, `len`, rule.CodeBadTransformer, `len takes one text or list, and is given 2`},
		{`join(",", proc.name) = x`, `join`, rule.CodeBadTransformer, `join takes two arguments, a text to put between and a list, and proc.name is a text`},
		{`concat(proc.name, fd.port) = x`, `fd.port`, rule.CodeBadTransformer, `concat cannot be used with fd.port, which stands for two fields; use fd.cport or fd.sport`},
		{`tolower(proc.name) > 5 and tolower(proc.name) = proc.pid and len(proc.name) contains x`, `len`, rule.CodeBadOperator, `contains cannot be used with len(proc.name), which is a number; use one of = != < <= > >= in intersects exists`},
		{`concat(tolower(proc.aname), proc.aname) = x`, `concat`, rule.CodeBadTransformer, `concat is given more than one field that has a value for each ancestor: write a number in brackets`},
	}
	for _, tt := range tests {
		t.Run(tt.cond, func(t *testing.T) {
			const before = "evt.type = connect and "
			_, err := loadSyscall(quotedCondition(before + tt.cond))
			errs := rule.Errors(err)
			if len(errs) != 1 {
				t.Fatalf("got %v", err)
			}
			quotes := strings.Count(tt.cond[:strings.LastIndex(tt.cond, tt.at)], "'")
			want := fmt.Sprintf("a.yaml:4:%d: rule \"R\": %s", 15+len(before)+strings.LastIndex(tt.cond, tt.at)+quotes, tt.want)
			if errs[0].Error() != want || errs[0].Code != tt.code {
				t.Errorf("got %v [%s]\nwant %s [%s]", errs[0], errs[0].Code, want, tt.code)
			}
		})
	}
}

// TestSameRow: equal transformers are one, so that the matcher evaluates them
// once.
func TestSameRow(t *testing.T) {
	set, err := loadSyscall(quotedCondition(`evt.type = connect and (tolower( proc.name )=a or tolower(proc.name) = b or join(',', (proc.name, evt.arg.fd)) = c or join( "," , ( proc.name,evt.arg[fd] ) ) = d)`) +
		"- rule: S\n  desc: D\n  priority: Info\n  condition: evt.type = connect and getopt((proc.name), 'ab')[a] = x\n  output: '%tolower(proc.name) %getopt((proc.name), \"ab\")[a]'\n")
	if err != nil {
		t.Fatal(err)
	}
	parts := set.Rules[0].Condition.(*rule.And).Parts[1].(*rule.Or).Parts
	var names []string
	for _, p := range parts {
		names = append(names, p.(*rule.Comparison).Field.Name)
	}
	want := []string{"tolower(proc.name)", "tolower(proc.name)", `join(",",(proc.name,evt.arg[fd]))`, `join(",",(proc.name,evt.arg[fd]))`}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	a, b := parts[0].(*rule.Comparison).Field, parts[1].(*rule.Comparison).Field
	if a.Field != b.Field || a.Field != set.Rules[1].Output.Parts[0].Field.Field {
		t.Error("equal transformers have several rows")
	}
}
