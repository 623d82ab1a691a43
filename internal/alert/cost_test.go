package alert

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"
)

// chainEvent is an open by a process with 17 ancestors, all with the same
// argument.
func chainEvent(arg string) *event.Event {
	ev := newEvent("shadow")
	var parent *event.Image
	for i := range uint32(18) {
		img := *ev.Image
		img.PID, img.Parent, img.Comm = i+1, parent, "curl"
		img.Argv, img.CmdLine = event.WordsOf("curl", arg), "curl "+arg
		parent = &img
	}
	ev.Image = parent
	ev.Process.Image = parent
	return ev
}

// argument repeats a text up to a length.
func argument(unit string, size int) string { return strings.Repeat(unit, size/len(unit)+1)[:size] }

// TestImagesOnce holds that an image's command line is masked once, and once
// shorter for the lineage, whatever the number of alerts.
func TestImagesOnce(t *testing.T) {
	b, ev := newBuilder(t), chainEvent(argument("token ", 16<<10))
	r := newRule(t, "proc.cmdline", "proc.pcmdline", "proc.args", "proc.exeline")
	first := b.New(ev, r, nil)
	const want = 1 + maxAncestors + 2 // the lineage, proc.cmdline and proc.pcmdline
	if b.images.made != want {
		t.Errorf("%d lines were masked, want %d", b.images.made, want)
	}
	for range 3 {
		if diff := cmp.Diff(first, b.New(ev, r, nil)); diff != "" {
			t.Errorf("another alert of the same event:\n%s", diff)
		}
	}
	if b.images.made != want {
		t.Errorf("%d lines were masked after further alerts, want %d", b.images.made, want)
	}
	for _, p := range first.Lineage {
		if len(p.CmdLine) > maxLineageText+len(cutMark) || !strings.HasSuffix(p.CmdLine, cutMark) {
			t.Errorf("%d bytes of a command line in the lineage", len(p.CmdLine))
		}
	}
}

// TestImagesBounded asks for more images than are kept.
func TestImagesBounded(t *testing.T) {
	c := newImageCache(newMasker(t))
	kept := &event.Image{CmdLine: "app --token kept"}
	for i := range 10 * maxImages {
		img := &event.Image{CmdLine: fmt.Sprintf("app --token %d", i)}
		if got := c.commandLine(img); got != "app --token ***" {
			t.Fatalf("%q", got)
		}
		if c.commandLine(kept); len(c.young) > maxImages || len(c.old) > maxImages {
			t.Fatalf("%d and %d images are kept", len(c.young), len(c.old))
		}
		runtime.KeepAlive(img)
	}
	if want := 10*maxImages + 1; c.made != want {
		t.Errorf("%d lines were masked, want %d: what is in use was forgotten", c.made, want)
	}
}

// TestImagesHoldNone lets an image go while its lines are kept.
func TestImagesHoldNone(t *testing.T) {
	c := newImageCache(newMasker(t))
	img := &event.Image{CmdLine: "app"}
	c.commandLine(img)
	img = nil
	runtime.GC()
	runtime.GC()
	for key := range c.young {
		if key.Value() != nil {
			t.Error("the cache keeps an image alive")
		}
	}
}

// BenchmarkNew makes one alert of a process with 17 ancestors. With images=new
// no command line was seen before.
func BenchmarkNew(b *testing.B) {
	for _, bm := range []struct{ name, arg string }{
		{"ordinary", "-s https://host/path?x=1 --max-time 30"},
		{"token-words", argument("token: a a a ", 16<<10)},
		{"token-run", argument("token", 30<<10)},
		{"token-flags", argument("--token x ", 30<<10)},
		{"urls", argument("https://me:x@", 30<<10)},
		{"programs", argument("curl -u me:x ", 30<<10)},
		{"quotes", argument(`token="`, 30<<10)},
	} {
		for _, images := range []string{"known", "new"} {
			b.Run("input="+bm.name+"/images="+images, func(b *testing.B) {
				builder, r, ev := newBuilder(b), newRule(b, "user.name", "fd.name", "proc.cmdline", "proc.pcmdline"), chainEvent(bm.arg)
				b.ReportAllocs()
				for b.Loop() {
					if images == "new" {
						clear(builder.images.young)
					}
					if a := builder.New(ev, r, nil); len(a.Lineage) != 1+maxAncestors {
						b.Fatal("no lineage")
					}
				}
			})
		}
	}
}
