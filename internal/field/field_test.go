package field

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"
)

var update = flag.Bool("update", false, "write golden files")

// factsFile is a table of Falco's fields: name, type, list, argument. The test
// that reads it skips where there is none.
const factsEnv = "GOSHAWK_FALCO_FIELDS"

func TestRows(t *testing.T) {
	cat := New(Syscall())
	seen := map[string]bool{}
	for _, r := range cat.All() {
		if seen[r.Name] {
			t.Errorf("%s: two rows", r.Name)
		}
		seen[r.Name] = true
		if r.Get == nil || r.Source == "" || r.Since == "" {
			t.Errorf("%s: no getter, source or kernel", r.Name)
		}
		if !strings.HasSuffix(r.Desc, ".") || strings.Contains(r.Desc, "\n") {
			t.Errorf("%s: description is not one sentence: %q", r.Name, r.Desc)
		}
		if r.Scope != PerEvent && r.Invalidates == "" {
			t.Errorf("%s: does not say what invalidates it", r.Name)
		}
		if len(r.Sides()) != len(r.Either) {
			t.Errorf("%s: Either %v is not in the catalogue", r.Name, r.Either)
		}
		if r.Path && r.Type != event.TypeString {
			t.Errorf("%s: a path that is no text", r.Name)
		}
	}
}

// An empty event and one of each type make no getter fail, and a value that is
// present has the type of its row.
func TestEmptyEvents(t *testing.T) {
	arg := map[ArgUse]Arg{RequiredKey: {Given: true, Name: "flags"}, RequiredIndex: {Given: true, Index: 1}}
	events := []*event.Event{{}, {Type: 60000}}
	for _, typ := range event.Types() {
		events = append(events, &event.Event{Type: typ}, &event.Event{Type: typ, HasResult: true, Result: -2, Image: &event.Image{}, Process: &event.Process{}})
	}
	for _, r := range Syscall() {
		for _, ev := range events {
			v := r.Get(ev, arg[r.Arg])
			numeric := v.Type() == event.TypeInt || v.Type() == event.TypeUint
			anyIndex := r.Arg == OptionalIndex // without a number all are shown, as text
			if v.IsPresent() && v.Type() != r.Type && !numeric && !anyIndex {
				t.Errorf("%s of %s: type %d, row says %d", r.Name, ev.Type, v.Type(), r.Type)
			}
			if v.IsPresent() && r.Types != nil && !contains(r.Types, ev.Type) {
				t.Errorf("%s of %s is there, Types says it cannot be", r.Name, ev.Type)
			}
		}
	}
}

func contains(types []event.Type, want event.Type) bool {
	for _, t := range types {
		if t == want {
			return true
		}
	}
	return false
}

// Fields that Falco has too have its types. ABSTIME is a number of nanoseconds
// in Falco's output and so here.
func TestTypesAgreeWithFalco(t *testing.T) {
	name := os.Getenv(factsEnv)
	if name == "" {
		t.Skipf("set %s to a table of Falco's fields", factsEnv)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Skipf("no table of Falco's fields: %v", err)
	}
	types := map[string]event.ValueType{
		"CHARBUF": event.TypeString, "BOOL": event.TypeBool, "IPADDR": event.TypeIP, "IPNET": event.TypeIP,
		"PORT": event.TypePort, "RELTIME": event.TypeDuration, "ABSTIME": event.TypeUint, "DYNAMIC": event.TypeInt,
		"UINT32": event.TypeUint, "UINT64": event.TypeUint, "INT16": event.TypeInt, "INT32": event.TypeInt, "INT64": event.TypeInt,
	}
	// Falco calls this length of time an instant.
	differ := map[string]bool{"proc.exe_ino.ctime_duration_proc_start": true}
	ours := New(Syscall())
	for line := range strings.Lines(string(text)) {
		cols := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(cols) < 4 || strings.HasPrefix(line, "#") {
			continue
		}
		row := ours.Find(cols[0])
		if row == nil || differ[cols[0]] {
			continue
		}
		want, ok := types[cols[1]]
		if cols[2] == "list" {
			want = event.TypeList
		}
		if !ok || row.Type != want {
			t.Errorf("%s: type %d, Falco has %s %s", row.Name, row.Type, cols[1], cols[2])
		}
		if takes := row.Arg != NoArg; takes != (cols[3] != "") {
			t.Errorf("%s: takes an argument: %v, Falco says %q", row.Name, takes, cols[3])
		}
	}
}

func TestManual(t *testing.T) {
	var got bytes.Buffer
	if err := Markdown(&got, Syscall()); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("..", "..", "docs", "fields.md")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("docs/fields.md is not up to date: run go test ./internal/field -update\n%s", diff)
	}
}

func TestText(t *testing.T) {
	var got bytes.Buffer
	if err := Text(&got, []Field{{Name: "a.b", Arg: OptionalIndex, Type: event.TypePort, Desc: "What it is.", Types: []event.Type{event.Open, event.Creat}}}); err != nil {
		t.Fatal(err)
	}
	want := "a.b[N]?  (port)\n    What it is.\n    Only for: open, creat\n"
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}
