package capture

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/event"
)

// TestLiveFrozen: nobody can take the programs out of the table of calls.
func TestLiveFrozen(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: loads programs into the kernel")
	}
	src, err := Open(Config{}, []event.Type{event.Openat})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if err := src.coll.Maps["call_programs"].Delete(uint32(callOpen)); !errors.Is(err, unix.EPERM) {
		t.Errorf("the table of programs can be emptied: %v", err)
	}
}
