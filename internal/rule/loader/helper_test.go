package loader

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"

	"github.com/goshawk-security/goshawk/internal/rule"
)

var update = flag.Bool("update", false, "write the golden files")

// catalogue is a small one with every type and use of an argument.
func catalogue() *field.Catalogue {
	absent := func(*event.Event, field.Arg) event.Value { return event.Value{} }
	opens := []event.Type{event.Open, event.Openat, event.Openat2, event.Creat}
	rows := []field.Field{
		{Name: "evt.type", Get: func(ev *event.Event, _ field.Arg) event.Value { return event.String(ev.Type.String()) }},
		{Name: "evt.dir"},
		{Name: "evt.category"},
		{Name: "evt.arg", Arg: field.RequiredKey},
		{Name: "evt.failed", Type: event.TypeBool},
		{Name: "evt.rawres", Type: event.TypeInt},
		{Name: "evt.is_open_write", Type: event.TypeBool, Types: opens},
		{Name: "evt.time", Type: event.TypeTime},
		{Name: "proc.name", Get: func(*event.Event, field.Arg) event.Value { return event.String("sh") }},
		{Name: "proc.pid", Type: event.TypeInt, Get: func(*event.Event, field.Arg) event.Value { return event.Int(7) }},
		{Name: "proc.aname", Arg: field.OptionalIndex, First: 1},
		{Name: "proc.env", Arg: field.OptionalKey},
		{Name: "proc.duration", Type: event.TypeDuration},
		{Name: "proc.cmdnargs", Type: event.TypeUint},
		{Name: "fd.name", Types: append([]event.Type{event.Connect}, opens...)},
		{Name: "fd.num", Type: event.TypeInt},
		{Name: "fd.sip", Type: event.TypeIP, Types: []event.Type{event.Connect, event.Accept4}},
		{Name: "fd.sport", Type: event.TypePort, Types: []event.Type{event.Connect, event.Accept4}},
		{Name: "fd.types", Type: event.TypeList, Arg: field.OptionalKey},
		{Name: "k8s.ns.name"},
		{Name: "x.step", Arg: field.RequiredIndex},
	}
	for i := range rows {
		rows[i].Scope = field.PerEvent
		if rows[i].Get == nil {
			rows[i].Get = absent
		}
	}
	return field.New(rows)
}

// load loads texts as files named a.yaml, b.yaml …
func loadTexts(texts ...string) (*rule.Set, error) {
	fsys := fstest.MapFS{}
	for i, text := range texts {
		fsys[string(rune('a'+i))+".yaml"] = &fstest.MapFile{Data: []byte(text)}
	}
	return FS(fsys, ".", catalogue())
}

// withCondition is a rule file whose condition begins at 4:14.
func withCondition(cond string) string {
	return "- rule: R\n  desc: D\n  priority: Info\n  condition: " + cond + "\n  output: O\n"
}

// lines writes mistakes, one on each line.
func lines(errs []*rule.Error) string {
	var b strings.Builder
	for _, e := range errs {
		b.WriteString(e.Error() + "\n")
	}
	return b.String()
}

// mustLoad loads texts that have no mistake.
func mustLoad(t *testing.T, texts ...string) *rule.Set {
	t.Helper()
	set, err := loadTexts(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// golden compares got with a file below testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}
