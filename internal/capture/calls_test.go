package capture

import (
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/goshawk-security/goshawk/internal/event"
)

// TestTables checks what the kernel side is told of calls with unusual registers.
func TestTables(t *testing.T) {
	const none = argNone
	tests := []struct {
		typ  event.Type
		want directCallSpec
	}{
		{event.Openat, directCallSpec{Dirfd: 0, Path: 1, Dirfd2: none, Path2: none, Flags: 2, Fd: none}},
		{event.Openat2, directCallSpec{Dirfd: 0, Path: 1, Dirfd2: none, Path2: none, Flags: flagsHow, Fd: none}},
		{event.Creat, directCallSpec{Dirfd: none, Path: 0, Dirfd2: none, Path2: none, Flags: none, Fd: none}},
		{event.Renameat2, directCallSpec{Dirfd: 0, Path: 1, Dirfd2: 2, Path2: 3, Flags: none, Fd: none}},
		{event.Symlinkat, directCallSpec{Dirfd: none, Path: 0, Dirfd2: 1, Path2: 2, Flags: none, Fd: none}},
		{event.Link, directCallSpec{Dirfd: none, Path: 0, Dirfd2: none, Path2: 1, Flags: none, Fd: none}},
		{event.Fchmod, directCallSpec{Dirfd: none, Path: none, Dirfd2: none, Path2: none, Flags: none, Fd: 0}},
	}
	for _, tt := range tests {
		t.Run(tt.typ.String(), func(t *testing.T) {
			tt.want.Type = uint16(tt.typ)
			if got := specOf(tt.typ); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestEveryCallHasANumber: a type that the table of this architecture does not
// know would never be seen.
func TestEveryCallHasANumber(t *testing.T) {
	for _, typ := range event.Types() {
		_, native := callNumbers[0][typ]
		_, compat := callNumbers[1][typ]
		if !native && !compat && typ != event.ProcExit {
			t.Errorf("%s has no number", typ)
		}
		if handlerOf(typ) == 0 && !typ.Info().State {
			t.Errorf("%s ends in no program", typ)
		}
	}
}

// TestConstants holds the constants that Go and C both have against the objects.
func TestConstants(t *testing.T) {
	for _, f := range []Flavour{Direct, Probed} {
		spec, err := loadSpec(f)
		if err != nil {
			t.Fatal(err)
		}
		slots := spec.Maps["slots"].MaxEntries
		if slots != slotsPerCPU {
			t.Errorf("%s: %d slots a CPU, want %d", f, slots, slotsPerCPU)
		}
		if got, want := spec.Maps["losses"].MaxEntries, uint32(typesMax*len(lossCauses)); got != want {
			t.Errorf("%s: %d loss counters, want %d", f, got, want)
		}
		for handler, name := range programs {
			if spec.Programs[name] == nil {
				t.Errorf("%s: handler %d: no program %s", f, handler, name)
			}
		}
		var data *btf.Datasec
		if err := spec.Types.TypeByName(".rodata", &data); err != nil {
			t.Fatal(err)
		}
	}
	if event.TypeCount > typesMax {
		t.Errorf("%d event types, the loss counters have room for %d", event.TypeCount, typesMax)
	}
}
