package match

import (
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

func FuzzGlob(f *testing.F) {
	f.Add("/etc/*", "/etc/shadow")
	f.Add("*?a", "bca")
	f.Add("[a-", "[a-")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		got := glob(pattern, s)
		if strings.ContainsAny(pattern, `[\`) || !isASCII(pattern+s) {
			return // the reference has no sets and counts runes
		}
		if want := plainGlob(pattern, s); got != want {
			t.Errorf("glob(%q, %q) = %v, want %v", pattern, s, got, want)
		}
	})
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0
}
