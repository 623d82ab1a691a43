package text

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGlob(t *testing.T) {
	tests := []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"**", "abc", true}, {"a*", "abc", true}, {"*c", "abc", true},
		{"a?c", "abc", true}, {"a?c", "ac", false}, {"*/etc/*", "/x/etc/y", true}, {"a*b*c", "aXbXc", true}, {"a*b*c", "aXcXb", false},
		{"[abc]", "b", true}, {"[!abc]", "b", false}, {"[^abc]", "d", true}, {"[a-c]x", "bx", true}, {"[]]", "]", true},
		{"[a-]", "-", true}, {"[", "[", true}, {"[ab", "[ab", true}, {`\*`, "*", true}, {`\*`, "x", false}, {`[\]]`, "]", true},
		{`a\`, `a\`, true}, {"*.so.[0-9]", "/usr/lib/x.so.6", true},
		{"[[:digit:]]", "5", true}, {"[[:digit:]]", "x", false}, {"[![:digit:]]", "x", true}, {"[^[:digit:]]", "5", false},
		{"x[[:alpha:][:digit:]_]*", "x_", true}, {"[[:alpha:]-]", "-", true}, {"[[:digit:]-z]", "a", false}, {"[]-_[:digit:]]", "^", true},
		{"[[:none:]]", "n", false}, {"[![:none:]]", "n", true}, {"[:digit:]", "d", true}, {"[:digit:]", "5", false},
		{"[[:Digit:]]", "D]", true}, {"[[:digit]", ":", true}, {"[[:digit:]", "[d", true}, {"[[:digit:]", "5", false},
		{"[[:]", ":", true}, {"[[:]x", "[x", true}, {"[[::]]", ":", false}, {"/proc/[[:digit:]]*/mem", "/proc/12/mem", true},
	}
	for _, tt := range tests {
		if got := MatchGlob(tt.pattern, tt.s, false); got != tt.want {
			t.Errorf("glob(%q, %q) = %v", tt.pattern, tt.s, got)
		}
	}
}

// Many stars do not explode.
func TestGlobTime(t *testing.T) {
	begin := time.Now()
	if MatchGlob(strings.Repeat("a*", 100)+"b", strings.Repeat("a", 4096), false) {
		t.Error("matched")
	}
	if d := time.Since(begin); d > time.Second {
		t.Errorf("took %v", d)
	}
}

// Each class has the members that the regular expressions of the standard library
// give it, and no byte beyond ASCII.
func TestGlobClasses(t *testing.T) {
	for _, class := range strings.Fields("alnum alpha blank cntrl digit graph lower print punct space upper xdigit") {
		re := regexp.MustCompile(`(?s)\A[[:` + class + `:]]\z`)
		for c := range 256 {
			s, want := string([]byte{byte(c)}), c < 128 && re.MatchString(string(rune(c)))
			if got := MatchGlob("[[:"+class+":]]", s, false); got != want {
				t.Errorf("%q in %s: %v", s, class, got)
			}
			if got := MatchGlob("[![:"+class+":]]", s, false); got == want {
				t.Errorf("%q not in %s: %v", s, class, got)
			}
		}
	}
}

// The case of letters counts in classes alone.
func TestGlobFold(t *testing.T) {
	tests := []struct {
		pattern, s string
		want       bool
	}{
		{"*SHADOW", "/etc/shadow", true}, {"[a-c]?", "Bx", true}, {"[A-C]", "b", true}, {`\A`, "a", true},
		{"[[:upper:]]", "a", false}, {"[[:upper:]]", "A", true}, {"[!a]", "A", false}, {"é", "É", false},
	}
	for _, tt := range tests {
		if got := Glob([]string{tt.pattern}, true).Holds(tt.s); got != tt.want {
			t.Errorf("iglob(%q, %q) = %v", tt.pattern, tt.s, got)
		}
	}
}

// A pattern becomes a plain comparison where that says the same.
func TestGlobPlain(t *testing.T) {
	for pattern, want := range map[string]Test{
		"abc":          {Needs: []Pattern{{Kind: Exact, Text: "abc"}}, Exact: true},
		"":             {Needs: []Pattern{{Kind: Exact}}, Exact: true},
		"*":            {Needs: []Pattern{{Kind: Suffix}}, Exact: true},
		"/etc/*":       {Needs: []Pattern{{Kind: Prefix, Text: "/etc/"}}, Exact: true},
		"**.so":        {Needs: []Pattern{{Kind: Suffix, Text: ".so"}}, Exact: true},
		"*/.ssh/*":     {Needs: []Pattern{{Kind: Substring, Text: "/.ssh/"}}, Exact: true},
		`a\*b*`:        {Needs: []Pattern{{Kind: Prefix, Text: "a*b"}}, Exact: true},
		"[ab":          {Needs: []Pattern{{Kind: Exact, Text: "[ab"}}, Exact: true},
		"/a/*/longer":  {Needs: []Pattern{{Kind: Suffix, Text: "/longer"}}},
		"*a[0-9]abc?x": {Needs: []Pattern{{Kind: Substring, Text: "abc"}}},
		"?":            {Needs: []Pattern{{Kind: Substring}}, Open: true},
	} {
		got := globTest(pattern, false)
		got.Holds = nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", pattern, diff)
		}
	}
}

func FuzzGlob(f *testing.F) {
	f.Add("/etc/*", "/etc/shadow")
	f.Add("*?a", "bca")
	f.Add("[a-", "[a-")
	f.Add("[[:alpha:]_]*[![:digit:].]", "_b2c")
	f.Add("a[[:space:]]?[^[:punct:]]", "a ,x")
	f.Add(`\a*[`, "abc[")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		got := MatchGlob(pattern, s, false)
		checkTest(t, globTest(pattern, false), s, got)
		if got && !MatchGlob(pattern, s, true) && !strings.Contains(pattern, "[") {
			t.Errorf("%q matches %q, but not without regard to case", pattern, s)
		}
		if strings.ContainsAny(plainSets.ReplaceAllString(pattern, ""), `[\`) || !isASCII(pattern+s) {
			return // the reference has only simple sets and counts runes
		}
		if want := plainGlob(pattern, s); got != want {
			t.Errorf("glob(%q, %q) = %v, want %v", pattern, s, got, want)
		}
	})
}

// checkTest checks what a test says of a text of which it should be want.
func checkTest(t *testing.T, test Test, s string, want bool) {
	t.Helper()
	if got := test.Holds(s); got != want {
		t.Errorf("%q: %v, want %v", s, got, want)
	}
	has := slices.ContainsFunc(test.Needs, func(p Pattern) bool { return p.Holds(s) })
	if !test.Open && want && !has {
		t.Errorf("%q: none of %v, but it is true", s, test.Needs)
	}
	if !test.Open && test.Exact && has != want {
		t.Errorf("%q: %v of %v, but it is %v", s, has, test.Needs, want)
	}
}

// plainSets are the sets of a pattern that mean the same in a regular expression:
// letters, digits and classes.
var plainSets = regexp.MustCompile(`\[[!^]?(\[:(alnum|alpha|blank|cntrl|digit|graph|lower|print|punct|space|upper|xdigit):\]|[a-zA-Z0-9_.,])+\]`)

// plainGlob is glob by way of a regular expression, for patterns without
// backslashes and without brackets but for plainSets.
func plainGlob(pattern, s string) bool {
	var re strings.Builder
	plain := func(part string) {
		part = regexp.QuoteMeta(part)
		part = strings.ReplaceAll(part, `\*`, `.*`)
		re.WriteString(strings.ReplaceAll(part, `\?`, `.`))
	}
	end := 0
	for _, set := range plainSets.FindAllStringIndex(pattern, -1) {
		plain(pattern[end:set[0]])
		end = set[1]
		re.WriteString(strings.Replace(pattern[set[0]:end], "[!", "[^", 1))
	}
	plain(pattern[end:])
	return regexp.MustCompile(`(?s)\A(?:` + re.String() + `)\z`).MatchString(s)
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0
}
