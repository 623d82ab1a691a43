package rules

import (
	"testing"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/match"
)

// BenchmarkMatch matches single events of an ordinary machine against all
// rules. None of them fires.
func BenchmarkMatch(b *testing.B) {
	compiled, err := match.Compile(load(b).Rules)
	if err != nil {
		b.Fatal(err)
	}
	cases := map[string]*testCase{}
	for _, c := range readCases(b, "00_base.test.yaml") {
		cases[c.Name] = &c
	}
	for _, bench := range []struct{ name, of string }{
		{"read", "a compiler reads a header"},
		{"write", "a compiler writes an object"},
		{"exec", "make's shell"},
		{"connect", "git fetches"},
	} {
		first, err := cases[bench.of].Event.build()
		if err != nil {
			b.Fatal(err)
		}
		// Room for names, as in an event that has been used before.
		first.Scratch(func([]byte) []byte { return make([]byte, 0, 4096) })
		b.Run("event="+bench.name, func(b *testing.B) {
			matcher := compiled.NewMatcher()
			var ev event.Event
			b.ReportAllocs()
			for b.Loop() {
				ev = *first
				if hits := matcher.Match(&ev); len(hits) > 0 {
					b.Fatalf("rule %q fires", hits[0].Rule.Name)
				}
			}
		})
	}
}
