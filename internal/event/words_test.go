package event

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWords(t *testing.T) {
	tests := []struct {
		name string
		w    Words
		want []string
		cut  bool
	}{
		{"none", "", []string{}, false},
		{"one", "a\x00", []string{"a"}, false},
		{"empty ones", "\x00\x00", []string{"", ""}, false},
		{"several", "sh\x00-c\x00\x00a b\x00", []string{"sh", "-c", "", "a b"}, false},
		{"cut", "a\x00bc", []string{"a", "bc"}, true},
		{"cut at an end", "a\x00b\x00", []string{"a", "b"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.w.List()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if tt.w.Len() != len(tt.want) || tt.w.Cut() != tt.cut {
				t.Errorf("%d words, cut %v", tt.w.Len(), tt.w.Cut())
			}
			for i, want := range tt.want {
				if got, ok := tt.w.At(i); !ok || got != want {
					t.Errorf("word %d is %q, %v; want %q", i, got, ok, want)
				}
			}
			for _, i := range []int{-1, len(tt.want), len(tt.want) + 1} {
				if got, ok := tt.w.At(i); ok {
					t.Errorf("word %d is %q", i, got)
				}
			}
			joined := strings.Join(tt.want, " ")
			if got := tt.w.Joined(); got != joined || tt.w.JoinedLen() != len(joined) {
				t.Errorf("joined %q, length %d; want %q", got, tt.w.JoinedLen(), joined)
			}
			if got := string(tt.w.AppendJoined([]byte("x\x00"))); got != "x\x00"+joined {
				t.Errorf("appended %q", got)
			}
			if n := len(strings.Join(tt.want, "")); tt.w.TextLen() != n {
				t.Errorf("text of %d bytes, want %d", tt.w.TextLen(), n)
			}
			if !tt.cut && WordsOf(tt.want...) != tt.w {
				t.Errorf("WordsOf gives %q", WordsOf(tt.want...))
			}
		})
	}
}

func TestWordsNoAllocation(t *testing.T) {
	w := Words(strings.Repeat("x\x00", 8192))
	n := 0
	if a := testing.AllocsPerRun(100, func() {
		n = w.Len() + w.TextLen()
		for s := range w.All() {
			n += len(s)
		}
		s, _ := w.At(8000)
		n += len(s)
	}); a != 0 || n == 0 {
		t.Errorf("%v allocations", a)
	}
}
