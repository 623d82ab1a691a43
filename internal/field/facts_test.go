package field

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goshawk-security/goshawk/internal/event"
)

// facts are the fields of Falco, data beside this repository: name, type, list,
// argument.
const facts = "../../../shared/falco-facts/fields.tsv"

// falcoTypes are the types of ours that a type of Falco's may have here.
var falcoTypes = map[string][]event.ValueType{
	"CHARBUF": {event.TypeString}, "BYTEBUF": {event.TypeString}, "BOOL": {event.TypeBool},
	"INT16": {event.TypeInt}, "INT32": {event.TypeInt}, "INT64": {event.TypeInt},
	"UINT32": {event.TypeUint}, "UINT64": {event.TypeUint}, "DOUBLE": {event.TypeUint},
	"IPADDR": {event.TypeIP}, "IPNET": {event.TypeIP}, "PORT": {event.TypePort},
	"RELTIME": {event.TypeDuration, event.TypeUint}, // parts of a time are plain numbers
	"ABSTIME": {event.TypeTime, event.TypeUint},
	"DYNAMIC": {event.TypeInt},
}

// otherwise are fields that differ from Falco's on purpose.
var otherwise = map[string]string{
	"proc.exe_ino.ctime_duration_proc_start":  "a duration, which Falco types as a time",
	"proc.exe_ino.ctime_duration_pidns_start": "a duration, which Falco types as a time",
	"fd.proto":    "the name of a service is a text",
	"evt.abspath": "the argument may be left out",
}

// TestFacts: every field that Falco has for system calls is in the catalogue, with
// its type and argument.
func TestFacts(t *testing.T) {
	text, err := os.ReadFile(facts)
	if err != nil {
		t.Skipf("the facts about Falco's fields are not at %s: %v", facts, err)
	}
	cat := New(Syscall())
	n := 0
	for line := range strings.Lines(string(text)) {
		if line[0] == '#' {
			continue
		}
		n++
		col := strings.Split(strings.TrimRight(line, "\n"), "\t")
		name, falcoType, list, arg := col[0], col[1], col[2], col[3]
		row := cat.Find(name)
		if row == nil {
			t.Errorf("%s is missing", name)
			continue
		}
		if _, known := otherwise[name]; known {
			continue
		}
		want := falcoTypes[falcoType]
		if list == "list" {
			want = []event.ValueType{event.TypeList}
		}
		if !slices.Contains(want, row.Type) {
			t.Errorf("%s has the type %s, and Falco's is %s %s", name, row.typeName(), falcoType, list)
		}
		use, _, _ := strings.Cut(arg, ":")
		got := ""
		if a := row.argument(); a != nil {
			got = a.Use
		}
		if got != use {
			t.Errorf("%s takes an argument: %q, and Falco: %q", name, got, use)
		}
	}
	if n < 268 {
		t.Errorf("the facts have %d fields, want 268", n)
	}
}

// TestNoPanic: every getter takes events of every type with nothing in them, with
// and without an argument.
func TestNoPanic(t *testing.T) {
	rows := New(Syscall()).All()
	for typ := range event.Type(event.TypeCount) {
		for i := range rows {
			for _, arg := range []Arg{{}, {Given: true, Name: "x"}, {Given: true, Name: "1", Index: 1}, {Given: true, Name: "99999999999", Index: -1}} {
				ev := event.Event{Type: typ}
				rows[i].Get(&ev, arg)
			}
		}
	}
}
