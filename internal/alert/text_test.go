package alert

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 89, time.UTC)
	clock := at.Local().Format("15:04:05.000000000")
	chain := func(n int) []Ancestor {
		l := make([]Ancestor, n)
		for i := range l {
			l[i] = Ancestor{PID: uint32(100 - i), Name: "p"}
		}
		return l
	}
	tests := []struct {
		name string
		a    Alert
		want string
	}{
		{"no lineage", Alert{Priority: "Warning", Output: "Shell spawned (user=root)"},
			`: Warning Shell spawned (user=root)`},
		{"only itself", Alert{Priority: "Notice", Output: "x", Lineage: chain(1)},
			`: Notice x`},
		{"lineage", Alert{Priority: "Critical", Output: "Reverse shell",
			Lineage: []Ancestor{{PID: 123, Name: "nc"}, {PID: 120, Name: "bash"}, {PID: 88, Name: "sshd"}}},
			": Critical Reverse shell\n    nc(123) ← bash(120) ← sshd(88)"},
		{"as long as fits", Alert{Priority: "Debug", Output: "x", Lineage: chain(8)},
			": Debug x\n    p(100) ← p(99) ← p(98) ← p(97) ← p(96) ← p(95) ← p(94) ← p(93)"},
		{"longer", Alert{Priority: "Debug", Output: "x", Lineage: chain(10)},
			": Debug x\n    p(100) ← p(99) ← p(98) ← p(97) ← p(96) ← p(95) ← p(94) ← … ← p(91)"},
		{"hostile", Alert{Priority: "Error", Output: "a\nb\tc\rd\x1b[2Je\u202ef\xffg\U000e0001 ü",
			Lineage: []Ancestor{{PID: 2, Name: "x\ny"}, {PID: 1, Name: "init"}}},
			`: Error a\nb\tc\rd\x1b[2Je\u202ef\xffg\U000e0001 ü` + "\n    " + `x\ny(2) ← init(1)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.a.Time = at
			if got := tt.a.Text(); got != clock+tt.want {
				t.Errorf("Text()\n got %q\nwant %q", got, clock+tt.want)
			}
		})
	}
}

// FuzzText holds the promise that a program's own strings cannot get out of
// their line.
func FuzzText(f *testing.F) {
	f.Add("out\x1b[1m", "na\nme")
	f.Add("\xff\xfe\u2028", "\u200b")
	f.Fuzz(func(t *testing.T, output, name string) {
		a := Alert{Priority: "Error", Output: output, Lineage: []Ancestor{{Name: name}, {Name: name}}}
		text := a.Text()
		if n := strings.Count(text, "\n"); n != 1 {
			t.Fatalf("%d newlines in %q", n, text)
		}
		for _, r := range text {
			if r != '\n' && !unicode.IsPrint(r) || r == utf8.RuneError && !strings.ContainsRune(output+name, r) {
				t.Fatalf("rune %U in %q", r, text)
			}
		}
	})
}
