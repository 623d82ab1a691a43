package dirs

import (
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/event"
)

// TestHung follows paths into a file system that never answers: it costs the one
// who mounted it his late names, and the events a moment.
func TestHung(t *testing.T) {
	top := tree(t)
	fuse, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no FUSE here: %v", err)
	}
	abort := func() { unix.Close(fuse) } // whoever waits for an answer gets an error
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fuse)
	if err := unix.Mount("none", top+"/deep", "fuse", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		abort()
		t.Skipf("no FUSE may be mounted here: %v", err)
	}
	t.Cleanup(func() {
		abort()
		if err := unix.Unmount(top+"/deep", unix.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})

	f := New(Config{ProcRoot: "/proc"})
	begin := time.Now()
	for i := range 100 {
		ev := newCall(event.Unlink, path("", fmt.Sprintf("%s/deep/%d/x", top, i)), event.Path{})
		ev.UID = 1000
		if f.Resolve(ev); ev.Path.Late != "" {
			t.Fatalf("%q", ev.Path.Late)
		}
	}
	if d := time.Since(begin); d > 50*patience {
		t.Errorf("100 events took %v", d)
	}
	if s := f.Stats(); s.Late != latePerUser || s.Throttled != 100-latePerUser {
		t.Errorf("%+v", s)
	}
	f.runner.Wait = 10 * time.Second
	ev := newCall(event.Unlink, path("", top+"/l/x"), event.Path{})
	ev.UID = uint32(os.Getuid())
	if f.Resolve(ev); ev.Path.Late != top+"/etc" {
		t.Errorf("another user's name %q, %+v", ev.Path.Late, f.Stats())
	}
}
