package match

import (
	"regexp"
	"strings"
	"testing"
	"time"
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
		if got := glob(tt.pattern, tt.s); got != tt.want {
			t.Errorf("glob(%q, %q) = %v", tt.pattern, tt.s, got)
		}
	}
}

// Many stars do not explode.
func TestGlobTime(t *testing.T) {
	begin := time.Now()
	if glob(strings.Repeat("a*", 100)+"b", strings.Repeat("a", 4096)) {
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
			if got := glob("[[:"+class+":]]", s); got != want {
				t.Errorf("%q in %s: %v", s, class, got)
			}
			if got := glob("[![:"+class+":]]", s); got == want {
				t.Errorf("%q not in %s: %v", s, class, got)
			}
		}
	}
}

func FuzzGlob(f *testing.F) {
	f.Add("/etc/*", "/etc/shadow")
	f.Add("*?a", "bca")
	f.Add("[a-", "[a-")
	f.Add("[[:alpha:]_]*[![:digit:].]", "_b2c")
	f.Add("a[[:space:]]?[^[:punct:]]", "a ,x")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		got := glob(pattern, s)
		if strings.ContainsAny(plainSets.ReplaceAllString(pattern, ""), `[\`) || !isASCII(pattern+s) {
			return // the reference has only simple sets and counts runes
		}
		if want := plainGlob(pattern, s); got != want {
			t.Errorf("glob(%q, %q) = %v, want %v", pattern, s, got, want)
		}
	})
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0
}
