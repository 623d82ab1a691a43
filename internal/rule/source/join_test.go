package source

import "testing"

func TestJoin(t *testing.T) {
	c := Join(TextCursor("a.yaml", "x or\n  y"), TextCursor("b.yaml", "and z"), TextCursor("c.yaml", ""))
	if got, want := c.Value(), "x or\n  y and z "; got != want {
		t.Fatalf("joined %q, want %q", got, want)
	}
	for _, tt := range []struct {
		off  int
		want string
	}{
		{0, "a.yaml:1:1"}, {2, "a.yaml:1:3"}, {7, "a.yaml:2:3"}, {8, "a.yaml:2:4"}, {9, "b.yaml:1:1"}, {13, "b.yaml:1:5"},
		{14, "b.yaml:1:6"}, {15, "c.yaml:1:1"},
	} {
		if got := c.Pos(tt.off).String(); got != tt.want {
			t.Errorf("byte %d is at %s, want %s", tt.off, got, tt.want)
		}
	}
	if one := TextCursor("a.yaml", "x"); Join(one) != one {
		t.Error("a single text is joined to something")
	}
}
