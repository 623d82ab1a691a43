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
	for _, bench := range []struct {
		name, of string
		newImage bool
	}{
		{"event=read/image=known", "a compiler reads a header", false},
		{"event=write/image=known", "a compiler writes an object", false},
		{"event=write/image=new", "a compiler writes an object", true},
		{"event=exec/image=new", "make's shell", true},
		{"event=connect/image=known", "git fetches", false},
	} {
		first, err := cases[bench.of].Event.build()
		if err != nil {
			b.Fatal(err)
		}
		// Room for names, as in an event that has been used before.
		first.Scratch(func([]byte) []byte { return make([]byte, 0, 4096) })
		images := []*event.Image{first.Image}
		if bench.newImage {
			images = copies(first.Image)
		}
		b.Run(bench.name, func(b *testing.B) {
			matcher := compiled.NewMatcher()
			var ev event.Event
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				ev = *first
				ev.Image = images[n%len(images)]
				n++
				if hits := matcher.Match(&ev); len(hits) > 0 {
					b.Fatalf("rule %q fires", hits[0].Rule.Name)
				}
			}
		})
	}
}

// copies makes so many images that a matcher has forgotten the first when its
// turn comes again: each event of them is the first of its image, as an exec is.
func copies(image *event.Image) []*event.Image {
	list := make([]*event.Image, 1024)
	for i := range list {
		c := *image
		list[i] = &c
	}
	return list
}
