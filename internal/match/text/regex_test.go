package text

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRegex(t *testing.T) {
	tests := []struct {
		pattern, s string
		want       bool
	}{
		{"abc", "abc", true}, {"abc", "abcd", false}, {"b", "abc", false}, {"a.c", "abc", true}, {"a.c", "a\nc", false},
		{"a|bc", "bc", true}, {"a|bc", "ac", false}, {"(a|b)*c", "ababc", true}, {"x*", "", true},
		{"/etc/.*", "/etc/shadow", true}, {"/etc/.*", "/etc/a\nb", false}, {".*shadow", "/etc/shadow", true},
		{".*/(ssh|cron)/.*", "/etc/cron/x", true}, {".*/(ssh|cron)/.*", "/etc/crond/x", false},
		{"^a$", "a", true}, {"a\n^b", "a\nb", true}, {"[[:digit:]]+", "123", true}, {"[[:digit:]]+", "12x", false},
		{"(bash|sh) -c .*", "sh -c x", true}, {"(bash|sh) -c .*", "zsh -c x", false}, {"a{2,3}", "aaa", true}, {"a{2,3}", "a", false},
		{"\\.txt", ".txt", true}, {"\\.txt", "xtxt", false}, {".", "\xff", true}, {"a.b", "a\xffb", true}, {"é", "é", true}, {"a[^x]b", "a\nb", true}, {"a**", "aa", true},
	}
	for _, tt := range tests {
		test, err := Regex([]string{tt.pattern})
		if err != nil {
			t.Fatal(err)
		}
		if got := test.Holds(tt.s); got != tt.want {
			t.Errorf("%q regex %q = %v", tt.s, tt.pattern, got)
		}
	}
}

func TestRegexWrong(t *testing.T) {
	for _, pattern := range []string{"(", `\d`, "(?i)a", "a{1001}", "(((a{100}){100}){100}){100}", "((a{100}){100}){100}", strings.Repeat("(", 2000) + strings.Repeat(")", 2000)} {
		if _, err := Regex([]string{pattern}); err == nil {
			t.Errorf("%.40s is taken", pattern)
		}
	}
}

// What an expression needs is found in its text.
func TestRegexNeeds(t *testing.T) {
	for pattern, want := range map[string]Test{
		"abc":                   {Needs: []Pattern{{Kind: Exact, Text: "abc"}}, Exact: true},
		"a(b|c)d?":              {Needs: []Pattern{{Text: "ab"}, {Text: "abd"}, {Text: "ac"}, {Text: "acd"}}, Exact: true},
		"/etc/.*":               {Needs: []Pattern{{Kind: Prefix, Text: "/etc/"}}},
		".*[.]so":               {Needs: []Pattern{{Kind: Suffix, Text: ".so"}}},
		".*(cron|ssh).*":        {Needs: []Pattern{{Kind: Substring, Text: "cron"}, {Kind: Substring, Text: "ssh"}}},
		"/proc/[0-9]+/environ":  {Needs: []Pattern{{Kind: Suffix, Text: "/environ"}}},
		"(/dev/(tcp|udp))/.*:x": {Needs: []Pattern{{Kind: Prefix, Text: "/dev/tcp/"}, {Kind: Prefix, Text: "/dev/udp/"}}},
		".*a[0-9]+bcd[0-9]*":    {Needs: []Pattern{{Kind: Substring, Text: "bcd"}}},
		"[a-z]+":                {Open: true},
	} {
		got, err := regexTest(pattern)
		if err != nil {
			t.Fatal(err)
		}
		got.Holds = nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", pattern, diff)
		}
	}
}

// The time is linear in the text, whatever the expression.
func TestRegexTime(t *testing.T) {
	test, err := Regex([]string{"(a*)*(a|aa)*[b-c]"})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if test.Holds(strings.Repeat("a", 1<<13)) {
		t.Error("matched")
	}
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("took %v", d)
	}
}

func FuzzRegex(f *testing.F) {
	f.Add("/etc/.*", "/etc/shadow")
	f.Add("(a|b)?c.*", "acx\ny")
	f.Add(".*(x|yz).*", "a\xffyz")
	f.Add("[^a]*b+", "cdb")
	f.Add("^a$\n^b", "a\nb")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 100 {
			return
		}
		test, err := regexTest(pattern)
		if wide, wrong := regexp.Compile(`\A(?m:` + pattern + `)\z`); err == nil && wrong == nil {
			// Perl's syntax has all of this one's and means the same.
			checkTest(t, test, s, wide.MatchString(s))
		}
	})
}
