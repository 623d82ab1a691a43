package loader

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// TestCheckErrors: each condition stands beside one on evt.type, so that nothing
// but the mistake is reported, at the last place that has the text at.
func TestCheckErrors(t *testing.T) {
	tests := []struct {
		name, cond, at, want string
	}{
		{"typo in a field", `proc.nmae = sh`, `proc.nmae`, `unknown field proc.nmae; did you mean proc.name?`},
		{"case of a field", `Proc.Name = sh`, `Proc.Name`, `unknown field Proc.Name; did you mean proc.name?`},
		{"strange field", `quite.another = sh`, `quite.another`, `unknown field quite.another`},
		{"superfluous argument", `proc.name[1] = sh`, `proc.name[1]`, `field proc.name takes no argument; write proc.name`},
		{"argument missing", `evt.arg = x`, `evt.arg`, `field evt.arg needs an argument; write evt.arg[name]`},
		{"index missing", `x.step = x`, `x.step`, `field x.step needs an argument; write x.step[0]`},
		{"argument empty", `evt.arg[] = x`, `evt.arg[]`, `the argument of evt.arg is empty`},
		{"index no number", `proc.aname[two] = x`, `proc.aname[two]`, `the argument of proc.aname must be a number, not "two"`},
		{"index negative", `proc.aname[-1] = x`, `proc.aname[-1]`, `the argument of proc.aname must be a number, not "-1"`},
		{"index by a dot", `proc.aname.2 = x`, `proc.aname.2`, `unknown field proc.aname.2; did you mean proc.aname?`},

		{"order of lists", `fd.types > file`, `fd.types`, `> cannot be used with fd.types, which is a list; use one of in intersects exists`},
		{"contains on a number", `proc.pid contains 1`, `proc.pid`, `contains cannot be used with proc.pid, which is a number; use one of = != < <= > >= in intersects exists`},
		{"less on a flag", `evt.failed < true`, `evt.failed`, `< cannot be used with evt.failed, which is true or false; use one of = != in intersects exists`},
		{"startswith on an address", `fd.sip startswith 10.`, `fd.sip`, `startswith cannot be used with fd.sip, which is an address or a network; use one of = != in intersects exists`},
		{"equals on a list", `fd.types = file`, `fd.types`, `= cannot be used with fd.types, which is a list; use one of in intersects exists`},
		{"pmatch on a port", `fd.sport pmatch (1)`, `fd.sport`, `pmatch cannot be used with fd.sport, which is a port; use one of = != < <= > >= in intersects exists`},

		{"number", `proc.pid = sh`, `sh`, `"sh" is not a number, as proc.pid needs`},
		{"number in a list", `proc.pid in (1, x)`, `x`, `"x" is not a number, as proc.pid needs`},
		{"fraction", `proc.pid = 1.5`, `1.5`, `"1.5" is not a number, as proc.pid needs`},
		{"too large", `proc.pid = 9223372036854775808`, `9223372036854775808`, `"9223372036854775808" is not a number, as proc.pid needs`},
		{"signs", `proc.pid = --1`, `--1`, `"--1" is not a number, as proc.pid needs`},
		{"signs in hexadecimal", `proc.pid = 0x-1`, `0x-1`, `"0x-1" is not a number, as proc.pid needs`},
		{"negative", `proc.cmdnargs = -1`, `-1`, `"-1" is not a number that is not negative, as proc.cmdnargs needs`},
		{"flag", `evt.failed = 1`, `1`, `"1" is not true or false, as evt.failed needs`},
		{"flag in capitals", `evt.failed = True`, `True`, `"True" is not true or false, as evt.failed needs; write true`},
		{"port", `fd.sport = 65536`, `65536`, `"65536" is not a port, 0 to 65535, as fd.sport needs`},
		{"address", `fd.sip = 10.0.0`, `10.0.0`, `"10.0.0" is not an address or a network, as fd.sip needs`},
		{"network", `fd.sip = 10.0.0.0/33`, `10.0.0.0/33`, `"10.0.0.0/33" is not an address or a network, as fd.sip needs`},
		{"zone", `fd.sip = fe80::1%eth0`, `fe80::1%eth0`, `"fe80::1%eth0" is not an address or a network, as fd.sip needs`},
		{"duration", `proc.duration < 5x`, `5x`, `"5x" is not a duration, as 5s or nanoseconds, as proc.duration needs`},
		{"time", `evt.time < yesterday`, `yesterday`, `"yesterday" is not a time, as 2006-01-02T15:04:05Z or nanoseconds since 1970, as evt.time needs`},

		{"event type", `evt.type = opne`, `opne`, `unknown event type opne; did you mean open?`},
		{"event type in a list", `evt.type in (open, execev)`, `execev`, `unknown event type execev; did you mean execve?`},
		{"no event type but a part of one", `evt.type contains xxx and proc.pid = x`, `x`, `"x" is not a number, as proc.pid needs`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			const before = "evt.type != open and "
			_, err := loadTexts(withCondition(before + tt.cond))
			col := 14 + len(before) + strings.LastIndex(tt.cond, tt.at)
			want := fmt.Sprintf("a.yaml:4:%d: rule \"R\": %s", col, tt.want)
			if err == nil || err.Error() != want {
				t.Errorf("%s\n got %v\nwant %s", tt.cond, err, want)
			}
		})
	}
}

