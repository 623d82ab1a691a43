package syntax

import (
	"strings"
	"testing"

	"github.com/goshawk-security/goshawk/internal/rule"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, cond, want string
	}{
		{"comparison", `proc.name = sh`, `1:1 proc.name = sh`},
		{"no blanks", `proc.name=sh`, `1:1 proc.name=sh`},
		{"double equals", `fd.num==3`, `1:1 fd.num==3`},
		{"less", `fd.num<=3`, `1:1 fd.num<=3`},
		{"direction", `evt.dir=< and evt.dir=>`, `1:1 and / 1:1 evt.dir=< / 1:15 evt.dir=>`},
		{"exists", `proc.name exists`, `1:1 proc.name exists`},
		{"macro", `spawned`, `1:1 macro spawned`},
		{"precedence", `a or b and not c`, `1:1 or / 1:1 macro a / 1:6 and / 1:6 macro b / 1:12 not / 1:16 macro c`},
		{"parentheses", `(a or b) and c`, `1:2 and / 1:2 or / 1:2 macro a / 1:7 macro b / 1:14 macro c`},
		{"not before a parenthesis", `not(a)`, `1:1 not / 1:5 macro a`},
		{"not twice", `not not a`, `1:1 not / 1:5 not / 1:9 macro a`},
		{"keywords before parentheses", `a and(b)or(c)`, `1:1 or / 1:1 and / 1:1 macro a / 1:7 macro b / 1:12 macro c`},
		{"list", `proc.name in (sh, "b c" ,'d')`, `1:1 proc.name in (sh, "b c" ,'d')`},
		{"empty list", `proc.name in ()`, `1:1 proc.name in ()`},
		{"name of a list", `proc.name in shells`, `1:1 proc.name in shells`},
		{"index", `proc.aname[2]=sh`, `1:1 proc.aname[2]=sh`},
		{"quoted argument", `proc.env["A B"] contains x`, `1:1 proc.env["A B"] contains x`},
		{"argument with slash", `container.mount.dest[/x/*] = y`, `1:1 container.mount.dest[/x/*] = y`},
		{"value with brackets and signs", `proc.cmdline contains [x]<>!%-`, `1:1 proc.cmdline contains [x]<>!%-`},
		{"quotes", `proc.cmdline contains "a \"b\" \\ \n" or b`, `1:1 or / 1:1 proc.cmdline contains "a \"b\" \\ \n" / 1:42 macro b`},
		{"word like a keyword", `android or order`, `1:1 or / 1:1 macro android / 1:12 macro order`},
		{"value like a keyword", `proc.name = and and a`, `1:1 and / 1:1 proc.name = and / 1:21 macro a`},
		{"columns in runes", `proc.name = "ü日" and a`, `1:1 and / 1:1 proc.name = "ü日" / 1:22 macro a`},
		{"lines", "a\n\tand\r\n  b", `1:1 and / 1:1 macro a / 3:3 macro b`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := ParseText("r.yaml", tt.cond)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(strings.Fields(strings.ReplaceAll(rule.Dump(e), "\n", " / ")), " ")
			if got = strings.TrimSuffix(got, " /"); got != strings.Join(strings.Fields(tt.want), " ") {
				t.Errorf("Parse(%q)\n got %s\nwant %s", tt.cond, got, tt.want)
			}
			again, err := ParseText("r.yaml", e.String())
			if err != nil || again.String() != e.String() {
				t.Errorf("String is %q, which reads back as %v, %v", e, again, err)
			}
		})
	}
}

func TestParseValues(t *testing.T) {
	e, err := ParseText("r.yaml", `proc.name in (a, "b \"c\" \\ \n", 'it"s', "", '\'\/\b\f\r\t\ x\x41\xff')`)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a", "b \"c\" \\ \n", `it"s`, "", "'/\b\f\r\t\\xA\xff"}
	for i, v := range e.(*rule.Comparison).Values {
		if v.Text != want[i] {
			t.Errorf("value %d is %q, want %q", i, v.Text, want[i])
		}
	}
}

