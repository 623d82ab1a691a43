package match

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/event"
)

// What the type decided belongs to the conditions of a hit.
func TestFoldedConditions(t *testing.T) {
	hits := compile(t, load(t, item("r", `evt.type = openat or evt.type = connect`))).NewMatcher().Match(opened(0, "/a", "", image("sh")))
	if len(hits) != 1 {
		t.Fatalf("%d hits, want 1", len(hits))
	}
	want := []alert.Condition{{Text: "evt.type = openat", Field: "evt.type", Value: "openat"}}
	if diff := cmp.Diff(want, hits[0].Conditions); diff != "" {
		t.Error(diff)
	}
}

// A text is read anew for each event and, where it depends on it, each name.
func TestTexts(t *testing.T) {
	m := compile(t, load(t, item("r", `evt.type = openat and (fd.name = /b or fd.name = /c) and evt.arg.flags contains O_WRONLY`))).NewMatcher()
	sh := image("sh")
	for _, tt := range []struct {
		ev   *event.Event
		want int
	}{
		{opened(1, "/a", "/c", sh), 1}, {opened(1, "/a", "/d", sh), 0}, {opened(1, "/b", "", sh), 1},
		{opened(0, "/b", "", sh), 0}, {opened(1, "/d", "/e", sh), 0}, {opened(1, "/d", "/b", sh), 1},
	} {
		if got := len(m.Match(tt.ev)); got != tt.want {
			t.Errorf("%s as %s with flags %d: %d hits, want %d", tt.ev.Name().Text, tt.ev.Path.Given, tt.ev.Args[2], got, tt.want)
		}
	}
}
