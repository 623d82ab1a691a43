package text

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// find returns the patterns that an index finds, sorted.
func find(x *Index, n int, s string) []int32 {
	hits := NewHits(n)
	x.Find(s, &hits)
	list := append([]int32(nil), hits.List()...)
	slices.Sort(list)
	return list
}

// plainFind tries each pattern.
func plainFind(patterns []Pattern, s string) []int32 {
	var list []int32
	for i := range patterns {
		if patterns[i].Holds(s) {
			list = append(list, patterns[i].ID)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func TestIndex(t *testing.T) {
	patterns := []Pattern{
		{Exact, "/etc/shadow", 0}, {Exact, "/etc", 1}, {Prefix, "/etc/", 2}, {Prefix, "/etc/sh", 2}, {Under, "/etc", 3},
		{Under, "/etc/sh", 4}, {Suffix, "dow", 5}, {Suffix, "/etc/shadow", 6}, {Suffix, "", 7}, {Substring, "sha", 8},
		{Prefix, "", 9}, {Exact, "", 10}, {Substring, "", 11}, {Under, "/usr/bin", 12}, {Prefix, "/usr/bin", 13},
	}
	x := NewIndex(patterns)
	for _, s := range []string{"", "/", "/etc", "/etc/", "/etc/shadow", "/etc/shadow/", "//etc//shadow", "etc/shadow", "/usr/bin/x",
		"/usr//bin", "/usr/binx", "shadow", "/etc/sh/x"} {
		if diff := cmp.Diff(plainFind(patterns, s), find(x, 14, s)); diff != "" {
			t.Errorf("%q: %s", s, diff)
		}
	}
}

func TestHits(t *testing.T) {
	hits := NewHits(130)
	for _, id := range []int32{0, 129, 64, 0} {
		hits.add(id)
	}
	if diff := cmp.Diff([]int32{0, 129, 64}, hits.List()); diff != "" {
		t.Error(diff)
	}
	hits.Clear()
	if hits.Has(0) || hits.Has(129) || len(hits.List()) > 0 {
		t.Error("not empty")
	}
}

// Many patterns of all kinds, of few letters, so that they overlap.
func TestIndexRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	word := func(longest int) string {
		b := make([]byte, r.IntN(longest+1))
		for i := range b {
			b[i] = "ab/"[r.IntN(3)]
		}
		return string(b)
	}
	for range 200 {
		var patterns []Pattern
		for range 1 + r.IntN(60) {
			p := Pattern{Kind: Kind(r.IntN(5)), Text: word(6), ID: int32(r.IntN(50))}
			if p.Kind == Under {
				p.Text = string(appendPlain(nil, p.Text))
				if p.Text == "" {
					p.Kind = Prefix
				}
			}
			patterns = append(patterns, p)
		}
		x := NewIndex(patterns)
		for range 50 {
			s := word(14)
			if diff := cmp.Diff(plainFind(patterns, s), find(x, 50, s)); diff != "" {
				t.Fatalf("%v in %q: %s", patterns, s, diff)
			}
		}
	}
}

func FuzzIndex(f *testing.F) {
	f.Add("/etc/ shadow /bin", "/etc/shadow")
	f.Add("a ab abc bc c abcd cd d", "xabcdy")
	f.Fuzz(func(t *testing.T, words, s string) {
		var patterns []Pattern
		list := strings.Split(words, " ")
		for i, w := range list {
			for kind := range Under {
				patterns = append(patterns, Pattern{kind, w, int32(i)*5 + int32(kind)})
			}
			if w = string(appendPlain(nil, w)); w != "" {
				patterns = append(patterns, Pattern{Under, w, int32(i)*5 + 4})
			}
		}
		if diff := cmp.Diff(plainFind(patterns, s), find(NewIndex(patterns), len(list)*5, s)); diff != "" {
			t.Error(diff)
		}
	})
}

// The memory of an index is linear in its patterns, and a text that has one of them
// everywhere costs no more than one that has none.
func TestIndexHostile(t *testing.T) {
	var patterns []Pattern
	for i := range 1000 {
		for kind := range Under {
			patterns = append(patterns, Pattern{kind, strings.Repeat("a", i), int32(i)})
		}
	}
	x := NewIndex(patterns)
	if n := len(x.start.nodes) + len(x.end.nodes) + len(x.inside.states); n > 3*1000+3 {
		t.Errorf("%d nodes and states", n)
	}
	begin := time.Now()
	if n := len(find(x, 1000, strings.Repeat("a", 4096))); n != 1000 {
		t.Errorf("%d patterns", n)
	}
	if d := time.Since(begin); d > time.Second {
		t.Errorf("took %v", d)
	}
}

func TestBeneath(t *testing.T) {
	for _, tt := range []struct {
		paths, s string
		want     bool
	}{
		{"/etc", "/etc", true}, {"/etc", "/etc/shadow", true}, {"/etc", "/etcx", false}, {"/etc/", "/etc", true}, {"/etc/x", "/etc", false},
		{"etc", "/etc/x", true}, {"/etc", "etc/x", true}, {"/etc//x", "/etc/x", true}, {"/etc", "//etc//x", true},
		{"/", "/x", true}, {"/", "", true}, {"", "x", true}, {"/home/*/.ssh", "/home/a/.ssh/id", true}, {"/home/*/.ssh", "/home/a/b/.ssh", false},
		{"/home/*/.ssh", "/home/.ssh", false}, {"/*", "/", false}, {"/e[t]c", "/etc", true}, {"/usr /etc", "/etc/x", true}, {`/a\b`, `/a\b`, true},
	} {
		test := Beneath(strings.Split(tt.paths, " "))
		checkTest(t, test, tt.s, tt.want)
	}
}

func BenchmarkIndex(b *testing.B) {
	text := "/usr/lib/gcc/x86_64-linux-gnu/12/include/stddef.h"
	for _, kind := range []Kind{Exact, Prefix, Suffix, Substring, Under} {
		for _, n := range []int{1, 4, 6, 7, 16, 100, 1000} {
			patterns := make([]Pattern, n)
			for i := range patterns {
				patterns[i] = Pattern{kind, fmt.Sprintf("/usr/li%d/x%d", i%7, i), int32(i)}
			}
			b.Run(fmt.Sprintf("kind=%d/patterns=%d/index", kind, n), func(b *testing.B) {
				x, hits := NewIndex(patterns), NewHits(n)
				for b.Loop() {
					x.Find(text, &hits)
					hits.Clear()
				}
			})
			b.Run(fmt.Sprintf("kind=%d/patterns=%d/loop", kind, n), func(b *testing.B) {
				test := of(patterns)
				for b.Loop() {
					test.Holds(text)
				}
			})
		}
	}
}