func TestParseError(t *testing.T) {
	tests := []struct {
		name, cond, want string
	}{
		{"empty", ``, `r.yaml:1:1: condition is empty`},
		{"blank", "  \n ", `r.yaml:1:1: condition is empty`},
		{"open string", `proc.name = "sh`, `r.yaml:1:13: string is not closed`},
		{"open string by an escape", `proc.name = "sh\"`, `r.yaml:1:13: string is not closed`},
		{"unknown escape", `proc.name = "a\.b" and x y`, "r.yaml:1:15: unknown escape \\.; write \\\\ for a backslash\nr.yaml:1:26: expected and, or or the end, found \"y\""},
		{"escape of the other quote", `proc.name in (a, 'it\"s')`, `r.yaml:1:21: unknown escape \"; within ' write " alone`},
		{"half an escape", `proc.name = "\x4"`, `r.yaml:1:14: unknown escape \x; write \\ for a backslash`},
		{"escape in an argument", `proc.env["a\d"] = x`, `r.yaml:1:12: unknown escape \d; write \\ for a backslash`},
		{"argument with a blank", `proc.env[A B] = x`, `r.yaml:1:11: the argument of proc.env has a blank or a bracket; put it in quotes`},
		{"open parenthesis", `a and (b or c`, `r.yaml:1:7: parenthesis is not closed`},
		{"closed too often", `(a) or b)`, `r.yaml:1:9: expected and, or or the end, found ")"`},
		{"empty parentheses", `()`, `r.yaml:1:2: expected a condition, found ")"`},
		{"open list", `proc.name in (a, b`, `r.yaml:1:14: list is not closed`},
		{"open list after a comma", `proc.name in (a,`, `r.yaml:1:14: list is not closed`},
		{"comma at the end of a list", `proc.name in (a,)`, `r.yaml:1:17: expected a value, found ")"`},
		{"no comma", `proc.name in (a b)`, `r.yaml:1:17: expected a comma or ), found "b"`},
		{"no value", `proc.name =`, `r.yaml:1:12: expected a value after =, found the end`},
		{"no value in parentheses", `(proc.name =)`, `r.yaml:1:13: expected a value after =, found ")"`},
		{"no operator", `proc.name`, `r.yaml:1:10: expected an operator after proc.name, found the end`},
		{"no operator before and", `proc.name and a`, `r.yaml:1:11: expected an operator after proc.name, found "and"`},
		{"no operand", `a and`, `r.yaml:1:6: expected a condition, found the end`},
		{"two operands", `a b`, `r.yaml:1:3: expected and, or or the end, found "b"`},
		{"upper case", `a AND b`, `r.yaml:1:3: expected and, or or the end, found "AND"; did you mean and?`},
		{"upper case in parentheses", `(a Or b)`, `r.yaml:1:4: expected and, or or ), found "Or"; did you mean or?`},
		{"operator typo", `proc.name startwith a`, `r.yaml:1:11: unknown operator "startwith"; did you mean startswith?`},
		{"one value for a list", `proc.name in "a"`, `r.yaml:1:14: expected a list in parentheses after in, found "a"`},
		{"list for one value", `proc.name = (a, b)`, `r.yaml:1:13: = takes one value; use in for a list`},
		{"bare equals", `proc.cmdline contains a=b`, `r.yaml:1:24: unexpected "="; put the value in quotes`},
		{"quote in a bare value", `proc.name = a"b"`, `r.yaml:1:14: unexpected "\""; put the value in quotes`},
		{"no field", `name = sh`, `r.yaml:1:1: name is not a field; fields have a dot, as proc.name`},
		{"no field before in", `name in (sh)`, `r.yaml:1:1: name is not a field; fields have a dot, as proc.name`},
		{"symbols", `a && b`, `r.yaml:1:3: unexpected "&&"; write and`},
		{"more symbols", `a || !b`, "r.yaml:1:3: unexpected \"||\"; write or\nr.yaml:1:6: unexpected \"!\"; write not"},
		{"value with blanks", `proc.cmdline = sh -c x and proc.name = /a b`, "r.yaml:1:19: expected and, or or the end, found \"-c\"; put a value with blanks in quotes: \"sh -c x\"\nr.yaml:1:43: expected and, or or the end, found \"b\"; put a value with blanks in quotes: \"/a b\""},
		{"value with blanks and signs", `(proc.cmdline = cat /etc/x)`, `r.yaml:1:21: unexpected "/"; put a value with blanks in quotes: "cat /etc/x"`},
		{"not a symbol", `!a`, `r.yaml:1:1: unexpected "!"; write not`},
		{"not before an operator", `proc.name not in (a)`, `r.yaml:1:11: unknown operator "not"`},
		{"open argument", `proc.aname[2 = sh`, `r.yaml:1:1: the argument of proc.aname is not closed`},
		{"open quoted argument", `a or proc.env["x] = sh`, `r.yaml:1:6: the argument of proc.env is not closed`},
		{"too deep", strings.Repeat("(", 251) + "a" + strings.Repeat(")", 251), `r.yaml:1:251: nested more than 250 deep`},
		{"too many nots", strings.Repeat("not ", 251) + "a", `r.yaml:1:1001: nested more than 250 deep`},

		{"val on the left", `val(proc.name) = a`, `r.yaml:1:1: val(…) stands on the right side of an operator only; write the field alone`},
		{"val in a list", `proc.name in (a, val (proc.pname))`, `r.yaml:1:22: expected a comma or ), found "("`},
		{"val of a text", `proc.name = val("x")`, `r.yaml:1:17: unexpected "\""`},
		{"val of no field", `proc.name = val(x)`, `r.yaml:1:17: x is not a field; fields have a dot, as proc.name; texts stand in quotes`},
		{"open val", `proc.name = val(proc.pname`, `r.yaml:1:27: the parenthesis behind val is not closed`},
		{"transformer typo", `tolowr(proc.name) = a`, `r.yaml:1:1: unknown transformer tolowr; did you mean tolower?`},
		{"no argument", `tolower() = a`, `r.yaml:1:9: tolower takes fields, texts in quotes and numbers, found ")"`},
		{"open transformer", `tolower(proc.name = a`, `r.yaml:1:19: expected a comma or ) in tolower(…), found "="`},
		{"open at the end", `tolower(proc.name`, `r.yaml:1:1: the parenthesis behind tolower is not closed`},
		{"bare text in a transformer", `concat(abc, proc.name) = x`, `r.yaml:1:8: abc is not a field; fields have a dot, as proc.name; texts stand in quotes`},
		{"list in a list", `join(",", (proc.name, (proc.pname))) = x`, `r.yaml:1:23: join takes fields, texts in quotes and numbers, found "("`},
		{"no operator behind a transformer", `tolower(proc.name)`, `r.yaml:1:19: expected an operator after tolower(proc.name), found the end`},
		{"transformers too deep", strings.Repeat("tolower(", 251) + "a.b" + strings.Repeat(")", 251) + " = x", `r.yaml:1:2001: nested more than 250 deep`},
		{"quantity and no list", `proc.name contains anyof "a"`, `r.yaml:1:26: unexpected "\""; put a value with blanks in quotes`},
		{"open list of a quantity", `proc.name contains anyof (a`, `r.yaml:1:26: list is not closed`},
		{"second line", "a and\n  (proc.name rgx x)", `r.yaml:2:14: unknown operator "rgx"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseText("r.yaml", tt.cond)
			if err == nil || err.Error() != tt.want {
				t.Errorf("Parse(%q)\n got %v\nwant %s", tt.cond, err, tt.want)
			}
		})
	}
}

func TestDepthAllowed(t *testing.T) {
	if _, err := ParseText("r.yaml", strings.Repeat("(", 250)+"a"+strings.Repeat(")", 250)); err != nil {
		t.Error(err)
	}
	if _, err := ParseText("r.yaml", strings.Repeat("(a) and ", 5000)+"a"); err != nil {
		t.Errorf("parentheses side by side: %v", err)
	}
}
