package loader

import (
	"strings"
	"testing"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// TestPlaces looks for the word no.such in a condition that is written in every
// way that YAML has. The place reported must be where it stands in the file.
func TestPlaces(t *testing.T) {
	tests := []struct {
		name, yaml string
	}{
		{"plain", "condition: proc.name = a and no.such = b"},
		{"plain, many lines", "condition: proc.name = a\n    and\n\n      no.such = b"},
		{"plain on the next line", "condition:\n      no.such = b"},
		{"single quotes", "condition: 'proc.name = \"it''s\" and no.such = b'"},
		{"single quotes, many lines", "condition: 'proc.name = a\n\n    and  no.such = b'"},
		{"double quotes", `condition: "proc.name = \"a\" and no.such = b"`},
		{"double quotes, escapes", `condition: "proc.name = \"\x41\u00e9\U0001F600\\\\\t\"\tand\n\x20no.such = b"`},
		{"double quotes, a line that goes on", "condition: \"proc.name = a \\\n     \\  and no.such = b\""},
		{"literal", "condition: |\n    proc.name = a\n      and no.such = b"},
		{"literal, kept breaks", "condition: |+\n\n    proc.name = a\n\n      and no.such = b\n\n\n"},
		{"literal, stripped, indented", "condition: |2-\n       proc.name = a\n      and no.such = b"},
		{"literal with a comment", "condition: | # no.comment\n    proc.name = a and no.such = b"},
		{"folded", "condition: >\n    proc.name = a and\n    (proc.name = b or\n     no.such = b)"},
		{"folded, stripped", "condition: >-\n    proc.name = a\n\n    and no.such = b"},
		{"folded, kept, indented lines", "condition: >+4\n      proc.name = a\n         and\n      no.such = b"},
		{"folded, tabs within", "condition: >\n    proc.name = a\tand\n    \tno.such = b"},
		{"columns are runes", "condition: >\n    proc.name = \"äöü日本😀\" and no.such = b"},
		{"anchor", "condition: &c no.such = b"},
		{"anchor and literal", "condition: &c |\n    proc.name = a and no.such = b"},
		{"tag", "condition: !!str proc.name = a and no.such = b"},
		{"tag and anchor and comment", "condition: !!str &c # comment\n    'proc.name = a and no.such = b'"},
		{"anchor in front of a quoted text", "condition: &c 'no.such = b'"},
		{"no-break space", "condition: proc.name = \"\u00a0\" and no.such = b"},
		{"next line character", "condition: \"proc.name = a\u0085    and no.such = b\""},
		{"line separator", "condition: \"proc.name = a\u2028    and no.such = b\""},
	}
	prefixes := []struct{ name, text string }{
		{"alone", "- rule: R\n  "},
		{"with a byte order mark", "\uFEFF- rule: R\n  "},
		{"second document", "---\n- macro: m\n  condition: proc.name = a\n---\n# comment\n- rule: R\n  "},
	}
	for _, tt := range tests {
		for _, prefix := range prefixes {
			for _, ending := range []string{"\n", "\r\n"} {
				text := prefix.text + tt.yaml + "\n  desc: D\n  output: O\n  priority: Info\n"
				text = strings.ReplaceAll(text, "\n", ending)
				t.Run(tt.name+"/"+prefix.name+strings.ReplaceAll(ending, "\n", ""), func(t *testing.T) {
					_, err := loadTexts(text)
					errs := rule.Errors(err)
					if len(errs) != 1 {
						t.Fatalf("got %v, want one error in\n%s", err, text)
					}
					if want := placeOf(text, "no.such"); errs[0].Pos != want {
						t.Errorf("got %v, want %v in\n%s", errs[0], want, text)
					}
				})
			}
		}
	}
}

// placeOf finds a word as a person would: counting lines and runes.
func placeOf(text, word string) rule.Pos {
	text = strings.TrimPrefix(text, "\uFEFF")
	before := text[:strings.Index(text, word)]
	for _, br := range []string{"\r\n", "\u0085", "\u2028"} {
		before = strings.ReplaceAll(before, br, "\n")
	}
	line := strings.Count(before, "\n") + 1
	last := before[strings.LastIndexByte(before, '\n')+1:]
	return rule.Pos{File: "a.yaml", Line: line, Col: len([]rune(last)) + 1}
}

// TestPlaceOfAlias: a text that is used twice is reported where it stands, once.
func TestPlaceOfAlias(t *testing.T) {
	_, err := loadTexts("- macro: a\n  condition: &c proc.name = a and no.such = b\n" +
		"- rule: R\n  desc: D\n  output: O\n  priority: Info\n  condition: *c\n- rule: S\n  desc: D\n  output: O\n  priority: Info\n  condition: a\n")
	want := "a.yaml:2:35: rule \"R\": unknown field no.such\na.yaml:2:35: macro \"a\": unknown field no.such\n"
	if got := lines(rule.Errors(err)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestPlaceAtEnd: what is missing is reported behind the last character.
func TestPlaceAtEnd(t *testing.T) {
	tests := []struct{ name, cond, want string }{
		{"plain", "proc.name = a and   # comment", "4:31"},
		{"literal", "|\n    proc.name = a and\n\n", "5:22"},
		{"folded", ">\n    proc.name = a\n    and\n", "6:8"},
		{"quoted", "'proc.name = a and '", "4:32"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := loadTexts(withCondition(tt.cond))
			want := "a.yaml:" + tt.want + ": rule \"R\": expected a condition, found the end\n"
			if got := lines(rule.Errors(err)); got != want {
				t.Errorf("got %s want %s", got, want)
			}
		})
	}
}

func TestNotYAML(t *testing.T) {
	tests := []struct {
		name, text, want string
	}{
		{"not UTF-8", "- rule: a\n  desc: \"é\xff\"\n", `a.yaml:2:11: byte 0xff is not UTF-8`},
		{"control character", "- rule: a\x00b\n", `a.yaml:1:10: control character 0x00 in the text`},
		{"UTF-16", "\xff\xfe-\x00", `a.yaml:1:1: the file is UTF-16; save it as UTF-8`},
		{"tab", "- rule: a\n\tdesc: b\n", `a.yaml:2:1: not valid YAML: found a tab character that violates indentation`},
		{"at sign", "- rule: a\n  output: @b\n", `a.yaml:2:11: not valid YAML: found character that cannot start any token; put the text in quotes`},
		{"percent", "- rule: a\n  output: %proc.name\n", `a.yaml:2:11: not valid YAML: found character that cannot start any token; put the text in quotes`},
		{"colon", "- rule: a\n  output: b: c\n", `a.yaml:2:12: not valid YAML: mapping values are not allowed in this context; put a text with a colon in quotes, or use >`},
		{"open quote", "- rule: a\n  desc: b\n  output: \"x\n", `a.yaml:3:11: not valid YAML: found unexpected end of stream`},
		{"open bracket", "- rule: a\n  tags: [b, c\n- rule: d\n", `a.yaml:2:13: not valid YAML: did not find expected ',' or ']'`},
		{"unknown anchor", "- rule: *x\n", `a.yaml:1:10: not valid YAML: unknown anchor 'x' referenced`},
		{"escape", "- rule: a\n  output: \"\\q\"\n", `a.yaml:2:12: not valid YAML: found unknown escape character; write \\ for a backslash, or use single quotes`},
		{"indentation", "- rule: a\n  desc: b\n   output: c\n", `a.yaml:3:10: not valid YAML: mapping values are not allowed in this context; put a text with a colon in quotes, or use >`},
		{"less indentation", "- rule: a\n  desc: b\n output: c\n", `a.yaml:3:2: not valid YAML: did not find expected '-' indicator`},
		{"no colon", "- rule: a\n  desc b\n  output: c\n", `a.yaml:2:3: not valid YAML: could not find expected ':'`},
		{"text behind quotes", "- rule: a\n  output: \"x\" y\n", `a.yaml:2:15: not valid YAML: did not find expected key`},
		{"item inside", "- rule: a\n  desc: b\n  - rule: c\n", `a.yaml:3:3: not valid YAML: did not find expected key`},
		{"block", "- rule: a\n  condition: >x\n    c\n", `a.yaml:2:15: not valid YAML: did not find expected comment or line break`},
		{"brace", "- rule: a\n  desc: b}\n- {rule: a, desc: b]\n", `a.yaml:3:4: not valid YAML: did not find expected ',' or '}'`},
		{"too deep", strings.Repeat("[", 10_002), `a.yaml:1:10001: not valid YAML: exceeded max depth of 10000`},
		{"a mapping", "rule: a\n", `a.yaml:1:1: a rule file is a list; begin each item with - rule:, - macro: or - list:`},
		{"a text", "hello\n", `a.yaml:1:1: a rule file is a list; begin each item with - rule:, - macro: or - list:`},
		{"an item that is a text", "- hello\n", `a.yaml:1:3: an item is a mapping; begin it with rule:, macro: or list:`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := loadTexts(tt.text)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestEmptyFiles(t *testing.T) {
	for _, text := range []string{"", "\n", "# comment\n", "---\n", "---\n---\n...\n", "\uFEFF", "[]"} {
		if set, err := loadTexts(text); err != nil || len(set.Warnings) > 0 {
			t.Errorf("load(%q): %v, %v", text, err, set.Warnings)
		}
	}
}