// TestOperators writes every operator with every type: what can be used, and
// what cannot.
func TestOperators(t *testing.T) {
	fields := []struct{ name, value string }{
		{"proc.name", "x"}, {"proc.pid", "1"}, {"proc.cmdnargs", "1"}, {"evt.failed", "true"}, {"fd.sip", "::1"},
		{"fd.sport", "1"}, {"proc.duration", "1s"}, {"evt.time", "1"}, {"fd.types", "x"},
	}
	var b strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&b, "%-14s", f.name)
		for _, op := range rule.Ops() {
			value := f.value
			if op == rule.OpBContains || op == rule.OpBStartsWith {
				value = "cafe"
			}
			if op.TakesList() {
				value = "(" + value + ")"
			}
			_, err := loadTexts(withCondition("evt.type = connect and " + f.name + " " + op.String() + " " + value))
			switch {
			case err == nil:
				b.WriteString(" " + op.String())
			case !strings.Contains(err.Error(), "cannot be used"):
				t.Errorf("%s %s: %v", f.name, op, err)
			}
		}
		b.WriteByte('\n')
	}
	golden(t, "operators.golden", b.String())
}

func TestLiterals(t *testing.T) {
	tests := []struct {
		field, text, want string
	}{
		{"proc.pid", "12", "12"},
		{"proc.pid", "-1", "-1"},
		{"proc.pid", "+7", "7"},
		{"proc.pid", "010", "10"},
		{"proc.pid", "0x1F", "31"},
		{"proc.pid", "-0x10", "-16"},
		{"proc.pid", "1e3", "1000"},
		{"proc.pid", "5.0", "5"},
		{"proc.pid", "-9223372036854775808", "-9223372036854775808"},
		{"proc.cmdnargs", "18446744073709551615", "18446744073709551615"},
		{"proc.cmdnargs", "0xffffffffffffffff", "18446744073709551615"},
		{"evt.failed", "true", "true"},
		{"evt.failed", "false", "false"},
		{"fd.sport", "0x16", "22"},
		{"fd.sip", "10.1.2.3", "10.1.2.3/32"},
		{"fd.sip", "10.1.2.3/8", "10.0.0.0/8"},
		{"fd.sip", "::ffff:10.1.2.3", "10.1.2.3/32"},
		{"fd.sip", "::ffff:10.1.2.3/104", "10.0.0.0/8"},
		{"fd.sip", "2001:DB8::1", "2001:db8::1/128"},
		{"fd.sip", "2001:db8::/32", "2001:db8::/32"},
		{"proc.duration", "5000000000", "5000000000"},
		{"proc.duration", "5s", "5000000000"},
		{"proc.duration", "1m30s", "90000000000"},
		{"proc.duration", "1.5ms", "1500000"},
		{"evt.time", "1700000000000000000", "2023-11-14T22:13:20.000000000Z"},
		{"evt.time", "'2023-11-14T23:13:20+01:00'", "2023-11-14T22:13:20.000000000Z"},
		{"proc.name", "'5s'", "5s"},
	}
	for _, tt := range tests {
		t.Run(tt.field+" "+tt.text, func(t *testing.T) {
			set := mustLoad(t, withCondition("evt.type = connect and "+tt.field+" = "+tt.text))
			v := set.Rules[0].Condition.(*rule.And).Parts[1].(*rule.Comparison).Values[0]
			got := v.Value.Format("none")
			if v.Net.IsValid() {
				got = v.Net.String()
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestListOfWrongType: a list is reported where the value stands, once, though
// two conditions use it; with another type it is fine.
func TestListOfWrongType(t *testing.T) {
	_, err := loadTexts("- list: l\n  items: [1, x, y]\n- macro: m\n  condition: proc.name in (l) and proc.pid in (l)\n" +
		withCondition("evt.type = open and m and proc.pid in l"))
	want := `a.yaml:2:14: macro "m": "x" is not a number, as proc.pid needs; it is used at a.yaml:4:35
a.yaml:2:17: macro "m": "y" is not a number, as proc.pid needs; it is used at a.yaml:4:35
`
	if diff := cmp.Diff(want, lines(rule.Errors(err))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTypes(t *testing.T) {
	const all = "all"
	tests := []struct {
		cond, want string
	}{
		{"evt.type = open", "open"},
		{"evt.type in (open, execve, open)", "execve open"},
		{"evt.type = open and evt.type = execve", ""},
		{"evt.type = open or evt.type = execve", "execve open"},
		{"not evt.type != open", "open"},
		{"not (evt.type != open or proc.name = x)", "open"},
		{"evt.type startswith execve", "execve execveat"},
		{"evt.type endswith 2 and evt.type icontains OPEN", "openat2"},
		{"evt.type contains rename and not evt.type in (rename)", "renameat renameat2"},
		{"evt.type glob exec*", all},
		{"proc.name = x", all},
		{"evt.type = open and not proc.name = x", "open"},
		{"evt.type = open or proc.name = x", all},
		{"not evt.type = open or not evt.type = execve", all},
		{"fd.sip = 10.0.0.1", "connect accept4"},
		{"fd.sip exists", "connect accept4"},
		{"not fd.sip = 10.0.0.1", all},
		{"fd.sip = 10.0.0.1 and fd.name = x", "connect"},
		{"evt.category = net", "connect accept accept4 bind listen"},
		{"evt.dir = < and evt.type = open", "open"},
		{"evt.dir = > and evt.type = open", ""},
		{"not evt.dir = > and evt.type = open", "open"},
		{"evt.dir != > and evt.type = open", "open"},
		{"evt.type = mmap", ""},
		{"evt.type in (mmap, open)", "open"},
		{"evt.type in (types)", "execve open"},
		{"execs", "execve execveat"},
		{"execs or writes", "execve execveat open openat openat2 creat"},
		{"not execs and evt.type in (types)", "open"},
		{"execs and writes", ""},
		{"evt.type exists", all},
		{"not evt.type exists", ""},
	}
	for _, tt := range tests {
		t.Run(tt.cond, func(t *testing.T) {
			set := mustLoad(t, "- list: types\n  items: [execve, open]\n"+
				"- macro: execs\n  condition: evt.type in (execve, execveat)\n"+
				"- macro: writes\n  condition: evt.is_open_write = true\n"+withCondition(tt.cond))
			got := fmt.Sprint(set.Rules[0].Types)
			want := "[" + tt.want + "]"
			if tt.want == all {
				want = fmt.Sprint(event.Types())
			}
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			told := lines(set.Warnings)
			if never := strings.Contains(told, "can never match"); never != (tt.want == "") {
				t.Errorf("warnings are\n%s", told)
			}
			if every := strings.Contains(told, "no event type restricts"); every != (tt.want == all) {
				t.Errorf("warnings are\n%s", told)
			}
		})
	}
}

// ofRules leaves out warnings of macros and lists.
func ofRules(all []*rule.Error) []*rule.Error {
	return slices.DeleteFunc(slices.Clone(all), func(e *rule.Error) bool { return e.Kind != "" })
}

// TestTypesUnwarned: warn_evttypes: false is Falco's way to say that it is meant.
func TestTypesUnwarned(t *testing.T) {
	if set := mustLoad(t, withCondition("proc.name = x")+"  warn_evttypes: false\n"); len(set.Warnings) > 0 {
		t.Errorf("warnings are %v", set.Warnings)
	}
}

// TestContext: what cannot be true where it stands.
func TestContext(t *testing.T) {
	tests := []struct {
		name, cond, want string
	}{
		{"fine", "evt.type in (open, connect) and fd.name = x and (fd.sip = ::1 or evt.is_open_write = true)", ""},
		{"field of another event", "evt.type = execve and fd.name = x",
			"4:14: the condition can never match: fd.name = x needs an event of open, openat, openat2, creat, connect, and what stands before it one of execve"},
		{"in an or", "(evt.type = execve and (proc.name = x or fd.name exists)) or evt.type = open",
			"4:55: no event of execve has the field fd.name: the comparison is always false here"},
		{"behind a not", "evt.type = execve and not fd.name = x",
			"4:40: no event of execve has the field fd.name: the comparison is always false here"},
		{"macro", "evt.type = open and (execs or fd.name = x)",
			"4:35: macro execs can never be true here: it needs an event of execve, execveat, and the rest one of open"},
		{"macro behind a not", "evt.type = open and not execs", ""},
		{"event types that are not there yet", "evt.type in (mmap, open, setuid)",
			"4:27: events of type mmap and setuid are not delivered by this version of goshawk: they never match"},
		{"event type that nobody knows", "evt.type in (frobnicate, open)",
			"4:27: unknown event type frobnicate: it never matches"},
		{"direction", "evt.dir=< and evt.type = open",
			"4:14: evt.dir is deprecated: every event is the end of its call, and evt.dir=< is always true"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := mustLoad(t, withCondition(tt.cond), "- macro: execs\n  condition: evt.type in (execve, execveat)\n")
			got := strings.ReplaceAll(strings.ReplaceAll(lines(ofRules(set.Warnings)), "a.yaml:", ""), "rule \"R\": ", "")
			if diff := cmp.Diff(tt.want, strings.TrimSuffix(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	tests := []struct{ cond, name, arg string }{
		{"evt.arg.flags = x", "evt.arg", "flags"},
		{"evt.arg[flags] = x", "evt.arg", "flags"},
		{"evt.arg.a.b = x", "evt.arg", "a.b"},
		{`proc.env["A ] B"] = x`, "proc.env", "A ] B"},
		{"proc.env = x", "proc.env", ""},
		{"proc.aname[2] = x", "proc.aname", "2"},
		{"proc.aname = x", "proc.aname", ""},
	}
	for _, tt := range tests {
		t.Run(tt.cond, func(t *testing.T) {
			set := mustLoad(t, withCondition("evt.type = open and "+tt.cond))
			f := set.Rules[0].Condition.(*rule.And).Parts[1].(*rule.Comparison).Field
			if f.Name != tt.name || f.Arg.Name != tt.arg || f.Arg.Given != (tt.arg != "") || f.Field == nil {
				t.Errorf("got %+v", f)
			}
		})
	}
}
