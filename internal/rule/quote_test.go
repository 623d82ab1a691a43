package rule

import (
	"math/rand/v2"
	"testing"
)

// TestQuote: what Quote writes Unquote reads, whatever the bytes are, and writes no
// blank but the space.
func TestQuote(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const letters = "ab\\\"'/ \n\t\r\b\f\v\x00\x7f\xff\u00e4\u2028\ufffd(),="
	for range 20_000 {
		text := ""
		for range random.IntN(8) {
			at := random.IntN(len(letters))
			text += letters[at:min(len(letters), at+1+random.IntN(3))]
		}
		quoted := Quote(text, false)
		got, n, closed := Unquote(quoted)
		if at, _ := BadEscape(quoted); got != text || n != len(quoted) || !closed || at >= 0 {
			t.Fatalf("%q became %s, and that %q, %d, %v, %d", text, quoted, got, n, closed, at)
		}
		for i := range len(quoted) {
			if c := quoted[i]; c != ' ' && IsSpace(c) {
				t.Fatalf("%q became %q", text, quoted)
			}
		}
	}
}

func TestUnquote(t *testing.T) {
	for _, tt := range []struct {
		quoted, text, bad string
		at                int
	}{
		{`"a"`, "a", "", -1},
		{`'\'\\\/\b\f\n\r\t'`, "'\\/\b\f\n\r\t", "", -1},
		{`"\x41\xfF\ "`, "A\xff\\", "", -1},
		{`"\d"`, `\d`, `\d`, 1},
		{`"a\'"`, `a\'`, `\'`, 2},
		{`"\\\xg1"`, `\\xg1`, `\x`, 3},
		{`"\x4"`, `\x4`, `\x`, 1},
		{`"\日"`, `\日`, `\日`, 1},
	} {
		text, n, closed := Unquote(tt.quoted)
		at, bad := BadEscape(tt.quoted)
		if text != tt.text || n != len(tt.quoted) || !closed || at != tt.at || bad != tt.bad {
			t.Errorf("%s is %q (%d, %v), bad %q at %d", tt.quoted, text, n, closed, bad, at)
		}
	}
	for _, open := range []string{`"`, `"a\"`, `"a\`, `'"`, `"\x4`} {
		if _, n, closed := Unquote(open); closed || n != len(open) {
			t.Errorf("%s is closed", open)
		}
	}
}

func TestFit(t *testing.T) {
	for _, tt := range []struct {
		width       int
		value, want string
	}{{0, "ab", "ab"}, {4, "ab", "ab  "}, {1, "ab", "a"}, {2, "aä", "a "}, {3, "aä", "aä"}} {
		if got := (&Part{Width: tt.width}).Fit(tt.value); got != tt.want {
			t.Errorf("%q in %d is %q", tt.value, tt.width, got)
		}
	}
}
