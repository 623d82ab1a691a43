package match

import (
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goshawk-security/goshawk/internal/decode"
	"github.com/goshawk-security/goshawk/internal/enrich"
	"github.com/goshawk-security/goshawk/internal/event"
)

// recordings are what machines do all day, each of some thousand events: a build
// with make and gcc, the installation of a package, a web server with visitors.
var recordings = []string{"build", "packages", "web"}

// recorded returns the events of a recording as the agent sees them, with their
// processes and lineage. They stay valid. The recordings are made by `make record`.
func recorded(tb testing.TB, name string) []*event.Event {
	tb.Helper()
	file, err := os.Open(filepath.Join("testdata", name+".records.gz"))
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close() // read only
	packed, err := gzip.NewReader(file)
	if err != nil {
		tb.Fatal(err)
	}
	// A /proc with nothing but a hierarchy: all that is known is in the recording.
	root := tb.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(root, "self"), 0o755), os.WriteFile(filepath.Join(root, "self", "cgroup"), []byte("0::/\n"), 0o644)); err != nil {
		tb.Fatal(err)
	}
	enricher, err := enrich.New(enrich.Config{ProcRoot: root, CgroupRoot: root, NoLateNames: true}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	var all []*event.Event
	for {
		ev := &event.Event{}
		record, offset, err := frame(packed)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err == nil {
			err = decode.Record(record, ev)
		}
		if err != nil {
			tb.Fatalf("%s: %v; the format of records has changed: make the recordings anew with make record", file.Name(), err)
		}
		ev.BootOffset = offset
		enricher.Apply(ev)
		all = append(all, ev)
	}
}

// frame reads one record and its boot offset.
func frame(r io.Reader) (record []byte, offset int64, err error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, 0, err
	}
	record = make([]byte, binary.NativeEndian.Uint32(head[8:])&(1<<20-1))
	_, err = io.ReadFull(r, record)
	return record, int64(binary.NativeEndian.Uint64(head[:])), err
}

// TestRecorded shows the mix, and that every event has what rules ask for.
func TestRecorded(t *testing.T) {
	for _, name := range recordings {
		events := recorded(t, name)
		types, images, orphans := map[string]int{}, map[*event.Image]bool{}, 0
		for _, ev := range events {
			types[ev.Type.String()]++
			images[ev.Image] = true
			if ev.Image == nil || ev.Image.ExePath == "" {
				orphans++
			}
		}
		var mix []string
		for typ, n := range types {
			mix = append(mix, fmt.Sprintf("%s %d", typ, n))
		}
		slices.Sort(mix)
		t.Logf("%s: %d events of %d images: %s", name, len(events), len(images), strings.Join(mix, ", "))
		// Numbers of types change with the kernel side: then the mix makes no sense.
		if len(events) < 3000 || len(images) < 20 || orphans > len(events)/20 || types["openat"] < len(events)/4 {
			t.Errorf("%s: %d events, %d images, %d events without a program, %d openat: make the recordings anew with make record", name, len(events), len(images), orphans, types["openat"])
		}
	}
}
